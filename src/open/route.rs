//! `Route`: what a client knows of the way to its server beside the URL.

use std::sync::Arc;

use tinyrpc_core::Limits;
#[cfg(feature = "tls")]
use tinyrpc_transports::tls::ClientTls;

/// How a client connects. It is never shown: headers hold secrets.
#[derive(Clone, Default)]
pub(crate) struct Route {
    pub(crate) limits: Arc<Limits>,
    /// The other side calls, and so speaks first, in whatever protocol it likes.
    #[cfg_attr(not(feature = "ws"), expect(dead_code, reason = "for transports that name one"))]
    pub(crate) waits: bool,
    /// Binds addresses that other machines can reach, where a client binds one.
    #[cfg(all(unix, feature = "zmq"))]
    pub(crate) allow_remote: bool,
    /// Names and values.
    #[cfg(feature = "http")]
    pub(crate) headers: Vec<(String, String)>,
    #[cfg(feature = "tls")]
    pub(crate) tls: ClientTls,
}
