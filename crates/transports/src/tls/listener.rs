//! `TlsListener`: accepts streams of bytes over TLS over TCP.

use std::{io, time::Duration};

use async_trait::async_trait;
use tinyrpc_core::{Accepted, Listener, Opening, PeerAddress};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{LONGEST, ServerTls, in_time};
use crate::{stream, tcp::TcpListener};

/// Accepts TLS connections. A handshake keeps nobody else waiting.
#[derive(Debug)]
pub struct TlsListener {
    listener: TcpListener,
    tls: ServerTls,
    limit: Duration,
}

impl TlsListener {
    /// Accepts from a TCP listener.
    pub fn new(listener: TcpListener, tls: ServerTls) -> Self {
        Self { listener, tls, limit: LONGEST }
    }

    /// Bounds the time of a handshake; it is 5 s at most.
    #[must_use]
    pub fn handshake(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }
}

#[async_trait]
impl Listener for TlsListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let (stream, address) = self.listener.accept_stream().await?;
        let (peer, tls, limit) = (PeerAddress::Socket(address), self.tls.clone(), self.limit);
        let opening = {
            let peer = peer.clone();
            async move { Ok(stream::connection(shake_hands(stream, &tls, limit).await?, peer)) }
        };
        Ok(Accepted::Opening(Opening::new(peer, opening)))
    }

    fn address(&self) -> String {
        format!("tls://{}", self.listener.local_addr())
    }
}

/// The server's side of a handshake.
pub(crate) async fn shake_hands(
    stream: TcpStream,
    tls: &ServerTls,
    limit: Duration,
) -> io::Result<TlsStream<TcpStream>> {
    let acceptor = TlsAcceptor::from(tls.config.clone());
    match in_time(limit, acceptor.accept(stream).into_fallible()).await? {
        Ok(stream) => Ok(stream),
        Err((error, stream)) => {
            tell(stream).await;
            Err(error)
        }
    }
}

/// Has the reason of a refusal reach the peer: a stream that is closed while bytes of the peer wait
/// in it is reset by the system, and a reset overtakes what was sent before.
async fn tell(mut stream: TcpStream) {
    let read_away = async {
        stream.shutdown().await?;
        let mut unread = [0; UNREAD];
        while stream.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // Whatever comes of it, the peer was refused.
    _ = timeout(FAREWELL, read_away).await;
}

/// How long the peer may take to hear why it was refused: a round trip on any network.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes that are read away at a time.
const UNREAD: usize = 1 << 10;
