//! `Server`: serves one service on any number of addresses, to any number of peers.

mod accept;
mod broadcast;
mod dialled;
mod handle;
mod hooks;
mod peers;

use std::{fmt, sync::Arc};

use tinyrpc_core::{Connector, Limits, Listener, Protocol, Reason, ReplyOrder, Runtime, WireTrace};
use tinyrpc_dispatch::{BlockingPool, Scope, Service};
#[cfg(feature = "http")]
use tinyrpc_transports::http::Web;
#[cfg(feature = "tls")]
use tinyrpc_transports::tls::{ClientTls, ServerTls};

pub(crate) use self::peers::{Peers, Place};
use self::{
    accept::Accept,
    hooks::{Hooks, Services},
};
pub use self::{broadcast::Broadcast, handle::ServerHandle};
use crate::{
    Authenticate, Backoff, SetupError, TokioRuntime,
    open::{Port, Route},
    url,
};

/// Serves a service.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use tinyrpc::{Dispatcher, Server};
///
/// let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
/// let server = Server::new(calc).listen("tcp://127.0.0.1:0").await?;
/// println!("listening on {:?}", server.addresses());
/// server.shutdown().await;
/// # Ok(()) }
/// ```
#[must_use = "a server listens when it is told to"]
pub struct Server {
    hooks: Hooks,
    auth: Option<Arc<dyn Authenticate>>,
    protocols: Option<Vec<Arc<dyn Protocol>>>,
    limits: Limits,
    reply_order: ReplyOrder,
    trace: Option<Arc<dyn WireTrace>>,
    pub(crate) runtime: Option<Arc<dyn Runtime>>,
    pub(crate) blocking_pool: Option<BlockingPool>,
    port: Port,
    route: Route,
    backoff: Backoff,
}

impl Server {
    /// A server for one service, which all connections share.
    pub fn new(service: impl Service + 'static) -> Self {
        Self::with(Services::Shared(Arc::new(service)))
    }

