//! Which certificates are right: by the system's own verifier, and root certificates from a file besides. Everything
//! that this program asks over HTTPS is verified by it; there is no way around.

use crate::{
    domain::{Fault, Problem},
    store::atomic,
};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use std::{path::Path, sync::Arc};

/// The most bytes of a file of root certificates: 1 MiB.
const MAX_FILE: u64 = 1024 * 1024;

/// What certificates are verified by.
#[derive(Clone)]
pub struct Trust {
    /// The verifier that counts.
    pub verifier: Arc<dyn ServerCertVerifier>,
    /// Public authorities only: tells whether a right certificate comes from one. Decides nothing.
    pub public: Arc<dyn ServerCertVerifier>,
}

/// ring.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl Trust {
    /// The system's verifier, and the root certificates of a PEM file besides.
    ///
    /// # Errors
    ///
    /// The file cannot be read or holds no root certificate; the system has no roots at all.
    pub fn load(ca_file: Option<&Path>) -> Result<Trust, Problem> {
        let file = ca_file.map(|path| by(read_roots(path)?)).transpose()?;
        let verifier: Arc<dyn ServerCertVerifier> = match (
            rustls_platform_verifier::Verifier::new(provider()),
            file,
        ) {
            (Ok(system), None) => Arc::new(system),
            (Ok(system), Some(file)) => Arc::new(SystemAndFile { system: Arc::new(system), file }),
            // A machine without any roots, such as a small container.
            (Err(_), Some(file)) => file,
            (Err(error), None) => {
                let what = "There is nothing to verify certificates by";
                let next = "Install the system's root certificates (on Debian the package ca-certificates), or name a file of them as license_host.ca_file";
                return Err(Problem::new(Fault::Config, what, "this machine", error.to_string(), next));
            }
        };
        let public = by(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })?;
        Ok(Trust { verifier, public })
    }

    /// How TLS is spoken where something depends on it.
    pub fn client_config(&self) -> Result<ClientConfig, rustls::Error> {
        Ok(ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .dangerous() // only the name of the function: the verifier is the system's own
            .with_custom_certificate_verifier(self.verifier.clone())
            .with_no_client_auth())
    }
}

/// The system's verifier, and where it refuses, the roots of a file. (The system's verifier can take roots besides its
/// own; on Windows that goes by a call that cannot be tried under Wine.)
#[derive(Debug)]
struct SystemAndFile {
    system: Arc<dyn ServerCertVerifier>,
    file: Arc<dyn ServerCertVerifier>,
}

impl ServerCertVerifier for SystemAndFile {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let ask = |verifier: &dyn ServerCertVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        match ask(&*self.system) {
            Err(Error::InvalidCertificate(CertificateError::Revoked)) => {
                Err(CertificateError::Revoked.into())
            }
            // What is wrong besides the issuer is the file's to say: it knows it.
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => ask(&*self.file),
            Err(refused) => ask(&*self.file).map_err(|_| refused),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

/// A verifier by these roots alone.
fn by(roots: RootCertStore) -> Result<Arc<dyn ServerCertVerifier>, Problem> {
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider()).build();
    verifier.map(|verifier| verifier as _).map_err(|error| {
        let (what, next) = ("These root certificates cannot be used", "Report this");
        Problem::new(Fault::Software, what, "in this program", error.to_string(), next)
    })
}

/// The certificates of a PEM file.
fn read_roots(path: &Path) -> Result<RootCertStore, Problem> {
    const WHAT: &str = "Cannot read the root certificates (license_host.ca_file)";
    let next = "Name a PEM file with -----BEGIN CERTIFICATE----- in it, or `visualcron-tray settings unset license_host.ca_file`";
    let bad = |why: &str| Problem::new(Fault::Config, WHAT, path.display().to_string(), why, next);
    let bytes = atomic::read_bounded(path, MAX_FILE)
        .map_err(|problem| Problem { what: WHAT.into(), next: next.into(), fault: Fault::Config, ..problem })?
        .ok_or_else(|| bad("there is no such file"))?;
    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let roots = roots.map_err(|_| bad("it is no PEM file"))?;
    // Each must be good for a root: else it would be missed only later.
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root).map_err(|_| bad("a certificate in it cannot be used as a root"))?;
    }
    if store.is_empty() { Err(bad("there is no certificate in it")) } else { Ok(store) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        let why = |path: &Path| Trust::load(Some(path)).err().unwrap().why;
        assert_eq!(why(&path), "there is no such file");
        let key = rcgen::KeyPair::generate().unwrap();
        for (text, expected) in [
            ("", "there is no certificate in it".to_string()),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "a certificate in it cannot be used as a root".into(),
            ),
            ("-----BEGIN CERTIFICATE-----\nAAAA", "it is no PEM file".into()),
            (&key.serialize_pem(), "there is no certificate in it".into()),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(why(&path), expected, "{text}");
        }
        let root = rcgen::CertificateParams::new(vec!["root".into()]).unwrap().self_signed(&key).unwrap();
        std::fs::write(&path, root.pem()).unwrap();
        assert!(Trust::load(Some(&path)).is_ok());
    }

    /// Says the same of each certificate.
    #[derive(Debug)]
    struct Says(Result<(), CertificateError>);

    impl ServerCertVerifier for Says {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            self.0.clone().map(|()| ServerCertVerified::assertion()).map_err(Error::from)
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            unreachable!("no handshake is made here")
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            unreachable!("no handshake is made here")
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    #[test]
    fn the_file_is_asked_where_the_system_refuses_but_not_about_what_was_revoked() {
        use CertificateError::{Expired, NotValidForName, Revoked, UnknownIssuer};
        for (system, file, both) in [
            (Ok(()), Err(UnknownIssuer), Ok(())),
            (Err(UnknownIssuer), Ok(()), Ok(())),
            (Err(UnknownIssuer), Err(UnknownIssuer), Err(UnknownIssuer)),
            // Its root is the file's: then what is wrong is what the file says.
            (Err(UnknownIssuer), Err(NotValidForName), Err(NotValidForName)),
            (Err(Expired), Err(UnknownIssuer), Err(Expired)),
            (Err(Revoked), Ok(()), Err(Revoked)),
        ] {
            let verifier =
                SystemAndFile { system: Arc::new(Says(system.clone())), file: Arc::new(Says(file.clone())) };
            let said = verifier.verify_server_cert(
                &CertificateDer::from(Vec::new()),
                &[],
                &ServerName::try_from("licenses.example").unwrap(),
                &[],
                UnixTime::now(),
            );
            let expected = both.map_err(Error::from);
            assert_eq!(said.map(|_| ()), expected, "system {system:?}, file {file:?}");
        }
    }
}
