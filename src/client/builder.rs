//! `ClientBuilder`: what a client is made from.

mod addresses;
mod proofs;

use std::{fmt, future::Future, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tinyrpc_core::{
    Caller, Connection, Connector, Error, Framing, Limits, Listener, Protocol, ReplyOrder, Runtime,
    WireTrace,
};
use tinyrpc_dispatch::{BlockingPool, Service};

use super::{
    Balance, Client,
    destination::{Destination, Place},
    plan::Plan,
};
use crate::{
    Backoff, Driver, SetupError, TokioRuntime, Url,
    open::{Port, Route},
    url::{Options, carries, unfit},
};

/// Sets up a [`Client`].
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use tinyrpc::{ClientBuilder, Dispatcher};
///
/// // The server may call this side too.
/// let events = Dispatcher::new().method("event", |text: String| println!("{text}"));
/// let client = ClientBuilder::from_url("msgpack+tcp://127.0.0.1:4000")?
///     .serve(events)
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
pub struct ClientBuilder {
    pub(super) servers: Vec<Destination>,
    /// That of the first of them.
    protocol: Arc<dyn Protocol>,
    pub(super) route: Route,
    pub(super) port: Port,
    pub(super) plan: Plan,
    pub(super) balance: Balance,
    /// `None` where nothing was said.
    pub(super) backoff: Option<Backoff>,
    pub(super) map_error: Vec<MapError>,
    pub(crate) runtime: Option<Arc<dyn Runtime>>,
    pub(crate) blocking_pool: Option<BlockingPool>,
}

pub(super) type MapError = Arc<dyn Fn(Error) -> Error + Send + Sync>;

impl ClientBuilder {
    fn from_destination(server: Destination, limits: Limits) -> Self {
        Self {
            protocol: Arc::clone(&server.protocol),
            servers: vec![server],
            route: Route::default(),
            port: Port::default(),
            plan: Plan::new(limits),
            balance: Balance::default(),
            backoff: None,
            map_error: Vec::new(),
            runtime: None,
            blocking_pool: None,
        }
    }

    pub(super) fn from_connector(
        connector: impl Connector + 'static,
        protocol: impl Protocol + 'static,
    ) -> Self {
        let place = Place::Through(Arc::new(connector));
        let server = Destination { place, protocol: Arc::new(protocol) };
        Self::from_destination(server, Limits::default())
    }

    /// Calls whoever connects to a listener. See [`ClientBuilder::bind`].
    pub fn from_listener(
        listener: impl Listener + 'static,
        protocol: impl Protocol + 'static,
    ) -> Self {
        Self::from_destination(Destination::listener(listener, protocol), Limits::default())
    }

    /// Connects to a URL.
    ///
    /// # Errors
    ///
    /// The URL is wrong.
    pub fn from_url(url: impl AsRef<str>) -> Result<Self, SetupError> {
        let url: Url = url.as_ref().parse()?;
        let limits = url.limits(Limits::default());
        Ok(Self::from_destination(Destination::to(url)?, limits))
    }

    /// Has something done on each new connection before other calls go over it, behind the login:
    /// subscriptions, say, that a reconnected client needs again. Where it fails, the connection is
    /// closed.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use tinyrpc::{Backoff, Caller, ClientBuilder};
    ///
    /// let client = ClientBuilder::from_url("tcp://127.0.0.1:4000")?
    ///     .on_connect(|caller: Caller| async move { caller.call("subscribe", ("news",)).await })
    ///     .reconnect(Backoff::default())
    ///     .connect()
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub fn on_connect<F>(mut self, hook: impl Fn(Caller) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.plan.on_connect = Some(Arc::new(move |caller| Box::pin(hook(caller))));
        self
    }

    /// Sets an option by its name in URLs, over what the URL says: for those that have no room for
    /// options, such as `exec:`, and for programs whose users name them.
    ///
    /// ```
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use tinyrpc::ClientBuilder;
    ///
    /// let builder = ClientBuilder::from_url("tcp://127.0.0.1:4000")?
    ///     .option("framing", "content-length")?
    ///     .option("timeout", "5")?;
    /// # Ok(()) }
    /// # example().unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such option or value, or the framing cannot carry the protocol.
    pub fn option(mut self, name: &str, value: &str) -> Result<Self, SetupError> {
        let mut options = Options::default();
        options.set(name, value)?;
        if options.is_of_sockets() {
            let words = format!("`{name}` is an option of the URL: what is bound depends on it");
            return Err(crate::UrlError(words).into());
        }
        if let Some(Some(framing)) = &options.framing
            && !self.servers.iter().all(|server| carries(&**framing, &*server.protocol))
        {
            return Err(unfit(&format!("{name}={value}")).into());
        }
        #[cfg(feature = "jsonrpc")]
        if let Some(dialect) = options.dialect {
            for server in &mut self.servers {
                if server.protocol.name() != "jsonrpc" {
                    let words = format!("`{name}={value}` is a dialect of jsonrpc");
                    return Err(crate::UrlError(words).into());
                }
                server.protocol = Arc::new(dialect);
            }
            self.protocol = Arc::new(dialect);
        }
        self.plan.limits = options.limits(self.plan.limits);
        self.plan.framing = options.framing.or(self.plan.framing);
        Ok(self)
    }

    /// Finds messages in a stream of bytes by a framing in place of the protocol's own. Transports
    /// that carry whole messages need none.
    pub fn framing(mut self, framing: impl Framing + 'static) -> Self {
        self.plan.framing = Some(Some(Arc::new(framing)));
        self
    }

    /// Serves calls of the server over the same connection.
    pub fn serve(mut self, service: impl Service + 'static) -> Self {
        self.plan.service = Arc::new(service);
        self
    }

    /// Gives the handlers of [`ClientBuilder::serve`] a value of the connection.
    pub fn data<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        let value = Arc::new(value);
        self.plan.prepare.push(Arc::new(move |scope| scope.insert_shared(Arc::clone(&value))));
        self
    }

    /// Sets the bounds.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.plan.limits = limits;
        self
    }

    /// How long each call waits for its answer unless it says otherwise; zero waits for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.plan.limits.call_timeout = timeout;
        self
    }

    /// In which order the server's own calls are answered; as each is ready unless said
    /// otherwise.
    pub fn reply_order(mut self, order: ReplyOrder) -> Self {
        self.plan.reply_order = order;
        self
    }

    /// Has every message of the connection seen as the bytes that travel.
    ///
    /// ```
    /// # fn example(builder: tinyrpc::ClientBuilder) -> tinyrpc::ClientBuilder {
    /// use tinyrpc::{Direction, transports::PeerAddress};
    ///
    /// builder.trace(|direction: Direction, peer: &PeerAddress, message: &[u8]| {
    ///     eprintln!("{peer} {direction}: {}", message.escape_ascii());
    /// })
    /// # }
    /// ```
    pub fn trace(mut self, trace: impl WireTrace + 'static) -> Self {
        self.plan.trace = Some(Arc::new(trace));
        self
    }

    /// Has the errors of all calls to the server become what `map` makes of them, those of the
    /// handlers of [`ClientBuilder::serve`] included. See [`Caller::map_error`].
    pub fn map_error(mut self, map: impl Fn(Error) -> Error + Send + Sync + 'static) -> Self {
        let map: MapError = Arc::new(map);
        self.map_error.push(Arc::clone(&map));
        self.plan.prepare.push(Arc::new(move |scope| {
            let map = Arc::clone(&map);
            scope.caller = scope.caller.map_error(move |error| map(error));
        }));
        self
    }

    /// Runs on another runtime than the tokio runtime of the caller.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Runs plain functions of [`ClientBuilder::serve`] on the threads of a pool, where they may
    /// block, unless their method says otherwise.
    pub fn blocking_pool(mut self, pool: &BlockingPool) -> Self {
        self.blocking_pool = Some(pool.clone());
        self
    }

    /// What it connects to, or where it listens, as a URL without a protocol; the first address of
    /// several.
    pub fn address(&self) -> String {
        self.servers.first().map(Destination::address).unwrap_or_default()
    }

    /// Connects, and drives the connection in the background.
    ///
    /// Over several addresses, or with [`ClientBuilder::reconnect`], this waits for the first
    /// connection, and where the client listens for nobody.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, or does not accept the login; of several, none can be
    /// reached. An address cannot be listened on, or is not of this machine alone and neither TLS
    /// nor [`ClientBuilder::allow_remote`] was said.
    pub async fn connect(mut self) -> Result<Client, SetupError> {
        self.prepare();
        let runtime = self.runtime.clone().unwrap_or_else(TokioRuntime::current);
        match self.servers.as_slice() {
            [server] if self.backoff.is_none() && !server.is_bound() => {
                self.plan.connect(server, &self.route, runtime).await
            }
            _ => {
                let client = self.pool(runtime).await?;
                client.first().await?;
                Ok(client)
            }
        }
    }

    /// Comes back at once and connects in the background, again and again, as
    /// [`ClientBuilder::reconnect`] says. Calls wait for a connection meanwhile, within their time.
    ///
    /// # Errors
    ///
    /// An address cannot be listened on.
    pub async fn connect_lazy(mut self) -> Result<Client, SetupError> {
        self.prepare();
        let runtime = self.runtime.clone().unwrap_or_else(TokioRuntime::current);
        self.pool(runtime).await
    }

    /// What is known only when all was said.
    fn prepare(&mut self) {
        let limits = Arc::new(self.plan.limits.clone());
        self.route.limits = Arc::clone(&limits);
        self.port.limits = limits;
        self.plan.blocking_pool = self.blocking_pool.take();
    }

    /// Uses a connection that exists already. Nothing happens on it unless the driver is polled.
    pub fn attach(mut self, connection: Connection, runtime: Arc<dyn Runtime>) -> (Client, Driver) {
        self.prepare();
        let address = self.address();
        let driver = self.plan.driver(connection, self.protocol, Arc::clone(&runtime));
        let scope = Arc::clone(driver.scope());
        let client = Client::new(scope, driver.control(), Arc::clone(&runtime), address.clone());
        if let Some(greeting) = self.plan.greet(&driver.scope().caller, &address) {
            let mut greeting = Box::pin(greeting);
            // With this the login is in the queue, before all others.
            if greeting.as_mut().now_or_never().is_none() {
                runtime.spawn(Box::pin(async move {
                    if let Err(error) = greeting.await {
                        tracing::warn!(%error, "the login failed");
                    }
                }));
            }
        }
        (client, driver)
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("servers", &self.servers)
            .field("limits", &self.plan.limits)
            .finish_non_exhaustive()
    }
}
