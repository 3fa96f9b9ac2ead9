//! TLS: encryption, and certificates on either side, for every transport over TCP.
//!
//! On rustls with ring, TLS 1.2 and 1.3. A server is believed when its certificate is signed by an
//! authority that is trusted and names the host that was asked for; there is no switch that
//! believes any certificate. See [`ClientTls`] and [`ServerTls`].

mod client;
mod client_stream;
mod connector;
mod explain;
mod listener;
mod pem;
mod server;

#[cfg(any(feature = "amqp", feature = "http"))]
pub(crate) use self::connector::shake;
pub use self::{
    client::ClientTls, connector::TlsConnector, listener::TlsListener, server::ServerTls,
};
#[cfg(feature = "http")]
pub(crate) use self::{client_stream::ClientTlsStream, listener::shake_hands};

use std::{io, sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};

/// The one implementation of cryptography, said wherever a configuration is made: a default of
/// the process would be a matter of what else it links.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// How long a handshake may take at most, whatever `Limits::handshake` leaves for more: two round
/// trips and one signature, on any network.
const LONGEST: Duration = Duration::from_secs(5);

/// Awaits a handshake, within what `Limits::handshake` leaves for it.
async fn in_time<T>(limit: Duration, handshake: impl Future<Output = T>) -> io::Result<T> {
    let patience = limit.min(LONGEST);
    timeout(patience, handshake).await.map_err(|_| {
        io::Error::new(io::ErrorKind::TimedOut, format!("no TLS handshake within {patience:?}"))
    })
}
