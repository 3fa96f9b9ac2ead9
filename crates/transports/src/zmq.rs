//! Messages and exchanges over ZeroMQ: a ROUTER that serves, a DEALER that calls; and one way, PUSH
//! to PULL and PUB to SUB.
//!
//! | peer of a server | what it sends | what it is here |
//! |---|---|---|
//! | DEALER | the message | a connection of its own, messages both ways: the server may call it |
//! | REQ, or a DEALER or broker in front of one | an envelope, as a rule one empty part, and the message | a connection of exchanges: each message gets exactly one answer in its envelope, an empty one where there is nothing to say |
//! | PUSH | the message | one connection for all of them, which are never answered: a call that came by it would be executed all the same |
//! | PUB | a topic or none, and the message | the same |
//!
//! A server has one ROUTER for all peers of an endpoint. Each peer comes out of [`ZmqListener`] as a
//! connection with its first message, and ends as its network connection does. The last part is
//! always the message, and what stands before it is given back as it came; so brokers may stand in
//! between, and the peers behind one broker share a connection of exchanges.
//!
//! Either side may bind or connect, any number of endpoints: see [`ZmqListener`] and
//! [`ZmqConnector`]. A server that connects is a worker, for a client that binds.
//!
//! What is bounded, and what becomes of whoever goes beyond:
//!
//! | | bound | beyond |
//! |---|---|---|
//! | a part | `max_message` of [`Limits`] | ZeroMQ closes the network connection before it takes the memory |
//! | parts of a message | 64, and 16 KiB before the last | the message is refused by an empty answer |
//! | what waits for a slow handler | four times the larger of `max_message` and `max_backlog` | the peer has half a second to take it, then its connection ends |
//! | what waits in the sockets | [`Tuning::hwm`] messages each way | the sender waits |
//! | a peer without a handshake | `handshake` | ZeroMQ closes the network connection |
//! | a peer that is silent | `heartbeat`, twice | the same; these heartbeats are ZeroMQ's own, and any peer answers them |
//!
//! Two peers of one id: the second is not served, as ZeroMQ has it. An id proves nothing.
//!
//! ZeroMQ can not close the connection of one peer. Where a server closes one, it says so by an
//! empty message, which no protocol has; a [`ZmqConnector`] takes it for the end. A peer that takes
//! nothing makes its sender wait, and one that is gone is an error. Over `inproc` a foreign peer
//! that goes is not noticed before something is sent to it. There is no encryption: the libzmq that
//! is built in has no CURVE.

mod contexts;
mod dealer;
mod doors;
mod endpoint;
mod hub;
mod inlet;
mod line;
mod listener;
mod message;
mod peer;
mod pump;
mod readiness;
mod resolve;
mod router;
mod served;
mod spread;
mod threads;
mod tuning;
mod watch;

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use tinyrpc_core::{Connection, Connector, Limits};
use zmq::SocketType;

pub use self::{
    doors::ZmqEndpoints, endpoint::Endpoint, listener::ZmqListener, resolve::Resolve,
    tuning::Tuning,
};

/// Makes connections over ZeroMQ, with one server or spread over many.
///
/// Connected to one endpoint, the server may call this side.
///
/// With several endpoints, or where it is bound, each message is an exchange of its own and goes to
/// some server, one after the other: those that are connected, and the workers that come to where
/// it is bound. Nobody knows which worker of a bound endpoint has a call, so it ends with its
/// deadline as *unknown* where its worker dies, and at once where that was the last one; the calls
/// of a connected endpoint end with its connection. While nobody is there, calls wait, and end as
/// *not executed* with their deadline. What is connected is connected again when it is lost, after
/// 50 ms at first and 2 s in the end. Servers cannot call: their messages would go to anybody.
#[derive(Clone)]
pub struct ZmqConnector {
    bind: Vec<Endpoint>,
    connect: Vec<Endpoint>,
    way: Way,
    topic: Bytes,
    common: Common,
    /// Where it was bound the last time.
    bound: Arc<Mutex<Vec<Endpoint>>>,
    /// The first connection, where it was opened before it was asked for.
    ready: Arc<Mutex<Option<Connection>>>,
    /// It binds no address that other machines can reach.
    locally: bool,
}

impl ZmqConnector {
    /// Connects to an endpoint.
    pub fn new(endpoint: Endpoint, limits: Arc<Limits>) -> Self {
        Self::nowhere(limits).and_connect(endpoint)
    }

    /// Binds an endpoint, for the workers that come.
    pub fn bound(endpoint: Endpoint, limits: Arc<Limits>) -> Self {
        Self::nowhere(limits).and_bind(endpoint)
    }

    /// Has no endpoint yet; without any, connecting fails.
    pub fn nowhere(limits: Arc<Limits>) -> Self {
        Self {
            bind: Vec::new(),
            connect: Vec::new(),
            way: Way::Messages,
            topic: Bytes::new(),
            common: Common::new(limits),
            bound: Arc::default(),
            ready: Arc::default(),
            locally: false,
        }
    }

