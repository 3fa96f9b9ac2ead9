//! Certificates and keys as files have them.

use std::io;

use tokio_rustls::rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error, PemObject},
    },
};

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
        Error::NoItemsFound => invalid("there is no private key in the PEM text"),
        // The text of the error must not quote the key.
        _ => invalid("the PEM text of the private key cannot be read"),
    })
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
