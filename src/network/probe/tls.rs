//! The TLS handshake, made to its end to see whose certificate it is. What is sent afterwards depends on the verdict of
//! the verifier that all requests of this program go by.

use super::{Now, Stream};
use crate::{
    domain::diagnosis::{Certificate, Distrust, Handshake, MAX_NAMES, Tls, Trust, short},
    network::trust,
};
use jiff::Timestamp;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError,
    SignatureScheme,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use std::{
    io::{self, ErrorKind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio_rustls::TlsConnector;
use x509_cert::{
    Certificate as X509,
    der::{Decode, oid::AssociatedOid},
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// The most certificates of a chain that are looked at.
const MAX_CHAIN: usize = 10;

/// Greets by TLS, to the end of the handshake, whosoever's certificate it is.
pub(super) async fn shake(
    stream: Box<dyn Stream>,
    host: &str,
    trust: &trust::Trust,
    now: &Now,
    limit: Duration,
) -> (Tls, Option<Box<dyn Stream>>) {
    let begun = Instant::now();
    let watcher = Arc::new(Watcher {
        trust: trust.clone(),
        now: now.clone(),
        seen: Mutex::default(),
        asked: AtomicBool::new(false),
    });
    let ended = match (config(&watcher), ServerName::try_from(host.to_string())) {
        (Ok(config), Ok(name)) => {
            let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream);
            match tokio::time::timeout(limit, connecting).await {
                Ok(Ok(stream)) => Ok(stream),
                Ok(Err(error)) => Err(failure(&error)),
                Err(_) => Err(Handshake::Silent),
            }
        }
        (Err(error), _) => Err(Handshake::Other(error.to_string())),
        (_, Err(_)) => {
            Err(Handshake::Other(format!("{} is no name that a certificate can be for", short(host))))
        }
    };
    let (chain, verdict) = watcher.seen.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default();
    let version = ended.as_ref().ok().and_then(|stream| stream.get_ref().1.protocol_version());
    let tls = Tls {
        outcome: ended.as_ref().err().cloned().unwrap_or(Handshake::Done),
        version: version.map(|version| match version {
            rustls::ProtocolVersion::TLSv1_3 => "TLS 1.3".into(),
            rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2".into(),
            other => format!("{other:?}"),
        }),
        chain: chain.iter().filter_map(|der| certificate(der)).collect(),
        trust: verdict,
        client_certificate: watcher.asked.load(Ordering::Relaxed),
        millis: super::millis(begun),
    };
    (tls, ended.ok().map(|stream| Box::new(stream) as Box<dyn Stream>))
}

fn config(watcher: &Arc<Watcher>) -> Result<ClientConfig, Error> {
    Ok(ClientConfig::builder_with_provider(trust::provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(watcher.clone())
        .with_client_cert_resolver(watcher.clone()))
}

/// Why a handshake did not come to its end.
fn failure(error: &io::Error) -> Handshake {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::AlertReceived(
            AlertDescription::ProtocolVersion | AlertDescription::InappropriateFallback,
        )) => Handshake::TooOld,
        Some(Error::AlertReceived(alert)) => Handshake::Alert(format!("{alert:?}")),
        Some(Error::PeerIncompatible(rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13)) => {
            Handshake::TooOld
        }
        Some(Error::InvalidMessage(_)) => Handshake::NotTls,
        Some(error) => Handshake::Other(short(&error.to_string())),
        None => match error.kind() {
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                Handshake::Reset
            }
            ErrorKind::UnexpectedEof => Handshake::Closed,
            _ => Handshake::Other(short(&error.to_string())),
        },
    }
}

/// Keeps what is shown, and what the real verifier says of it; and lets the handshake go on.
struct Watcher {
    trust: trust::Trust,
    now: Now,
    seen: Mutex<(Vec<Vec<u8>>, Option<Trust>)>,
    asked: AtomicBool,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watcher")
    }
}