    /// Connects to one more endpoint.
    pub fn and_connect(mut self, endpoint: Endpoint) -> Self {
        self.connect.push(endpoint);
        self
    }

    /// Binds one more endpoint.
    pub fn and_bind(mut self, endpoint: Endpoint) -> Self {
        self.bind.push(endpoint);
        self
    }

    /// Makes an exchange of each message, for servers that are a REP or know nothing but REQ: it
    /// travels in an envelope of its number and an empty part, with which its answer comes back.
    /// Many may be in flight. The server cannot call.
    pub fn enveloped(mut self) -> Self {
        self.way = Way::Exchanges;
        self
    }

    /// Sends notifications to a PULL, each to one of those that are there: work that nobody waits
    /// for. Calls fail at once. What is on the way to a receiver that dies is lost.
    pub fn pushing(mut self) -> Self {
        self.way = Way::Push;
        self
    }

    /// Sends notifications to every SUB that has subscribed to a topic, which stands in a part
    /// before the message; the empty one has no part, and reaches those that subscribed to all.
    /// Calls fail at once. As ZeroMQ has it, nobody is told that nobody listens, or that somebody
    /// is too slow, and misses what goes beyond the high-water mark.
    pub fn publishing(mut self, topic: impl Into<Vec<u8>>) -> Self {
        self.way = Way::Publish;
        self.topic = topic.into().into();
        self
    }

    /// The same with another tuning of its sockets.
    pub fn tuned(mut self, tuning: Tuning) -> Self {
        self.common.tuning = tuning;
        self
    }

    /// The same with a resolver for the endpoints that are connected. Where there is one endpoint
    /// only, and none is bound, the first of those behind it that answers is connected; otherwise
    /// all of them are.
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.common.resolver = Arc::new(resolver);
        self
    }

    /// Refuses to bind addresses that other machines can reach: whoever comes to them is given
    /// calls.
    pub fn bound_locally(mut self) -> Self {
        self.locally = true;
        self
    }

    /// Binds and connects now: its ports are known before a connection is asked for, and the first
    /// one is this.
    ///
    /// # Errors
    ///
    /// Those of connecting.
    pub async fn opened(self) -> io::Result<Self> {
        let connection = self.open().await?;
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        Ok(self)
    }

    async fn open(&self) -> io::Result<Connection> {
        let mut found = Vec::new();
        for endpoint in &self.connect {
            found.extend(self.common.resolver.resolve(endpoint).await?);
        }
        if self.bind.is_empty() && found.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no endpoint"));
        }
        if self.bind.is_empty() && self.connect.len() == 1 && !self.way.is_one_way() {
            return dealer::connect(&found, self.way, &self.common).await;
        }
        // A port that was free the first time is kept.
        let known = self.bound_endpoints();
        let bind = if known.is_empty() { &self.bind } else { &known };
        let (connection, bound) = spread::open(self, bind, found).await?;
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = bound;
        Ok(connection)
    }

    /// Where it is bound, with the ports, once it is.
    pub fn bound_endpoints(&self) -> Vec<Endpoint> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Connector for ZmqConnector {
    async fn connect(&self) -> io::Result<Connection> {
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
        match ready {
            Some(connection) => Ok(connection),
            None => self.open().await,
        }
    }

    fn address(&self) -> String {
        let known = self.bound_endpoints();
        let bind = if known.is_empty() { &self.bind } else { &known };
        endpoint::list(&[bind.as_slice(), self.connect.as_slice()].concat())
    }
}

impl fmt::Debug for ZmqConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZmqConnector")
            .field("bind", &self.bind)
            .field("connect", &self.connect)
            .field("way", &self.way)
            .finish_non_exhaustive()
    }
}

/// How the calling side sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Messages both ways with one server; exchanges with several.
    Messages,
    /// Exchanges in envelopes.
    Exchanges,
    /// Each message to somebody.
    Push,
    /// Each message to everybody.
    Publish,
}

impl Way {
    fn is_one_way(self) -> bool {
        matches!(self, Self::Push | Self::Publish)
    }

    fn kind(self) -> SocketType {
        match self {
            Self::Messages | Self::Exchanges => zmq::DEALER,
            Self::Push => zmq::PUSH,
            Self::Publish => zmq::PUB,
        }
    }
}

/// What the serving side receives.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Receives {
    Calls,
    Pushed,
    /// With the beginnings of the topics.
    Published(Arc<[Vec<u8>]>),
}

impl Receives {
    fn kind(&self) -> SocketType {
        match self {
            Self::Calls => zmq::ROUTER,
            Self::Pushed => zmq::PULL,
            Self::Published(_) => zmq::SUB,
        }
    }
}

/// What both sides are set up with.
#[derive(Clone)]
struct Common {
    limits: Arc<Limits>,
    tuning: Tuning,
    resolver: Arc<dyn Resolve>,
    receives: Receives,
}

impl Common {
    fn new(limits: Arc<Limits>) -> Self {
        let (tuning, resolver) = (Tuning::default(), Arc::new(resolve::plain));
        Self { limits, tuning, resolver, receives: Receives::Calls }
    }
}
