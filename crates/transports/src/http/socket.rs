//! From a handshake to a WebSocket.

use std::{io, sync::Arc};

use http::HeaderMap;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tinyrpc_core::{Connection, Limits, PeerAddress};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use super::{front::Front, handler::Setup, headers::Handshake};

/// Goes on with the stream of a connection that has agreed to become a WebSocket.
pub(crate) async fn socket<S>(
    front: Front<S>,
    peer: PeerAddress,
    setup: &Setup,
    subprotocol: Option<Arc<str>>,
) -> io::Result<Connection>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
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

/// Waits until the server around has answered a handshake, and goes on with the stream behind it.
pub(crate) async fn mounted(
    upgrade: OnUpgrade,
    peer: PeerAddress,
    subprotocol: Option<Arc<str>>,
    headers: HeaderMap,
    limits: Arc<Limits>,
) -> io::Result<Connection> {
    let stream = timeout(limits.handshake, upgrade).await?.map_err(io::Error::other)?;
    let (stream, config) = (TokioIo::new(stream), crate::ws::config(&limits));
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let mut connection = crate::ws::connection(socket, peer, subprotocol, &limits);
    connection.headers = Some(Arc::new(Handshake(headers)));
    Ok(connection)
}
