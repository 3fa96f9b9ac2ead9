//! Messages and exchanges over ZeroMQ: a ROUTER that serves, a DEALER that calls.
//!
//! | peer | what it sends | what it is here |
//! |---|---|---|
//! | DEALER | the message | a connection of its own, messages both ways: the server may call it |
//! | REQ, or a DEALER or broker in front of one | an envelope, as a rule one empty part, and the message | a connection of exchanges: each message gets exactly one answer in its envelope, an empty one where there is nothing to say |
//!
//! A server has one ROUTER for all its peers. Each peer comes out of [`ZmqListener`] as a connection
//! with its first message, and ends as its network connection does. The last part is always the
//! message, and what stands before it is given back as it came; so brokers may stand in between,
//! and the peers behind one broker share a connection of exchanges.
//!
//! ZeroMQ can not close the connection of one peer. Where a server closes one, it says so by an
//! empty message, which no protocol has; a [`ZmqConnector`] takes it for the end.
//! A peer that takes nothing makes its sender wait, and one that is gone is an error. Over `inproc`
//! a foreign peer that goes is not noticed before something is sent to it.

mod dealer;
mod endpoint;
mod hub;
mod listener;
mod message;
mod peer;
mod pump;
mod readiness;
mod router;
mod tuning;
mod watch;

use std::{
    io,
    sync::{Arc, LazyLock},
};

use async_trait::async_trait;
use tinyrpc_core::{Connection, Connector, Limits};

pub use self::{endpoint::Endpoint, listener::ZmqListener};

/// Connects to a service over ZeroMQ, with a DEALER for each connection.
#[derive(Clone, Debug)]
pub struct ZmqConnector {
    endpoint: Endpoint,
    way: Way,
    limits: Arc<Limits>,
}

impl ZmqConnector {
    /// Connects to an endpoint.
    pub fn new(endpoint: Endpoint, limits: Arc<Limits>) -> Self {
        Self { endpoint, way: Way::Messages, limits }
    }

    /// Makes an exchange of each message, for servers that are a REP or know nothing but REQ: it
    /// travels in an envelope of its number and an empty part, with which its answer comes back.
    /// Many may be in flight. The server cannot call.
    pub fn enveloped(mut self) -> Self {
        self.way = Way::Exchanges;
        self
    }
}

#[async_trait]
impl Connector for ZmqConnector {
    async fn connect(&self) -> io::Result<Connection> {
        dealer::connect(&self.endpoint, self.way, &self.limits).await
    }

    fn address(&self) -> String {
        self.endpoint.to_string()
    }
}

/// How a DEALER sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Messages,
    Exchanges,
}

/// The context of this process, by which its `inproc` endpoints find each other. It has one thread
/// for input and output, which is enough for a gigabyte a second.
static CONTEXT: LazyLock<::zmq::Context> = LazyLock::new(::zmq::Context::new);
