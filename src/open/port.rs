//! `Port`: what a server knows of its addresses beside their URLs.

use std::sync::Arc;

use tinyrpc_core::Limits;
#[cfg(feature = "http")]
use tinyrpc_transports::http::Web;
#[cfg(all(feature = "amqp", feature = "tls"))]
use tinyrpc_transports::tls::ClientTls;
#[cfg(feature = "tls")]
use tinyrpc_transports::tls::ServerTls;

/// How a server listens.
#[derive(Clone, Debug, Default)]
pub(crate) struct Port {
    /// Listens on addresses that other machines can reach.
    pub(crate) allow_remote: bool,
    pub(crate) limits: Arc<Limits>,
    #[cfg(feature = "http")]
    pub(crate) web: Web,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<ServerTls>,
    /// To a broker a server is a client.
    #[cfg(all(feature = "amqp", feature = "tls"))]
    pub(crate) broker: ClientTls,
}
