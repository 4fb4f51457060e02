//! The host's certificate: given as PEM files, or made by the host itself for a trial.

use crate::{
    domain::{Fault, Problem},
    store::atomic,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The most bytes of a PEM file.
const MAX_PEM: u64 = 1024 * 1024;

/// The files of a certificate with its chain, and of its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pem {
    /// The chain, the host's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Pem {
    /// A certificate that signs itself, for these names, in this folder: the one that is there, or a new one. Clients
    /// must be given the certificate's file (`--ca-file`): that is for trials and the demo.
    ///
    /// # Errors
    ///
    /// It cannot be made, or not be written.
    pub fn self_signed(folder: &Path, names: &[String]) -> Result<Pem, Problem> {
        let pem =
            Pem { certificate: folder.join("self-signed.crt.pem"), key: folder.join("self-signed.key.pem") };
        if pem.certificate.exists() && pem.key.exists() {
            return Ok(pem);
        }
        let made = rcgen::generate_simple_self_signed(names).map_err(|error| {
            Problem::new(
                Fault::Usage,
                "Cannot make a certificate",
                names.join(", "),
                error.to_string(),
                "Give names that are host names or IP addresses.",
            )
        })?;
        atomic::replace(&pem.key, made.signing_key.serialize_pem().as_bytes())?;
        atomic::replace(&pem.certificate, made.cert.pem().as_bytes())?;
        Ok(pem)
    }

    /// Reads both, and puts them to use: TLS 1.2 and 1.3, HTTP/1.1.
    ///
    /// # Errors
    ///
    /// A file cannot be read, is no PEM, or key and certificate do not go together.
    pub fn load(&self) -> Result<Arc<ServerConfig>, Problem> {
        let wrong = |path: &Path, why: String| {
            Problem::new(
                Fault::Data,
                "The certificate cannot be used",
                path.display().to_string(),
                why,
                "Give a certificate with its chain and its private key as PEM files.",
            )
        };
        let read = |path: &Path| {
            atomic::read_bounded(path, MAX_PEM)?.ok_or_else(|| {
                Problem::new(
                    Fault::NoInput,
                    "The certificate cannot be used",
                    path.display().to_string(),
                    "there is no such file",
                    "Check the path.",
                )
            })
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(&self.certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(&self.certificate, format!("it is no PEM: {error}")))?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|error| wrong(&self.key, format!("it holds no private key in PEM: {error}")))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| wrong(&self.certificate, error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
