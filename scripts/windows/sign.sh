#!/bin/sh
# Signs programs and packages in place, and verifies the signatures:
#
#   scripts/windows/sign.sh FILE…
#
# With the certificate that is given from outside:
#
#   SIGN_PKCS12       a .p12 or .pfx file, and SIGN_PASSWORD_FILE, a file with its password
#   SIGN_CERT         a PEM file with the certificate and the chain above it, and one of
#     SIGN_KEY          a PEM file with the key
#     SIGN_PKCS11       the key's pkcs11: address on a token or cloud service; SIGN_PKCS11_MODULE is the library
#   SIGN_TIMESTAMP    the address of an RFC 3161 time-stamp server: without one the signature ends with the
#                     certificate
#   SIGN_CA           a PEM file with what verification shall trust (the system's certificates)
#
# Without any of these it makes a TEST certificate, good for nothing but to try this step, and throws its key away.
# Keys and passwords are never part of the repository, nor of a command line.
set -eu

[ $# -gt 0 ] || { echo "usage: scripts/windows/sign.sh FILE…" >&2; exit 64; }
command -v osslsigncode >/dev/null || { echo "osslsigncode is missing: install Debian's package of that name." >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${SIGN_PKCS12:-}${SIGN_CERT:-}" ]; then
    if [ -n "${SIGN_REQUIRED:-}" ]; then
        echo "A certificate is required: set SIGN_PKCS12, or SIGN_CERT and SIGN_KEY." >&2
        exit 1
    fi
    echo "No certificate is given: signing with a TEST certificate, which no system trusts." >&2
    openssl req -x509 -newkey rsa:3072 -sha256 -days 2 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" \
        -subj "/CN=visualcron-tray TEST, do not trust" -addext extendedKeyUsage=codeSigning \
        -addext keyUsage=critical,digitalSignature -addext basicConstraints=critical,CA:false 2>"$work/log" ||
        { cat "$work/log" >&2; exit 1; }
    SIGN_CERT=$work/cert.pem SIGN_KEY=$work/key.pem SIGN_CA=$work/cert.pem
fi

for file; do
    set -- -h sha256 -n visualcron-tray
    if [ -n "${SIGN_PKCS12:-}" ]; then
        set -- "$@" -pkcs12 "$SIGN_PKCS12"
        [ -z "${SIGN_PASSWORD_FILE:-}" ] || set -- "$@" -readpass "$SIGN_PASSWORD_FILE"
    elif [ -n "${SIGN_PKCS11:-}" ]; then
        set -- "$@" -certs "$SIGN_CERT" -key "$SIGN_PKCS11"
        [ -z "${SIGN_PKCS11_MODULE:-}" ] || set -- "$@" -pkcs11module "$SIGN_PKCS11_MODULE"
    else
        set -- "$@" -certs "$SIGN_CERT" -key "$SIGN_KEY"
    fi
    [ -z "${SIGN_TIMESTAMP:-}" ] || set -- "$@" -ts "$SIGN_TIMESTAMP"
    # For a package also its tables are in the hash, not only its files.
    case $file in *.msi) set -- "$@" -add-msi-dse ;; esac
    if ! osslsigncode sign "$@" -in "$file" -out "$work/signed" >"$work/log" 2>&1 ||
        ! osslsigncode verify -in "$work/signed" ${SIGN_CA:+-CAfile "$SIGN_CA"} >"$work/log" 2>&1; then
        cat "$work/log" >&2
        echo "$file is not signed." >&2
        exit 1
    fi
    cat "$work/signed" >"$file"
    rm -f "$work/signed"
    echo "$file: signed and verified"
done
