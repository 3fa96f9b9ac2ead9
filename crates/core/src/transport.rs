//! `Connection`, `Listener`, `Connector` and the two halves: how bytes or messages travel.
//!
//! For authors of transports. A transport knows nothing of protocols and methods: it moves whole
//! messages, or a stream of bytes, and says what it is by its [`Shape`]. The halves are polled,
//! because they are the hot path; `tinyrpc-transports` has an adapter for authors who would
//! rather write `async fn send` and `async fn recv`. See `examples/custom_transport.rs`.

use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_trait::async_trait;

use crate::{Framing, Headers, Incoming, Outgoing};

/// What a transport carries, and who may speak when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// A stream of bytes both ways; messages are found by a framing.
    Stream,
    /// Whole messages both ways at any time.
    Messages,
    /// A request in, no or one answer out; each exchange is a lane of its own. The serving side
    /// cannot call, and calls cannot stream, unless the connection says so
    /// ([`Connection::calls_back`], [`Connection::streams`]).
    Exchange,
    /// Whole messages one way, seen from the side that sends them: notifications. A call fails at
    /// once. The receiving side sees exchanges that nobody waits for.
    OneWay,
}

/// The receiving half of a connection.
///
/// One task polls it. After an error or [`Received::End`] it is not polled again. An error of the
/// kind [`io::ErrorKind::ConnectionRefused`], before anything was received, says that the peer has
/// certainly read nothing of what was sent: every call on the connection ends as not executed.
pub trait RecvHalf: Send {
    /// Receives whatever is there into `into`, at least one message or one byte.
    ///
    /// # Cancel safety
    ///
    /// What was put into `into` stays there; the half keeps nothing back.
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>>;
}

/// What became of a [`RecvHalf::poll_recv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// Something came; there may be more at once.
    Some,
    /// The peer will send nothing more.
    End,
}

/// The sending half of a connection.
pub trait SendHalf: Send {
    /// Takes as much as it can out of `out` and flushes it once.
    ///
    /// A stream takes bytes ([`Outgoing::bytes`], [`Outgoing::advance`]); others take messages
    /// and the ends of lanes ([`Outgoing::pop`]). Ready when all was taken and flushed.
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>>;

    /// Ends the sending direction; called after all was taken.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let _ = cx;
        Poll::Ready(Ok(()))
    }
}

/// A connection before anybody speaks on it.
pub struct Connection {
    /// What it carries.
    pub shape: Shape,
    /// A framing that stands instead of the protocol's own; streams only.
    pub framing: Option<Arc<dyn Framing>>,
    /// The name of the protocol, where the handshake of the transport has settled it. Where it
    /// has not, the first bytes of the peer tell.
    pub protocol: Option<Arc<str>>,
    /// Who is at the other end.
    pub peer: PeerAddress,
    /// What came beside the messages, where the transport has headers.
    pub headers: Option<Arc<dyn Headers>>,
    /// Bytes of the largest message that the transport can carry, where it cannot carry any: the
    /// limit `max_message` is no higher on this connection.
    pub max_message: Option<usize>,
    /// Messages may be lost on the way without anybody knowing. A call that is
    /// [`idempotent`](crate::Call::idempotent) is then sent again after [`Limits::resend`], twice
    /// that, and so on, until it is answered or its time is over.
    ///
    /// [`Limits::resend`]: crate::Limits::resend
    pub is_lossy: bool,
    /// Over exchanges: the serving side can begin some, too, on lanes from
    /// [`Lane::BACK`](crate::Lane::BACK) on.
    pub calls_back: bool,
    /// Over exchanges: calls can stream. The exchange of such a call begins with a request that has
    /// [`Hint::StreamingText`](crate::Hint) or `StreamingBinary`, and carries any messages both ways,
    /// in their order, until its response; these have `Hint::Within`, and the response may. Where the
    /// caller ends it before that ([`Ended::Abandoned`](crate::Ended)) the transport closes the lane
    /// on the other side.
    pub streams: bool,
    /// Over exchanges: a request with [`Hint::Streams`](crate::Hint) may be answered by several
    /// messages, the values of a stream and the response behind them, and nothing else is said on
    /// its exchange. They have `Hint::Within`. What of them was not read stays alive, by which the
    /// transport knows how much more it may hand over.
    pub takes_streams: bool,
    /// The receiving half.
    pub recv: Box<dyn RecvHalf>,
    /// The sending half.
    pub send: Box<dyn SendHalf>,
}

