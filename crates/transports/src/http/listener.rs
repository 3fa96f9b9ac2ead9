//! `WebListener`: one port for posts, for WebSockets, or for everything.

#[cfg(feature = "ws")]
use std::{future::poll_fn, pin::pin, task::Poll};
use std::{io, sync::Arc};

use async_trait::async_trait;
#[cfg(feature = "ws")]
use futures_util::future::{Either, select};
use tinyrpc_core::{Accepted, Connection, Limits, Listener, Opening, PeerAddress};
use tokio::net::TcpStream;
#[cfg(feature = "ws")]
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    Web,
    guard::Speaks,
    handler::Setup,
    open::open,
    sniff,
    web::{Door, Site},
};
#[cfg(feature = "tls")]
use crate::tls::{ServerTls, shake_hands};
use crate::{stream, tcp::TcpListener};

/// Accepts what comes from the web, and from everywhere else where it is told so.
///
/// A peer counts as one from its first message on: before, its connection is being opened.
#[derive(Debug)]
pub struct WebListener {
    listener: TcpListener,
    scheme: &'static str,
    port: Port,
    /// What became a WebSocket behind a post.
    #[cfg(feature = "ws")]
    upgraded: UnboundedReceiver<Accepted>,
}

/// What every connection of a port is opened with.
#[derive(Clone, Debug)]
struct Port {
    setup: Arc<Setup>,
    /// Streams without HTTP are accepted, too.
    raw: bool,
    #[cfg(feature = "tls")]
    tls: Option<ServerTls>,
}

impl WebListener {
    /// Accepts posts.
    pub fn http(listener: TcpListener, limits: Arc<Limits>) -> Self {
        Self::new(listener, "http", Speaks { posts: true, sockets: false }, false, limits)
    }

    /// Accepts WebSockets.
    #[cfg(feature = "ws")]
    pub fn ws(listener: TcpListener, limits: Arc<Limits>) -> Self {
        Self::new(listener, "ws", Speaks { posts: false, sockets: true }, false, limits)
    }

    /// Accepts posts, WebSockets (with the feature `ws`) and raw streams, told apart by their first
    /// bytes.
    pub fn any(listener: TcpListener, limits: Arc<Limits>) -> Self {
        let speaks = Speaks { posts: true, sockets: cfg!(feature = "ws") };
        Self::new(listener, "tcp", speaks, true, limits)
    }

    fn new(
        listener: TcpListener,
        scheme: &'static str,
        speaks: Speaks,
        raw: bool,
        limits: Arc<Limits>,
    ) -> Self {
        let address = listener.local_addr();
        let site = Site {
            host: None,
            door: Door::Own { port: address.port(), tls: false },
            loopback: address.ip().is_loopback(),
        };
        #[cfg(feature = "ws")]
        let (accept, upgraded) = unbounded_channel();
        let setup = Setup {
            web: Web::new(),
            site,
            speaks,
            limits,
            #[cfg(feature = "ws")]
            subprotocols: Vec::new(),
            #[cfg(feature = "ws")]
            upgraded: Some(accept),
        };
        let port = Port {
            setup: Arc::new(setup),
            raw,
            #[cfg(feature = "tls")]
            tls: None,
        };
        Self {
            listener,
            scheme,
            port,
            #[cfg(feature = "ws")]
            upgraded,
        }
    }

    /// Sets who is admitted.
    #[must_use]
    pub fn web(mut self, web: Web) -> Self {
        self.change(|setup| setup.web = web);
        self
    }

    /// Says under which name the address was given, if it was one: requests for it are admitted.
    #[must_use]
    pub fn host(mut self, name: &str) -> Self {
        self.change(|setup| setup.site.host = Some(name.to_ascii_lowercase().into()));
        self
    }

    /// Sets which subprotocols a WebSocket may ask for: the names of the protocols that are served.
    #[cfg(feature = "ws")]
    #[must_use]
    pub fn subprotocols(mut self, names: impl IntoIterator<Item = Arc<str>>) -> Self {
        self.change(|setup| setup.subprotocols = names.into_iter().collect());
        self
    }

    /// Speaks TLS. A port for everything on this machine alone accepts both, told apart by the
    /// first byte; everywhere else nothing goes without.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        let port = self.listener.local_addr().port();
        self.change(|setup| setup.site.door = Door::Own { port, tls: true });
        self.scheme = match self.scheme {
            "http" => "https",
            "ws" => "wss",
            other => other,
        };
        self.port.tls = Some(tls);
        self
    }

    fn change(&mut self, change: impl FnOnce(&mut Setup)) {
        // There is no connection yet that could share it.
        if let Some(setup) = Arc::get_mut(&mut self.port.setup) {
            change(setup);
        }
    }
}

#[async_trait]
impl Listener for WebListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        #[cfg(not(feature = "ws"))]
        let (stream, address) = self.listener.accept_stream().await?;
        #[cfg(feature = "ws")]
        let (stream, address) = {
            // The other end of the channel is ours, too, so it never ends.
            let upgraded = poll_fn(|cx| match self.upgraded.poll_recv(cx) {
                Poll::Ready(Some(accepted)) => Poll::Ready(accepted),
                _ => Poll::Pending,
            });
            match select(pin!(self.listener.accept_stream()), upgraded).await {
                Either::Left((accepted, _)) => accepted?,
                Either::Right((accepted, _)) => return Ok(accepted),
            }
        };
        let peer = PeerAddress::Socket(address);
        let opening = self.port.clone().open(stream, peer.clone());
        Ok(Accepted::Opening(Opening::new(peer, opening)))
    }

    fn address(&self) -> String {
        format!("{}://{}", self.scheme, self.listener.local_addr())
    }
}

impl Port {
    /// Finds out what a peer speaks.
    async fn open(self, stream: TcpStream, peer: PeerAddress) -> io::Result<Connection> {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let plain = self.raw
                && self.setup.site.loopback
                && sniff::first(&stream).await? != TLS_HANDSHAKE;
            if !plain {
                let stream = shake_hands(stream, tls, self.setup.limits.handshake).await?;
                return self.open_inside(stream, peer).await;
            }
        }
        if !self.raw {
            return open(stream, peer, self.setup).await;
        }
        match sniff::first(&stream).await? {
            b'C' => self.open_inside(stream, peer).await,
            b'A'..=b'Z' => open(stream, peer, self.setup).await,
            _ => {
                let (reader, writer) = stream.into_split();
                Ok(stream::halves(reader, writer, peer))
            }
        }
    }

    /// The same for a stream whose bytes are gone once they were looked at.
    async fn open_inside<S>(self, stream: S, peer: PeerAddress) -> io::Result<Connection>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        if !self.raw {
            return open(stream, peer, self.setup).await;
        }
        match sniff::kind(stream, self.setup.limits.handshake).await? {
            sniff::Kind::Http(stream) => open(stream, peer, self.setup).await,
            sniff::Kind::Raw(stream) => Ok(stream::connection(stream, peer)),
        }
    }
}

/// The type of the first record of a handshake.
#[cfg(feature = "tls")]
const TLS_HANDSHAKE: u8 = 0x16;