    /// A server that makes a service for each connection, to keep what belongs to that one.
    ///
    /// The factory is called behind [`Server::on_connect`]. Where it panics, that connection is
    /// closed and no other one is.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use tinyrpc::{Dispatcher, Server};
    ///
    /// let server = Server::per_connection(|_scope| {
    ///     let calls = AtomicU32::new(0);
    ///     Dispatcher::new().method("count", move || calls.fetch_add(1, Ordering::Relaxed) + 1)
    /// });
    /// ```
    pub fn per_connection<S: Service + 'static>(
        make: impl Fn(&Arc<Scope>) -> S + Send + Sync + 'static,
    ) -> Self {
        Self::with(Services::Each(Arc::new(move |scope| Arc::new(make(scope)))))
    }

    fn with(services: Services) -> Self {
        Self {
            hooks: Hooks::new(services),
            auth: None,
            protocols: None,
            limits: Limits::default(),
            reply_order: ReplyOrder::default(),
            trace: None,
            port: Port::default(),
            route: Route { waits: true, ..Route::default() },
            backoff: Backoff::default(),
            runtime: None,
            blocking_pool: None,
        }
    }

    /// Accepts one more protocol on listeners that come without a URL; the default is every
    /// protocol of this build.
    pub fn protocol(mut self, protocol: impl Protocol + 'static) -> Self {
        self.protocols.get_or_insert_default().push(Arc::new(protocol));
        self
    }

    /// Sets the bounds.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Called for each new connection, to add data that its handlers find in their `Context`.
    ///
    /// Where it panics, that connection is closed.
    pub fn on_connect(mut self, prepare: impl Fn(&mut Scope) + Send + Sync + 'static) -> Self {
        self.hooks.on_connect = Arc::new(prepare);
        self
    }

    /// Called once for each connection for which [`Server::on_connect`] was called, when it has
    /// ended, however it did: closed by either side, lost, shut down, or dropped with the runtime.
    ///
    /// Its calls have ended then, and its handlers are dropped; [`ServerHandle::peers`] no longer
    /// has it. [`ServerHandle::shutdown`] waits for this. It must not block.
    ///
    /// ```
    /// use tinyrpc::{Dispatcher, Server};
    ///
    /// let server = Server::new(Dispatcher::new())
    ///     .on_close(|scope, reason| println!("{} is gone: {reason}", scope.peer));
    /// ```
    pub fn on_close(mut self, hook: impl Fn(&Arc<Scope>, &Reason) + Send + Sync + 'static) -> Self {
        self.hooks.on_close = Arc::new(hook);
        self
    }

    /// Executes nothing of a peer before it is known. See [`Authenticate`].
    ///
    /// With this a server may listen on addresses that other machines can reach, without
    /// [`Server::allow_remote`]. [`Server::on_connect`] is called before a peer is known, the
    /// factory of [`Server::per_connection`] behind that.
    ///
    /// ```
    /// use tinyrpc::{Dispatcher, Server, TokenLogin};
    ///
    /// # let token_of_the_operator = "5e3a7c";
    /// let server = Server::new(Dispatcher::new())
    ///     .authenticate(TokenLogin::new("operator", token_of_the_operator));
    /// ```
    pub fn authenticate(mut self, hook: impl Authenticate + 'static) -> Self {
        self.auth = Some(Arc::new(hook));
        self
    }

    /// In which order the requests of each peer are answered; as each is ready unless said
    /// otherwise.
    pub fn reply_order(mut self, order: ReplyOrder) -> Self {
        self.reply_order = order;
        self
    }

    /// Has every message of every connection seen as the bytes that travel. See [`WireTrace`].
    pub fn trace(mut self, trace: impl WireTrace + 'static) -> Self {
        self.trace = Some(Arc::new(trace));
        self
    }

    /// Listens on addresses that other machines can reach, too.
    ///
    /// Whoever reaches the address may call everything: there is no encryption and no
    /// authentication on plain TCP.
    pub fn allow_remote(mut self) -> Self {
        self.port.allow_remote = true;
        self
    }

    /// Sets who may come from the web, over HTTP and WebSocket. See [`Web`] for what holds
    /// otherwise.
    #[cfg(feature = "http")]
    pub fn web(mut self, web: Web) -> Self {
        self.port.web = web;
        self
    }

    /// Proves who the server is, under the URLs that go over TLS. A port for everything speaks TLS
    /// too, then.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ServerTls) -> Self {
        self.port.tls = Some(tls);
        self
    }

    /// Sets whom to believe where this side connects over TLS ([`Server::connect`]), and which
    /// certificate to show there; by default the authorities of the system are trusted.
    #[cfg(feature = "tls")]
    pub fn connect_tls(mut self, tls: ClientTls) -> Self {
        #[cfg(feature = "amqp")]
        self.port.broker.clone_from(&tls);
        self.route.tls = tls;
        self
    }

    /// Sets how long to wait before connections that this side makes ([`Server::connect`]) are
    /// made again.
    pub fn reconnect(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Runs on another runtime than the tokio runtime of the caller.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Runs plain functions on the threads of a pool, where they may block, unless their method
    /// says otherwise. Without, each of them says so by itself
    /// ([`Dispatcher::blocking`](crate::Dispatcher::blocking)).
    pub fn blocking_pool(mut self, pool: &BlockingPool) -> Self {
        self.blocking_pool = Some(pool.clone());
        self
    }

    /// Listens on the address of a URL and serves in the background. Port 0 picks a free port.
    ///
    /// # Errors
    ///
    /// The URL is wrong, the address cannot be listened on, or it is not of this machine alone
    /// and neither [`Server::authenticate`] nor [`Server::allow_remote`] was said.
    pub async fn listen(self, url: impl AsRef<str>) -> Result<ServerHandle, SetupError> {
        let handle = self.start();
        handle.listen(url).await?;
        Ok(handle)
    }

    /// Connects to the address of a URL, and serves whoever listens there: a worker, for a client
    /// that binds ([`ClientBuilder::bind`](crate::ClientBuilder::bind)).
    ///
    /// Nobody need listen there yet: it is tried again and again in the background, and so is a
    /// connection that ended, as [`Server::reconnect`] says. The client speaks first, in any
    /// protocol unless the URL names one. `examples/worker.rs` has several workers.
    ///
    /// # Errors
    ///
    /// The URL is wrong, or its transport has no calls towards the side that connects, as HTTP.
    pub async fn connect(self, url: impl AsRef<str>) -> Result<ServerHandle, SetupError> {
        let handle = self.start();
        handle.connect(url).await?;
        Ok(handle)
    }

    /// Serves over connections that a connector makes, as [`Server::connect`] does.
    pub fn connect_through(self, connector: impl Connector + 'static) -> ServerHandle {
        let handle = self.start();
        handle.connect_through(connector);
        handle
    }

    /// Accepts from a listener and serves in the background.
    pub fn listen_on(self, listener: impl Listener + 'static) -> ServerHandle {
        let handle = self.start();
        handle.listen_on(listener);
        handle
    }

    /// Serves on no address yet; [`ServerHandle::listen`] adds them.
    pub fn start(self) -> ServerHandle {
        let runtime = self.runtime.unwrap_or_else(TokioRuntime::current);
        ServerHandle::new(Accept {
            hooks: self.hooks,
            auth: self.auth,
            failures: Arc::default(),
            protocols: self.protocols.unwrap_or_else(url::protocols),
            limits: Arc::new(self.limits.checked()),
            reply_order: self.reply_order,
            trace: self.trace,
            port: self.port,
            route: self.route,
            backoff: self.backoff,
            runtime,
            blocking_pool: self.blocking_pool,
            peers: Arc::default(),
        })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("protocols", &self.protocols)
            .field("limits", &self.limits)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
