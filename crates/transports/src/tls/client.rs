//! `ClientTls`: whom a client believes, and how it proves who it is.

use std::{fmt, io, sync::Arc};

use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};

use super::{pem, provider};

/// The TLS settings of a client.
///
/// ```no_run
/// use tinyrpc_transports::tls::ClientTls;
///
/// // Trusts the authorities of the system.
/// let public = ClientTls::new();
/// // Trusts one authority alone, and shows a certificate of its own.
/// let private = ClientTls::new()
///     .authority(&std::fs::read("ca.pem")?)?
///     .certificate(&std::fs::read("client.pem")?, &std::fs::read("client.key")?)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
pub struct ClientTls {
    /// `None` for those of the system.
    authorities: Option<RootCertStore>,
    own: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    name: Option<Box<str>>,
}

impl ClientTls {
    /// Trusts the authorities that the system trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the authorities of a PEM text, and no others. Said twice, it trusts both.
    ///
    /// # Errors
    ///
    /// There is no certificate in the text, or one that is no authority's.
    pub fn authority(mut self, pem: &[u8]) -> io::Result<Self> {
        let more = pem::authorities(pem)?;
        self.authorities.get_or_insert_with(RootCertStore::empty).extend(more.roots);
        Ok(self)
    }

    /// Shows this certificate (PEM, those that sign it behind it) to servers that ask for one.
    ///
    /// # Errors
    ///
    /// One of the texts has no certificate or key in it, or they do not belong together.
    pub fn certificate(mut self, chain: &[u8], key: &[u8]) -> io::Result<Self> {
        self.own = Some(pem::pair(chain, key, "the client's")?);
        Ok(self)
    }

    /// Expects this name in the server's certificate, instead of the host that is connected to.
    #[must_use]
    pub fn server_name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The settings as rustls wants them.
    ///
    /// # Errors
    ///
    /// The system trusts nobody, or key and certificate do not belong together.
    pub(crate) fn config(&self) -> io::Result<Arc<ClientConfig>> {
        let roots = match &self.authorities {
            Some(roots) => roots.clone(),
            None => system()?,
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots);
        let config = match &self.own {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| pem::invalid(&format!("the client's certificate: {error}")))?,
        };
        Ok(Arc::new(config))
    }

    /// The name that the certificate of `host` must have.
    ///
    /// # Errors
    ///
    /// It is neither a name nor an address.
    pub(crate) fn expected(&self, host: &str) -> io::Result<ServerName<'static>> {
        let name = self.name.as_deref().unwrap_or(host);
        ServerName::try_from(name.to_owned())
            .map_err(|_| pem::invalid(&format!("`{name}` is no name of a server")))
    }
}

fn system() -> io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some of a system's authorities may be odd: those that are not trusted fail nobody else.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(pem::invalid(
            "the system trusts no authority: install its certificates (Debian: ca-certificates), \
             or name an authority",
        ));
    }
    Ok(roots)
}

impl Clone for ClientTls {
    fn clone(&self) -> Self {
        let own = self.own.as_ref().map(|(chain, key)| (chain.clone(), key.clone_key()));
        Self { authorities: self.authorities.clone(), own, name: self.name.clone() }
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("own_authorities", &self.authorities.as_ref().map(RootCertStore::len))
            .field("has_certificate", &self.own.is_some())
            .field("server_name", &self.name)
            .finish()
    }
}
