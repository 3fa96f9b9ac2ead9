//! `ServerTls`: how a server proves who it is, and whom it lets in.

use std::{fmt, io, sync::Arc};

use tokio_rustls::rustls::{ServerConfig, server::WebPkiClientVerifier};

use super::{pem, provider};

/// The TLS settings of a server. Cheap to clone.
///
/// ```no_run
/// use tinyrpc_transports::tls::ServerTls;
///
/// let tls = ServerTls::new(&std::fs::read("server.pem")?, &std::fs::read("server.key")?)?;
/// // Lets those in alone who show a certificate of this authority.
/// let closed = ServerTls::with_clients(
///     &std::fs::read("server.pem")?,
///     &std::fs::read("server.key")?,
///     &std::fs::read("clients.pem")?,
/// )?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct ServerTls {
    pub(crate) config: Arc<ServerConfig>,
    asks_clients: bool,
}

impl ServerTls {
    /// Shows this certificate (PEM, those that sign it behind it); everybody is let in.
    ///
    /// # Errors
    ///
    /// One of the texts has no certificate or key in it, or they do not belong together.
    pub fn new(chain: &[u8], key: &[u8]) -> io::Result<Self> {
        Self::build(chain, key, None)
    }

    /// The same, for clients alone that show a certificate of an authority of `clients` (PEM).
    ///
    /// # Errors
    ///
    /// As [`ServerTls::new`].
    pub fn with_clients(chain: &[u8], key: &[u8], clients: &[u8]) -> io::Result<Self> {
        Self::build(chain, key, Some(clients))
    }

    fn build(chain: &[u8], key: &[u8], clients: Option<&[u8]>) -> io::Result<Self> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let roots = Arc::new(pem::authorities(clients)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
                    .build()
                    .map_err(|error| pem::invalid(&format!("the clients' authority: {error}")))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let (chain, key) = pem::pair(chain, key, "the server's")?;
        let config = builder
            .with_single_cert(chain, key)
            .map_err(|error| pem::invalid(&format!("the server's certificate: {error}")))?;
        Ok(Self { config: Arc::new(config), asks_clients: clients.is_some() })
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls")
            .field("asks_clients", &self.asks_clients)
            .finish_non_exhaustive()
    }
}
