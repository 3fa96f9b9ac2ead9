//! Certificates made for one run of the tests: an authority, and what it signs.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::OnceLock;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

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
    /// The same names, but at another time.
    pub(crate) expired: Certificate,
    pub(crate) future: Certificate,
    /// A client's certificate of another time.
    pub(crate) expired_client: Certificate,
    /// One that nobody but itself has signed.
    pub(crate) lonely: Certificate,
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
        let (past, future) = ((2001, 2002), (2900, 2901));
        Self {
            pem,
            localhost: sign(&issuer, NAMES, None),
            client: sign(&issuer, &["client.test"], None),
            expired: sign(&issuer, NAMES, Some(past)),
            future: sign(&issuer, NAMES, Some(future)),
            expired_client: sign(&issuer, &["client.test"], Some(past)),
            lonely: lonely(),
        }
    }
}

/// This machine's names.
const NAMES: &[&str] = &["localhost", "127.0.0.1", "::1"];

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).expect("good names")
}

fn lonely() -> Certificate {
    let key = KeyPair::generate().expect("a key");
    let chain = params(NAMES).self_signed(&key).expect("a certificate").pem();
    Certificate { chain, key: key.serialize_pem() }
}

/// Signs for all time, or for these years.
fn sign(issuer: &Issuer<'_, KeyPair>, names: &[&str], years: Option<(i32, i32)>) -> Certificate {
    let key = KeyPair::generate().expect("a key");
    let mut params = params(names);
    if let Some((first, last)) = years {
        params.not_before = date_time_ymd(first, 1, 1);
        params.not_after = date_time_ymd(last, 1, 1);
    }
    let chain = params.signed_by(&key, issuer).expect("a certificate").pem();
    Certificate { chain, key: key.serialize_pem() }
}
