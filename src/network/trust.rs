//! Which certificates are right: by the system's own verifier, and root certificates from a file besides. Everything
//! that this program asks over HTTPS is verified by it; there is no way around.

use crate::{
    domain::{Fault, Problem},
    store::atomic,
};
use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
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
        let extra = ca_file.map(read_roots).transpose()?.unwrap_or_default();
        // Where there are none to add the system is not asked for a place for them, which not each has (Wine).
        let verifier = match extra.is_empty() {
            true => Verifier::new(provider()),
            false => Verifier::new_with_extra_roots(extra, provider()),
        };
        let verifier = verifier.map_err(|error| {
            let (place, next) = match ca_file {
                Some(path) => (path.display().to_string(), "Let an administrator add these roots to the system's own, and `visualcron-tray settings unset license_host.ca_file`"),
                None => ("this machine".into(), "Install the system's root certificates (on Debian the package ca-certificates)"),
            };
            Problem::new(Fault::Config, "There is nothing to verify certificates by", place, error.to_string(), next)
        })?;
        Ok(Trust { verifier: Arc::new(verifier), public: public()? })
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

/// The public authorities, as Mozilla lists them.
fn public() -> Result<Arc<dyn ServerCertVerifier>, Problem> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider()).build();
    verifier.map(|verifier| verifier as _).map_err(|error| {
        let (what, next) = ("The list of public authorities cannot be used", "Report this");
        Problem::new(Fault::Software, what, "in this program", error.to_string(), next)
    })
}

/// The certificates of a PEM file.
fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, Problem> {
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
    for root in &roots {
        store.add(root.clone()).map_err(|_| bad("a certificate in it cannot be used as a root"))?;
    }
    if roots.is_empty() { Err(bad("there is no certificate in it")) } else { Ok(roots) }
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
        // Wine has no place for roots beside those in its own store.
        let problem = Trust::load(Some(&path)).err();
        assert!(problem.is_none_or(|problem| cfg!(windows) && problem.next.contains("to the system's own")));
    }
}
