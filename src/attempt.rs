//! One attempt to connect, which takes no longer than it may.

use std::{io, time::Duration};

use futures_util::future::{Either, select};
use tinyrpc_core::{Connection, Connector, Runtime};

/// Connects within the time that [`Limits::handshake`](crate::Limits::handshake) says: where
/// packets are swallowed on their way, a system by itself takes two minutes to say so.
pub(crate) async fn attempt(
    connector: &dyn Connector,
    patience: Duration,
    runtime: &dyn Runtime,
) -> io::Result<Connection> {
    let micros = u64::try_from(patience.as_micros()).unwrap_or(u64::MAX);
    let late = runtime.sleep_until(runtime.now().saturating_add(micros));
    match select(connector.connect(), late).await {
        Either::Left((connected, _)) => connected,
        Either::Right(_) => {
            let words = format!("no connection within `handshake` of {patience:?}");
            Err(io::Error::new(io::ErrorKind::TimedOut, words))
        }
    }
}
