//! TLS: encryption, and certificates on either side, for every transport over TCP.
//!
//! On rustls with ring, TLS 1.2 and 1.3. A server is believed when its certificate is signed by an
//! authority that is trusted and names the host that was asked for; there is no switch that
//! believes any certificate. See [`ClientTls`] and [`ServerTls`].

mod client;
mod connector;
mod explain;
mod listener;
mod pem;
mod server;

pub use self::{
    client::ClientTls, connector::TlsConnector, listener::TlsListener, server::ServerTls,
};
#[cfg(feature = "http")]
pub(crate) use self::{connector::shake, listener::shake_hands};

use std::{sync::Arc, time::Duration};

use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

/// The one implementation of cryptography, said wherever a configuration is made: a default of
/// the process would be a matter of what else it links.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// How long a handshake may take: two round trips and one signature, on any network.
const PATIENCE: Duration = Duration::from_secs(5);
