//! `TlsListener`: accepts streams of bytes over TLS over TCP.

use std::io;

use async_trait::async_trait;
use tinyrpc_core::{Accepted, Listener, Opening, PeerAddress};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{PATIENCE, ServerTls};
use crate::{stream, tcp::TcpListener};

/// Accepts TLS connections. A handshake keeps nobody else waiting.
#[derive(Debug)]
pub struct TlsListener {
    listener: TcpListener,
    tls: ServerTls,
}

impl TlsListener {
    /// Accepts from a TCP listener.
    pub fn new(listener: TcpListener, tls: ServerTls) -> Self {
        Self { listener, tls }
    }
}

#[async_trait]
impl Listener for TlsListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let (stream, address) = self.listener.accept_stream().await?;
        let (peer, tls) = (PeerAddress::Socket(address), self.tls.clone());
        let opening = {
            let peer = peer.clone();
            async move { Ok(stream::connection(shake_hands(stream, &tls).await?, peer)) }
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
) -> io::Result<TlsStream<TcpStream>> {
    let late = |_| {
        io::Error::new(io::ErrorKind::TimedOut, format!("no TLS handshake within {PATIENCE:?}"))
    };
    let acceptor = TlsAcceptor::from(tls.config.clone());
    timeout(PATIENCE, acceptor.accept(stream)).await.map_err(late)?
}
