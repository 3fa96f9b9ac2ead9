//! Certificates made for one run of the tests: an authority, and what it signs.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::OnceLock;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// PEM texts.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// One authority, and a certificate of it for this machine's names.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) pem: String,
    pub(crate) localhost: Certificate,
    /// A client's certificate.
    pub(crate) client: Certificate,
}

/// The authority of this run.
pub(crate) fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(Authority::new)
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "tinyrpc tests");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        Self {
            pem,
            localhost: sign(&issuer, &["localhost", "127.0.0.1", "::1"]),
            client: sign(&issuer, &["client.test"]),
        }
    }
}

fn sign(issuer: &Issuer<'_, KeyPair>, names: &[&str]) -> Certificate {
    let key = KeyPair::generate().expect("a key");
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let params = CertificateParams::new(names).expect("good names");
    let chain = params.signed_by(&key, issuer).expect("a certificate").pem();
    Certificate { chain, key: key.serialize_pem() }
}
