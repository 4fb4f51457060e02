//! Certificate authorities of the simulated world: one that stands for the public ones, one that only this machine
//! knows (a company's TLS inspection), one that nobody knows.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName,
    DnType, IsCa, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
};
use rustls::{
    RootCertStore,
    client::WebPkiServerVerifier,
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::sync::{Arc, LazyLock};
use visualcron_tray::network::trust::{Trust, provider};

type Authority = CertifiedIssuer<'static, KeyPair>;

pub struct Authorities {
    public: Authority,
    local: Authority,
    unknown: Authority,
    /// Of the public authority, between it and its customers.
    between: Authority,
}

/// The number of the certificate that the public authority has revoked.
const REVOKED: u64 = 666;

pub static AUTHORITIES: LazyLock<Authorities> = LazyLock::new(|| {
    let public = authority("Public Test CA", "Public Trust Ltd");
    let between = CertifiedIssuer::signed_by(
        params("Public Test Issuer", "Public Trust Ltd"),
        KeyPair::generate().unwrap(),
        &public,
    );
    Authorities {
        between: between.unwrap(),
        public,
        local: authority("Corp Web Gateway", "Corp IT"),
        unknown: authority("Guest Gateway", "Hotel"),
    }
});

fn named(name: &str, organization: &str) -> DistinguishedName {
    let mut full = DistinguishedName::new();
    full.push(DnType::CommonName, name);
    full.push(DnType::OrganizationName, organization);
    full
}

fn authority(name: &str, organization: &str) -> Authority {
    CertifiedIssuer::self_signed(params(name, organization), KeyPair::generate().unwrap()).unwrap()
}

fn params(name: &str, organization: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name, organization);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (params.not_before, params.not_after) =
        (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2040, 1, 1));
    params
}

impl Authorities {
    /// What this machine trusts.
    pub fn trust(&self) -> Trust {
        let verifier = |authorities: &[&Authority]| {
            let mut roots = RootCertStore::empty();
            authorities.iter().for_each(|authority| roots.add(authority.der().clone()).unwrap());
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
                .with_crls([self.revoked()])
                .allow_unknown_revocation_status()
                .build()
                .unwrap()
        };
        Trust { verifier: verifier(&[&self.public, &self.local]), public: verifier(&[&self.public]) }
    }

    /// What the public authority has revoked.
    fn revoked(&self) -> CertificateRevocationListDer<'static> {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(REVOKED),
            revocation_time: rcgen::date_time_ymd(2026, 11, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 11, 2),
            next_update: rcgen::date_time_ymd(2040, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.public).unwrap().into()
    }

    /// A certificate of the kind that a scenario names, for this host.
    pub fn certificate(
        &self,
        kind: &str,
        host: &str,
    ) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let name = if kind == "other-name" { "cdn.example.net" } else { host };
        let names = if kind == "name-in-subject" { vec![] } else { vec![name.to_string()] };
        let mut params = CertificateParams::new(names).unwrap();
        if kind == "revoked" {
            params.serial_number = Some(SerialNumber::from(REVOKED));
        }
        params.distinguished_name = named(name, "The Host");
        let (from, to) = match kind {
            "expired" => ((2025, 1, 1), (2026, 11, 20)),
            "not-yet-valid" => ((2026, 11, 26), (2027, 11, 26)),
            _ => ((2026, 1, 1), (2027, 6, 1)),
        };
        let day = |(year, month, day)| rcgen::date_time_ymd(year, month, day);
        (params.not_before, params.not_after) = (day(from), day(to));
        let key = KeyPair::generate().unwrap();
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = match kind {
            "no-chain" => vec![params.signed_by(&key, &self.between).unwrap().der().clone()],
            "self-made" => vec![params.self_signed(&key).unwrap().der().clone()],
            _ => {
                let issuer = match kind {
                    "local" => &self.local,
                    "unknown" => &self.unknown,
                    _ => &self.public,
                };
                vec![params.signed_by(&key, issuer).unwrap().der().clone(), issuer.der().clone()]
            }
        };
        (chain, der)
    }

    /// The root certificate of the authority that nobody knows.
    pub fn unknown_root(&self) -> String {
        self.unknown.pem()
    }

    pub fn public_roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.public.der().clone()).unwrap();
        roots
    }
}
