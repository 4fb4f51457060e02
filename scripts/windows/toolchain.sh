#!/bin/sh
# Makes a clean Debian 12 able to build and test for Windows: installs what is missing, and builds the Rust
# standard library for x86_64-pc-windows-gnu once. Quiet, and quick when there is nothing to do.
#
# Run it as root, or with the packages installed already.
set -eu
. "$(dirname -- "$0")/env.sh"

packages='rustc-web cargo-web rust-web-src rust-web-clippy gcc-mingw-w64-x86-64
    wine wine64 strace msitools wixl osslsigncode openssl procps python3 xvfb xdotool imagemagick x11-utils'

# Splits on purpose: one package a word.
# shellcheck disable=SC2086
missing=$(
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || echo "$package"
    done
)
if [ -n "$missing" ]; then
    echo "Installing:" $missing
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # shellcheck disable=SC2086
    if ! { apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        exit 1
    fi
    rm -f "$log"
fi

# The library belongs to one compiler: another one makes it anew.
version=$(/usr/bin/rustc --version --verbose)
stamp=$WINDOWS_SYSROOT/made-by
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$version" ]; then
    exit 0
fi

echo "Building the standard library for $triple ($(/usr/bin/rustc --version))"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src"
printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$work/Cargo.toml"
: >"$work/src/lib.rs"
# RUSTC_BOOTSTRAP lets a stable compiler build its own library; nothing of ours is built with it.
# Without the bitcode in it, link-time optimisation of our program would fail.
if ! (
    cd "$work" &&
        PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$work/target" \
            CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUSTFLAGS=-Cembed-bitcode=yes \
            /usr/bin/cargo build --quiet --release -Zbuild-std=std,panic_unwind,panic_abort,test --target $triple
) >"$work/log" 2>&1; then
    cat "$work/log" >&2
    exit 1
fi
library=$work/sysroot/lib/rustlib/$triple/lib
mkdir -p "$library"
cp "$work/target/$triple/release/deps/"lib*.rlib "$library/"
rm -f "$library"/libempty-*.rlib
printf '%s\n' "$version" >"$work/sysroot/made-by"
rm -rf "$WINDOWS_SYSROOT"
mkdir -p "$(dirname -- "$WINDOWS_SYSROOT")"
mv "$work/sysroot" "$WINDOWS_SYSROOT"
