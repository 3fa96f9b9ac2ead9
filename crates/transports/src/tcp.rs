//! TCP. `TCP_NODELAY` is always on: with Nagle's algorithm, 64 calls take 44 ms. So is keepalive:
//! see [`KeepAlive`].

mod keepalive;

use std::{io, net::SocketAddr};

use async_trait::async_trait;
#[cfg(any(target_os = "linux", target_os = "android"))]
use socket2::SockRef;
use socket2::{Domain, Protocol, Socket, Type};
use tinyrpc_core::{Accepted, Connection, Connector, Listener, PeerAddress};
use tokio::net::{TcpSocket, TcpStream, ToSocketAddrs, lookup_host};

pub use self::keepalive::KeepAlive;
use crate::stream;

/// Accepts TCP connections.
#[derive(Debug)]
pub struct TcpListener {
    listener: tokio::net::TcpListener,
    address: SocketAddr,
    keepalive: KeepAlive,
}

impl TcpListener {
    /// Listens on an address; port 0 picks a free one.
    ///
    /// # Errors
    ///
    /// The address is in use or not of this machine.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A restarted server must not wait for the old one's connections to be forgotten.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Self::from_listener(tokio::net::TcpListener::from_std(socket.into())?)
    }

    /// Accepts from a listener that exists already.
    ///
    /// # Errors
    ///
    /// The listener has no address.
    pub fn from_listener(listener: tokio::net::TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener, address, keepalive: KeepAlive::default() })
    }

    /// Sets how soon the connections notice that their peers are gone.
    #[must_use]
    pub fn keepalive(self, keepalive: KeepAlive) -> Self {
        Self { keepalive, ..self }
    }

    /// The next stream, before it is a connection.
    ///
    /// # Errors
    ///
    /// As [`Listener::accept`].
    pub async fn accept_stream(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        self.keepalive.set(&stream);
        keep_unsent(&stream);
        Ok((stream, peer))
    }

    /// Where it listens, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

#[async_trait]
impl Listener for TcpListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let (stream, peer) = self.accept_stream().await?;
        Ok(halves(stream, peer).into())
    }

    fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }
}

/// Connects to a host and port; every address of the host is tried.
#[derive(Clone, Debug)]
pub struct TcpConnector {
    target: String,
    keepalive: KeepAlive,
}

impl TcpConnector {
    /// Connects to `host:port`.
    pub fn new(target: impl Into<String>) -> Self {
        Self { target: target.into(), keepalive: KeepAlive::default() }
    }

    /// Sets how soon a connection notices that its peer is gone.
    #[must_use]
    pub fn keepalive(self, keepalive: KeepAlive) -> Self {
        Self { keepalive, ..self }
    }
}

#[async_trait]
impl Connector for TcpConnector {
    async fn connect(&self) -> io::Result<Connection> {
        let (stream, address) = dial(&*self.target, self.keepalive).await?;
        Ok(halves(stream, address))
    }

    fn address(&self) -> String {
        format!("tcp://{}", self.target)
    }
}

/// Connects to the first address of a host that can be connected to.
pub(crate) async fn dial(
    host: impl ToSocketAddrs,
    keepalive: KeepAlive,
) -> io::Result<(TcpStream, SocketAddr)> {
    let mut failed = None;
    for address in lookup_host(host).await? {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.set_nodelay(true)?;
        match socket.connect(address).await {
            Ok(stream) => {
                keepalive.set(&stream);
                keep_unsent(&stream);
                return Ok((stream, address));
            }
            Err(error) => failed = Some(error),
        }
    }
    Err(failed
        .unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address")))
}

/// A TCP connection as a transport, with [`KeepAlive`] as it is by default.
///
/// # Errors
///
/// The socket is broken already.
pub fn connection(stream: TcpStream, peer: SocketAddr) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    KeepAlive::default().set(&stream);
    keep_unsent(&stream);
    Ok(halves(stream, peer))
}

/// Leaves what cannot be sent yet in our own queue, where what is small and urgent still overtakes
/// what is large; the system's would hold megabytes of it. Linux and Android can do that.
fn keep_unsent(stream: &TcpStream) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // A stream without it is a little less even, and works.
        _ = SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
}

fn halves(stream: TcpStream, peer: SocketAddr) -> Connection {
    let (reader, writer) = stream.into_split();
    stream::halves(reader, writer, PeerAddress::Socket(peer))
}

/// Bytes that the system takes ahead of the link: two chunks, which is enough to keep it busy
/// until this process has its turn, and little to wait for.
#[cfg(any(target_os = "linux", target_os = "android"))]
const UNSENT: u32 = 64 << 10;
/// Connections that the system keeps until they are accepted.
const BACKLOG: i32 = 1024;
