//! From a stream to a connection: what the first request makes of it.

use std::{future::poll_fn, io, sync::Arc, task::Poll};

use tinyrpc_core::{Connection, PeerAddress};
use tokio::io::{AsyncRead, AsyncWrite};

#[cfg(feature = "ws")]
use super::headers::Handshake;
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
    let mut front = Front::new(stream, Arc::clone(&setup));
    poll_fn(|cx| {
        let ended = front.poll(cx);
        if front.desk().has_arrived() { Poll::Ready(Ok(())) } else { ended }
    })
    .await?;
    match front.desk().stage() {
        Stage::Exchanges => Ok(exchange::connection(front, peer)),
        #[cfg(feature = "ws")]
        Stage::Socket(subprotocol) => socket(front, peer, &setup, subprotocol).await,
        Stage::Open => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no message came")),
    }
}

#[cfg(feature = "ws")]
async fn socket<S>(
    front: Front<S>,
    peer: PeerAddress,
    setup: &Setup,
    subprotocol: Option<Arc<str>>,
) -> io::Result<Connection>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

    let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let headers = front.desk().take_headers();
    let (stream, read) = front.into_stream().ok_or_else(gone)?;
    let config = crate::ws::config(&setup.limits);
    let socket =
        WebSocketStream::from_partially_read(stream, read.into(), Role::Server, Some(config)).await;
    let mut connection = crate::ws::connection(socket, peer, subprotocol, &setup.limits);
    connection.headers = Some(Arc::new(Handshake(headers)));
    Ok(connection)
}
