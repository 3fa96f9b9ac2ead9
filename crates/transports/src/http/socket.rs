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

use super::{desk::Stage, front::Front, headers::Handshake};

/// Goes on with the stream of a connection that has agreed to become a WebSocket. `None` where that
/// is not what has become of it.
pub(crate) fn socket<S>(
    front: &mut Front<S>,
    peer: PeerAddress,
) -> Option<impl Future<Output = Connection> + use<S>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Stage::Socket(subprotocol) = front.desk().stage() else { return None };
    let (limits, headers) = (Arc::clone(front.limits()), front.desk().take_headers());
    let (stream, read) = front.take_stream()?;
    Some(async move {
        let (read, config) = (read.into(), Some(crate::ws::config(&limits)));
        let socket = WebSocketStream::from_partially_read(stream, read, Role::Server, config).await;
        let mut connection =
            crate::ws::connection(socket, Role::Server, peer, subprotocol, &limits);
        connection.headers = Some(Arc::new(Handshake(headers)));
        connection
    })
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
    let mut connection = crate::ws::connection(socket, Role::Server, peer, subprotocol, &limits);
    connection.headers = Some(Arc::new(Handshake(headers)));
    Ok(connection)
}
