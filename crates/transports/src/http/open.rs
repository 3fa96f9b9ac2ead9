//! From a stream to a connection: what the first request makes of it.

use std::{future::poll_fn, io, sync::Arc, task::Poll};

use tinyrpc_core::{Connection, PeerAddress};
use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(feature = "ws")]
use super::socket::socket;
use super::{desk::Stage, exchange, front::Front, handler::Setup};

/// Waits for the first request that makes a connection of a stream.
pub(crate) async fn open<S>(
    stream: S,
    peer: PeerAddress,
    setup: Arc<Setup>,
) -> io::Result<Connection>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut front = Front::new(stream, setup);
    poll_fn(|cx| {
        let ended = front.poll(cx);
        if front.desk().has_arrived() { Poll::Ready(Ok(())) } else { ended }
    })
    .await?;
    match front.desk().stage() {
        Stage::Exchanges => Ok(exchange::connection(front, peer)),
        #[cfg(feature = "ws")]
        Stage::Socket(_) => {
            let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
            Ok(socket(&mut front, peer).ok_or_else(gone)?.await)
        }
        Stage::Open => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no message came")),
    }
}
