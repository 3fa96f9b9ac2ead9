//! UDP: one message in each datagram, for small calls and notifications.
//!
//! Nothing is known of a datagram that was sent: it may be lost, come late, and in rare cases come
//! twice. So a call of which nothing was heard ends at its deadline as *unknown*, and a method that
//! must not run twice does not belong here. A call is sent again only where it says that it is
//! idempotent.
//!
//! Each datagram to a server is an exchange of its own, answered by one datagram or none; a server
//! cannot call. A peer is an address with its port: what is kept for it goes after
//! [`Limits::idle`], or earlier where [`Limits::max_connections`] are reached and another one comes.
//! An address can be forged, so that it says nothing about who somebody is, and an answer may go to
//! somebody who never asked. That is why a message is small unless it was said otherwise: what does
//! not fit is refused by whoever would send it, and is never cut.
//!
//! Datagrams that come faster than they are read are lost: a client should keep few calls in flight
//! ([`Limits::max_calls`]).

mod client;
mod inbox;
mod peer;
mod pump;

use std::{
    io,
    net::{SocketAddr, UdpSocket as StdSocket},
    sync::Arc,
};

use async_trait::async_trait;
use socket2::SockRef;
use tinyrpc_core::{Accepted, Connection, Connector, Limits, Listener};
use tokio::{
    net::{UdpSocket, lookup_host},
    sync::mpsc,
};

use self::pump::Pump;

/// Bytes of a message that no network on the way has to cut into pieces: what is left of the 1,280
/// bytes that every link of IPv6 carries (RFC 8200 section 5) without the headers of IPv6 and UDP.
pub const UNCUT: usize = 1232;

/// Bytes of the largest message that a datagram can carry: what is left of 65,535 without the
/// headers of IPv4 and UDP.
pub const LARGEST: usize = 65_507;

/// Serves the peers that send datagrams to one address.
#[derive(Debug)]
pub struct UdpListener {
    incoming: mpsc::Receiver<Connection>,
    address: SocketAddr,
}

impl UdpListener {
    /// Receives on an address; port 0 picks a free one. No message is larger than `largest` bytes:
    /// [`UNCUT`] is wise beyond one's own network.
    ///
    /// Must be called within a runtime of tokio, in which a task reads the socket until the
    /// listener and all its connections are gone.
    ///
    /// # Errors
    ///
    /// The address is in use or not of this machine.
    pub fn bind(address: SocketAddr, largest: usize, limits: &Limits) -> io::Result<Self> {
        let socket = Arc::new(open(address)?);
        let address = socket.local_addr()?;
        let (accepted, incoming) = mpsc::channel(WAITING);
        tokio::spawn(Pump::new(socket, accepted, largest.min(LARGEST), limits).run());
        Ok(Self { incoming, address })
    }

    /// Where it receives, with the real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

#[async_trait]
impl Listener for UdpListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let next = self.incoming.recv().await;
        Ok(next.ok_or(io::ErrorKind::NotConnected)?.into())
    }

    fn address(&self) -> String {
        format!("udp://{}", self.address)
    }
}

/// Sends datagrams to a host and port.
#[derive(Clone, Debug)]
pub struct UdpConnector {
    target: String,
    largest: usize,
}

impl UdpConnector {
    /// Sends to `host:port`, no message larger than `largest` bytes.
    pub fn new(target: impl Into<String>, largest: usize) -> Self {
        Self { target: target.into(), largest: largest.min(LARGEST) }
    }
}

#[async_trait]
impl Connector for UdpConnector {
    /// Nothing is sent: whether anybody is there, the first call tells.
    async fn connect(&self) -> io::Result<Connection> {
        let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in lookup_host(&*self.target).await? {
            let any: SocketAddr = match address {
                SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
                SocketAddr::V6(_) => ([0u16; 8], 0).into(),
            };
            let socket = open(any)?;
            match socket.connect(address).await {
                Ok(()) => return Ok(client::connection(socket, address, self.largest)),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn address(&self) -> String {
        format!("udp://{}", self.target)
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = StdSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    // What the system grants: by itself it keeps some two hundred datagrams, however small.
    _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVED);
    UdpSocket::from_std(socket)
}

/// Peers that are not accepted yet; the datagrams of further ones are lost.
const WAITING: usize = 64;
/// Bytes, of which a small datagram takes several hundred.
const RECEIVED: usize = 4 << 20;
/// Datagrams that are read in a row, so that others have their turn.
const READS_PER_TURN: usize = 256;