impl Connection {
    /// A connection of which nothing else is known: the protocol's own framing, a protocol that the
    /// first bytes tell, no headers, messages of any size, none lost on the way.
    ///
    /// ```
    /// # use tinyrpc_core::{Connection, PeerAddress, RecvHalf, SendHalf, Shape};
    /// # fn f(recv: Box<dyn RecvHalf>, send: Box<dyn SendHalf>) {
    /// let connection = Connection {
    ///     max_message: Some(1232),
    ///     ..Connection::new(Shape::Messages, PeerAddress::Memory, recv, send)
    /// };
    /// # }
    /// ```
    pub fn new(
        shape: Shape,
        peer: PeerAddress,
        recv: Box<dyn RecvHalf>,
        send: Box<dyn SendHalf>,
    ) -> Self {
        Self {
            shape,
            framing: None,
            protocol: None,
            peer,
            headers: None,
            max_message: None,
            is_lossy: false,
            calls_back: false,
            streams: false,
            takes_streams: false,
            recv,
            send,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("shape", &self.shape)
            .field("framing", &self.framing)
            .field("protocol", &self.protocol)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// What a [`Listener`] accepted: a connection, or one that is still being opened.
#[derive(Debug)]
pub enum Accepted {
    /// It can be used.
    Ready(Connection),
    /// It can be used after a handshake.
    Opening(Opening),
}

/// A connection that is not one yet: a handshake or its first bytes come before.
///
/// The server awaits it in a task of its own, so that nobody else waits for it, and counts it as
/// a connection meanwhile. Where a server is full, the oldest one that is still being opened
/// gives its place to a new one.
#[must_use = "it is opened only while it is polled"]
pub struct Opening {
    peer: PeerAddress,
    future: Pin<Box<dyn Future<Output = io::Result<Connection>> + Send>>,
}

impl Opening {
    /// A peer, and what makes a connection of it. The future bounds its own time.
    pub fn new(
        peer: PeerAddress,
        future: impl Future<Output = io::Result<Connection>> + Send + 'static,
    ) -> Self {
        Self { peer, future: Box::pin(future) }
    }

    /// Who is at the other end, as far as that is known before the handshake.
    pub fn peer(&self) -> &PeerAddress {
        &self.peer
    }
}

impl Future for Opening {
    type Output = io::Result<Connection>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.future.as_mut().poll(cx)
    }
}

impl Accepted {
    /// Who is at the other end.
    pub fn peer(&self) -> &PeerAddress {
        match self {
            Self::Ready(connection) => &connection.peer,
            Self::Opening(opening) => opening.peer(),
        }
    }
}

impl From<Connection> for Accepted {
    fn from(connection: Connection) -> Self {
        Self::Ready(connection)
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// Where the other end of a connection is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PeerAddress {
    /// In this process.
    Memory,
    /// At an internet address.
    Socket(SocketAddr),
    /// On this machine, over a Unix socket: whose process it is, as the system says.
    Unix {
        /// Its user.
        uid: u32,
        /// Its group.
        gid: u32,
        /// Its number, where the system tells it. It may have ended since, and the number may be
        /// that of another process.
        pid: Option<u32>,
    },
    /// Anywhere else, in words.
    Other(Arc<str>),
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Socket(address) => address.fmt(f),
            Self::Unix { uid, pid: Some(pid), .. } => write!(f, "user {uid}, process {pid}"),
            Self::Unix { uid, .. } => write!(f, "user {uid}"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// Waits for peers.
#[async_trait]
pub trait Listener: Send {
    /// The next connection. What takes a peer's word (a handshake) belongs into an [`Opening`], or
    /// a peer that is silent keeps all others waiting.
    ///
    /// # Errors
    ///
    /// An error ends nothing: the caller waits a little and asks again, because most of them
    /// (no more descriptors, a peer that was gone at once) pass. [`io::ErrorKind::NotConnected`]
    /// says that the listener has ended and no more connections will come.
    ///
    /// # Cancel safety
    ///
    /// A connection is never lost when the future is dropped.
    async fn accept(&mut self) -> io::Result<Accepted>;

    /// The address under which peers reach it, as a URL without the protocol; empty where there is
    /// none.
    fn address(&self) -> String;
}

/// Makes connections to one address, again and again if need be.
#[async_trait]
pub trait Connector: Send + Sync {
    /// A fresh connection.
    ///
    /// # Errors
    ///
    /// The address cannot be reached.
    async fn connect(&self) -> io::Result<Connection>;

    /// What it connects to, for messages.
    fn address(&self) -> String;
}
