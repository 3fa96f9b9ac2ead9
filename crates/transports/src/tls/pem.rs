//! Certificates and keys as files have them.

use std::io;

use tokio_rustls::rustls::{
    Error, RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};

use super::provider;

/// The certificates of a PEM text, in its order; at least one.
pub(super) fn certificates(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if all.is_empty() => Err(invalid("there is no certificate in the PEM text")),
        Ok(all) => Ok(all),
        Err(error) => Err(invalid(&format!("the PEM text of the certificate: {error}"))),
    }
}

/// The private key of a PEM text.
pub(super) fn key(pem: &[u8]) -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        pem::Error::NoItemsFound => invalid("there is no private key in the PEM text"),
        // The text of the error must not quote the key.
        _ => invalid("the PEM text of the private key cannot be read"),
    })
}

/// A certificate and its private key, as whoever shows them has them.
///
/// # Errors
///
/// One of them is none, or they do not belong together. `whose` are they, in words.
pub(super) fn pair(
    chain: &[u8],
    key: &[u8],
    whose: &str,
) -> io::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let (chain, key) = (certificates(chain)?, self::key(key)?);
    match CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider()) {
        Ok(_) => Ok((chain, key)),
        Err(Error::InconsistentKeys(_)) => {
            Err(invalid(&format!("{whose} certificate and the key do not belong together")))
        }
        Err(error) => Err(invalid(&format!("{whose} certificate and key: {error}"))),
    }
}

/// The authorities of a PEM text, as the only ones that are trusted.
pub(super) fn authorities(pem: &[u8]) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(|error| invalid(&format!("the authority: {error}")))?;
    }
    Ok(roots)
}

pub(super) fn invalid(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, words)
}
