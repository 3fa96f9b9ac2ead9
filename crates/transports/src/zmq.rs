//! Messages and exchanges over ZeroMQ: a ROUTER that serves, a DEALER that calls.
//!
//! | peer | what it sends | what it is here |
//! |---|---|---|
//! | DEALER | the message | a connection of its own, messages both ways: the server may call it |
//! | REQ, or a DEALER or broker in front of one | an envelope, as a rule one empty part, and the message | a connection of exchanges: each message gets exactly one answer in its envelope, an empty one where there is nothing to say |
//!
//! A server has one ROUTER for all peers of an endpoint. Each peer comes out of [`ZmqListener`] as a connection
//! with its first message, and ends as its network connection does. The last part is always the
//! message, and what stands before it is given back as it came; so brokers may stand in between,
//! and the peers behind one broker share a connection of exchanges.
//!
//! ZeroMQ can not close the connection of one peer. Where a server closes one, it says so by an
//! empty message, which no protocol has; a [`ZmqConnector`] takes it for the end.
//! Either side may bind or connect, any number of endpoints: see [`ZmqListener`] and
//! [`ZmqConnector`]. A peer that takes nothing makes its sender wait, and one that is gone is an error. Over `inproc`
//! a foreign peer that goes is not noticed before something is sent to it.

mod backoff;
mod contexts;
mod dealer;
mod doors;
mod endpoint;
mod hub;
mod line;
mod listener;
mod message;
mod peer;
mod pump;
mod readiness;
mod resolve;
mod router;
mod spread;
mod tuning;
mod watch;

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use tinyrpc_core::{Connection, Connector, Limits};

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
    common: Common,
    /// Where it was bound the last time.
    bound: Arc<Mutex<Vec<Endpoint>>>,
}

impl ZmqConnector {
    /// Connects to an endpoint.
    pub fn new(endpoint: Endpoint, limits: Arc<Limits>) -> Self {
        Self { connect: vec![endpoint], ..Self::empty(limits) }
    }

    /// Binds an endpoint, for the workers that come.
    pub fn bound(endpoint: Endpoint, limits: Arc<Limits>) -> Self {
        Self { bind: vec![endpoint], ..Self::empty(limits) }
    }

    fn empty(limits: Arc<Limits>) -> Self {
        let (bind, connect, bound) = (Vec::new(), Vec::new(), Arc::default());
        Self { bind, connect, way: Way::Messages, common: Common::new(limits), bound }
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

    /// Where it is bound, with the ports, once it is.
    pub fn bound_endpoints(&self) -> Vec<Endpoint> {
        self.bound.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Connector for ZmqConnector {
    async fn connect(&self) -> io::Result<Connection> {
        let mut found = Vec::new();
        for endpoint in &self.connect {
            found.extend(self.common.resolver.resolve(endpoint).await?);
        }
        if self.bind.is_empty() && self.connect.len() == 1 {
            return dealer::connect(&found, self.way, &self.common).await;
        }
        // A port that was free the first time is kept.
        let known = self.bound_endpoints();
        let bind = if known.is_empty() { &self.bind } else { &known };
        let (connection, bound) = spread::open(bind, found, &self.common).await?;
        *self.bound.lock().unwrap_or_else(PoisonError::into_inner) = bound;
        Ok(connection)
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

/// How a DEALER with one server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Messages,
    Exchanges,
}

/// What both sides are set up with.
#[derive(Clone)]
struct Common {
    limits: Arc<Limits>,
    tuning: Tuning,
    resolver: Arc<dyn Resolve>,
}

impl Common {
    fn new(limits: Arc<Limits>) -> Self {
        Self { limits, tuning: Tuning::default(), resolver: Arc::new(resolve::plain) }
    }
}
