//! `ZmqListener`: serves over ZeroMQ.

use std::{fmt, future::poll_fn, io, sync::Arc};

use async_trait::async_trait;
use tinyrpc_core::{Accepted, Limits, Listener};

use super::{Common, Receives, Resolve, Tuning, doors::ZmqEndpoints, endpoint::Endpoint};

/// Serves all peers of any number of endpoints, bound and connected, each peer as a connection.
///
/// A listener that connects is a worker: whoever is bound there, such as a
/// [`ZmqConnector`](super::ZmqConnector), hands calls to it.
///
/// An address is free again when the listener and all its connections there are gone. Peers that
/// come in between are told that they are not served.
///
/// ```
/// # async fn example() -> std::io::Result<()> {
/// use tinyrpc_core::Limits;
/// use tinyrpc_transports::zmq::{Endpoint, ZmqListener};
///
/// let listener = ZmqListener::new(&Limits::default());
/// let endpoints = listener.endpoints();
/// let bound = endpoints.bind(&Endpoint::Tcp("127.0.0.1:0".into())).await?;
/// endpoints.connect(&Endpoint::Tcp("127.0.0.1:4000".into())).await?;
/// // And later, while it serves:
/// endpoints.unbind(&bound);
/// # Ok(()) }
/// ```
pub struct ZmqListener {
    endpoints: ZmqEndpoints,
}

impl ZmqListener {
    /// Serves nowhere yet; [`ZmqListener::endpoints`] change that.
    pub fn new(limits: &Limits) -> Self {
        Self::from_common(Common::new(Arc::new(limits.clone())))
    }

    pub(super) fn from_common(common: Common) -> Self {
        Self { endpoints: ZmqEndpoints::new(common) }
    }

    /// The same with another tuning of its sockets. Said before any endpoint.
    pub fn tuned(self, tuning: Tuning) -> Self {
        self.rebuilt(|common| common.tuning = tuning)
    }

    /// The same with a resolver for the endpoints that are connected. Said before any endpoint.
    pub fn resolver(self, resolver: impl Resolve + 'static) -> Self {
        self.rebuilt(|common| common.resolver = Arc::new(resolver))
    }

    /// Receives what a PUSH sends, one way. Said before any endpoint.
    pub fn pulling(self) -> Self {
        self.rebuilt(|common| common.receives = Receives::Pushed)
    }

    /// Receives what a PUB sends, one way, of the topics that begin so; of all of them where no
    /// topic is named. Said before any endpoint.
    pub fn subscribing<T: Into<Vec<u8>>>(self, topics: impl IntoIterator<Item = T>) -> Self {
        let mut topics: Vec<Vec<u8>> = topics.into_iter().map(Into::into).collect();
        if topics.is_empty() {
            topics.push(Vec::new());
        }
        self.rebuilt(|common| common.receives = Receives::Published(topics.into()))
    }

    fn rebuilt(self, change: impl FnOnce(&mut Common)) -> Self {
        let mut common = self.endpoints.common().clone();
        change(&mut common);
        Self::from_common(common)
    }

    /// Binds an endpoint. The peers are received in a task of the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// The endpoint is taken, or it is none.
    pub async fn bind(endpoint: &Endpoint, limits: &Limits) -> io::Result<Self> {
        let listener = Self::new(limits);
        listener.endpoints.bind(endpoint).await?;
        Ok(listener)
    }

    /// Connects an endpoint, as [`ZmqEndpoints::connect`] does.
    ///
    /// # Errors
    ///
    /// The endpoint is none.
    pub async fn connect(endpoint: &Endpoint, limits: &Limits) -> io::Result<Self> {
        let listener = Self::new(limits);
        listener.endpoints.connect(endpoint).await?;
        Ok(listener)
    }

    /// Its endpoints, to be changed at any time.
    pub fn endpoints(&self) -> ZmqEndpoints {
        self.endpoints.clone()
    }
}

#[async_trait]
impl Listener for ZmqListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        Ok(poll_fn(|cx| self.endpoints.poll_accept(cx)).await)
    }

    fn address(&self) -> String {
        self.endpoints.address()
    }
}

impl Drop for ZmqListener {
    fn drop(&mut self) {
        self.endpoints.close();
    }
}

impl fmt::Debug for ZmqListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZmqListener").field("endpoints", &self.endpoints).finish()
    }
}
