//! `Link`: how the clients of a scenario reach its server. A transport joins with a row of `main.rs`.

use tinyrpc::{
    Client, ClientBuilder, Server, ServerHandle,
    protocols::{JsonRpc, JsonRpc1, MsgPackRpc},
    transports::{Connector, async_trait},
};

use crate::{
    pace::Pace,
    plan::{Plan, Unit},
};

/// A transport, and something between its two ends that can do harm.
#[async_trait]
pub(crate) trait Link: Send + Sync {
    /// How long things take there.
    fn pace(&self) -> &'static Pace;

    /// What the places of faults count.
    fn unit(&self) -> Unit;

    /// Starts a server, and gives the way to it.
    async fn serve(&self, server: Server) -> (ServerHandle, Box<dyn Dial>);
}

/// The way to one server.
#[async_trait]
pub(crate) trait Dial: Send + Sync {
    /// A client for one connection, to which the plan happens.
    async fn dial(&self, wire: Wire, plan: Plan) -> Dialled;
}

/// A connection that is about to be made.
pub(crate) struct Dialled {
    pub(crate) builder: ClientBuilder,
    /// Cuts whatever is left of the connection, so that both ends notice.
    pub(crate) tear: Box<dyn FnOnce() + Send>,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Json,
    /// Before 2.0: without batches, and with other words for notifications and errors.
    Json1,
    MessagePack,
}

/// A client of a connector of one's own.
pub(crate) fn builder(connector: impl Connector + 'static, wire: Wire) -> ClientBuilder {
    match wire {
        Wire::Json => Client::builder(connector, JsonRpc),
        Wire::Json1 => Client::builder(connector, JsonRpc1),
        Wire::MessagePack => Client::builder(connector, MsgPackRpc),
    }
}
