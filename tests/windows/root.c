/* Puts a certificate, a DER file, among the roots that this machine trusts, as administrators do: root FILE. */
#include <stdio.h>
#include <windows.h>
#include <wincrypt.h>

int main(int argc, char **argv)
{
    static BYTE certificate[65536];
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    DWORD length = file ? fread(certificate, 1, sizeof certificate, file) : 0;
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, L"Root");
    if (!length || !store)
        return 2;
    return !CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, certificate, length,
                                             CERT_STORE_ADD_REPLACE_EXISTING, NULL) ||
           !CertCloseStore(store, 0);
}