impl ServerCertVerifier for Watcher {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let seconds = u64::try_from((self.now)().as_second()).unwrap_or(0);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let verify = |by: &dyn ServerCertVerifier| by.verify_server_cert(leaf, others, name, ocsp, now);
        let verdict = match verify(&*self.trust.verifier) {
            Ok(_) if verify(&*self.trust.public).is_ok() => Trust::Public,
            Ok(_) => Trust::Local,
            Err(error) => Trust::Wrong(distrust(&error, leaf, now)),
        };
        let chain = std::iter::once(leaf).chain(others).take(MAX_CHAIN).map(|der| der.to_vec()).collect();
        if let Ok(mut seen) = self.seen.lock() {
            *seen = (chain, Some(verdict));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verifier.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.trust.verifier.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.verifier.supported_verify_schemes()
    }
}

impl ResolvesClientCert for Watcher {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Why the verifier says no. One of the system may have one word for several faults: the certificate's own dates come
/// first then.
fn distrust(error: &Error, leaf: &CertificateDer<'_>, now: UnixTime) -> Distrust {
    use CertificateError as Wrong;
    let Error::InvalidCertificate(wrong) = error else { return Distrust::Other(short(&error.to_string())) };
    match wrong {
        Wrong::Expired | Wrong::ExpiredContext { .. } => by_dates(leaf, now).unwrap_or(Distrust::Expired),
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => Distrust::NotYetValid,
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => Distrust::WrongName,
        // webpki looks for the issuer first, and finds none for a certificate that is its own.
        Wrong::UnknownIssuer => Distrust::UnknownIssuer,
        Wrong::Revoked => Distrust::Revoked,
        Wrong::Other(OtherError(inner)) => {
            let text = inner.to_string();
            if text.contains("CaUsedAsEndEntity") {
                Distrust::UnknownIssuer
            } else {
                Distrust::Other(short(&text))
            }
        }
        other => Distrust::Other(short(&other.to_string())),
    }
}

fn by_dates(leaf: &CertificateDer<'_>, now: UnixTime) -> Option<Distrust> {
    let leaf = certificate(leaf)?;
    let now = i64::try_from(now.as_secs()).ok()?;
    (now < leaf.not_before.as_second()).then_some(Distrust::NotYetValid)
}

/// Reads what is shown to people. `None`: it is no certificate that can be read.
fn certificate(der: &[u8]) -> Option<Certificate> {
    let read = X509::from_der(der).ok()?;
    let fields = read.tbs_certificate();
    let moment = |time: x509_cert::time::Time| {
        Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).ok()?).ok()
    };
    Some(Certificate {
        subject: short(&common_name(fields.subject())),
        issuer: short(&common_name(fields.issuer())),
        names: names(&read),
        not_before: moment(fields.validity().not_before)?,
        not_after: moment(fields.validity().not_after)?,
    })
}

/// The common name, with the organization; else the whole name.
fn common_name(name: &x509_cert::name::Name) -> String {
    let whole = name.to_string();
    let part = |key: &str| {
        let parts = whole.split(['+', ',']).map(str::trim);
        let mut found =
            parts.filter_map(|part| part.split_once('=')).filter(|(name, _)| name.eq_ignore_ascii_case(key));
        found.next().map(|(_, value)| value.replace('\\', ""))
    };
    match (part("CN"), part("O")) {
        (Some(name), Some(organization)) if name != organization => format!("{name} ({organization})"),
        (Some(name), _) => name,
        (None, Some(organization)) => organization,
        (None, None) => whole,
    }
}

fn names(certificate: &X509) -> Vec<String> {
    let extensions = certificate.tbs_certificate().extensions();
    let found = extensions.into_iter().flatten().find(|extension| extension.extn_id == SubjectAltName::OID);
    let Some(SubjectAltName(names)) =
        found.and_then(|extension| SubjectAltName::from_der(extension.extn_value.as_bytes()).ok())
    else {
        return Vec::new();
    };
    let shown = names.iter().filter_map(|name| match name {
        GeneralName::DnsName(name) => Some(short(name.as_str())),
        GeneralName::IpAddress(bytes) => match *bytes.as_bytes() {
            [a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            ref long => {
                <[u8; 16]>::try_from(long).ok().map(|octets| std::net::Ipv6Addr::from(octets).to_string())
            }
        },
        _ => None,
    });
    shown.take(MAX_NAMES).collect()
}
