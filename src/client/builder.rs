//! `ClientBuilder`: what a client is made from.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde::Serialize;
use tinyrpc_core::{
    Caller, Connection, Connector, Error, Framing, Limits, Listener, Protocol, ReplyOrder, Runtime,
    WireTrace,
};
use tinyrpc_dispatch::{BlockingPool, Service};
#[cfg(feature = "tls")]
use tinyrpc_transports::tls::{ClientTls, ServerTls};

use super::{
    Balance, Client,
    destination::{Destination, Place},
    plan::{Greets, Plan},
};
use crate::{
    Backoff, Driver, SetupError, Token, TokenLogin, TokioRuntime, Url,
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

    /// Connects to several URLs, of any transports and protocols mixed, and shares the calls out
    /// among those that are there. See [`ClientBuilder::also`].
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use tinyrpc::{Balance, ClientBuilder};
    ///
    /// let urls = ["tcp://127.0.0.1:4000", "msgpack+tcp://127.0.0.1:4001"];
    /// let client =
    ///     ClientBuilder::from_urls(urls)?.balance(Balance::LeastLoaded).connect().await?;
    /// let five: i64 = client.call("add", (2, 3)).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// A URL is wrong, or there is none.
    pub fn from_urls(urls: impl IntoIterator<Item: AsRef<str>>) -> Result<Self, SetupError> {
        let mut urls = urls.into_iter();
        let none = || crate::UrlError("a client needs one URL at least".into());
        let first = Self::from_url(urls.next().ok_or_else(none)?)?;
        urls.try_fold(first, Self::also)
    }

    /// Listens at a URL, and calls whoever connects: workers, which serve over connections that
    /// they make ([`Server::connect`](crate::Server::connect)). Calls go to those that are there,
    /// as [`ClientBuilder::balance`] says, and wait while there is none.
    ///
    /// The client speaks first, in the protocol of the URL (JSON-RPC where it names none). Other
    /// machines are let in under the rules for servers: over TLS, or with
    /// [`ClientBuilder::allow_remote`]. Whoever connects is given calls to execute.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tinyrpc::{ClientBuilder, Dispatcher, Server};
    ///
    /// let client = ClientBuilder::bind("tcp://127.0.0.1:0")?.connect().await?;
    /// let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    /// let worker = Server::new(calc).connect(client.address()).await?;
    /// assert_eq!(client.call::<_, i64>("add", (2, 3)).await?, 5);
    /// # worker.shutdown().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The URL is wrong, or of a transport that cannot call who connects, as HTTP.
    pub fn bind(url: impl AsRef<str>) -> Result<Self, SetupError> {
        let url: Url = url.as_ref().parse()?;
        let limits = url.limits(Limits::default());
        Ok(Self::from_destination(Destination::bind(url)?, limits))
    }

    /// Connects to one more URL. A client over several addresses has a connection to each of them
    /// that is there, and makes lost ones again ([`ClientBuilder::reconnect`]).
    ///
    /// What its calls may count on:
    ///
    /// - one that nobody could have executed yet, because its connection is gone or its server
    ///   shuts down, goes over another connection, or waits for one, within its time; then it ends
    ///   as *not executed*;
    /// - one that was sent over a connection that is lost ends as *unknown* and is never made
    ///   again, unless it is [`Call::idempotent`](crate::Call::idempotent).
    ///
    /// Calls share the connections; what must go over one and the same goes over the `caller` of
    /// one of [`Client::peers`]. Options such as `timeout` are those of the first URL.
    ///
    /// # Errors
    ///
    /// The URL is wrong.
    pub fn also(mut self, url: impl AsRef<str>) -> Result<Self, SetupError> {
        self.servers.push(Destination::to(url.as_ref().parse()?)?);
        Ok(self)
    }

    /// Listens at one more URL. See [`ClientBuilder::bind`].
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::bind`].
    pub fn also_bind(mut self, url: impl AsRef<str>) -> Result<Self, SetupError> {
        self.servers.push(Destination::bind(url.as_ref().parse()?)?);
        Ok(self)
    }

    /// Connects through one more connector.
    pub fn also_through(
        mut self,
        connector: impl Connector + 'static,
        protocol: impl Protocol + 'static,
    ) -> Self {
        let place = Place::Through(Arc::new(connector));
        self.servers.push(Destination { place, protocol: Arc::new(protocol) });
        self
    }

    /// Calls whoever connects to one more listener.
    pub fn also_from(
        mut self,
        listener: impl Listener + 'static,
        protocol: impl Protocol + 'static,
    ) -> Self {
        self.servers.push(Destination::listener(listener, protocol));
        self
    }

    /// Over which of several connections each call goes; one after the other unless said
    /// otherwise.
    pub fn balance(mut self, balance: Balance) -> Self {
        self.balance = balance;
        self
    }

    /// Makes a connection that was lost again, and waits so long before each attempt.
    ///
    /// A client of one address does so only where this is said; the rules for its calls are those
    /// of [`ClientBuilder::also`] then. One of several addresses does in any case, as
    /// [`Backoff::default`] says.
    pub fn reconnect(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
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

    /// Listens on addresses that other machines can reach, too ([`ClientBuilder::bind`]).
    ///
    /// Whoever reaches the address is given calls, and answers them as it likes.
    pub fn allow_remote(mut self) -> Self {
        self.port.allow_remote = true;
        self
    }

    /// Proves who the client is where it listens over TLS ([`ClientBuilder::bind`]).
    #[cfg(feature = "tls")]
    pub fn bind_tls(mut self, tls: ServerTls) -> Self {
        self.port.tls = Some(tls);
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
        if let Some(Some(framing)) = &options.framing
            && !self.servers.iter().all(|server| carries(&**framing, &*server.protocol))
        {
            return Err(unfit(&format!("{name}={value}")).into());
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

    /// Proves to the server who this side is, by a token: calls `rpc.auth` first, as
    /// [`TokenLogin`] wants it. See [`ClientBuilder::login`].
    pub fn token(self, token: impl Into<Token>) -> Self {
        let token = token.into();
        self.log_in(move |caller| {
            let token = token.clone();
            Box::pin(async move {
                caller.call_raw(TokenLogin::METHOD, (token.reveal(),)).await.map(drop)
            })
        })
    }

    /// Proves to the server who this side is, by a call before any other one; its result is not
    /// looked at. A [`WireTrace`] is not shown its params.
    ///
    /// [`ClientBuilder::connect`] waits for the answer. [`ClientBuilder::attach`] cannot, and has
    /// the call sent before all others: a server that wants a login lets what comes behind it
    /// wait, in its order, and refuses all of it together with the login.
    pub fn login<P>(self, method: impl Into<String>, params: P) -> Self
    where
        P: Serialize + Send + Sync + 'static,
    {
        let said = Arc::new((method.into(), params));
        self.log_in(move |caller| {
            let said = Arc::clone(&said);
            Box::pin(async move {
                let (method, params) = &*said;
                caller.call_raw(method, params).await.map(drop)
            })
        })
    }

    fn log_in(mut self, login: impl Fn(Caller) -> Greets + Send + Sync + 'static) -> Self {
        self.plan.login = Some(Arc::new(login));
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

    /// Sends a header with every request over HTTP and with the handshake of a WebSocket, such as
    /// `("Authorization", "Bearer ...")`. Its value is never shown in logs.
    #[cfg(feature = "http")]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.route.headers.push((name.into(), value.into()));
        self
    }

    /// Proves who calls by a token in the header `Authorization` (RFC 6750), over HTTP and WebSocket.
    #[cfg(feature = "http")]
    pub fn bearer(self, token: impl Into<Token>) -> Self {
        self.header("Authorization", &format!("Bearer {}", token.into().reveal()))
    }

    /// Proves who calls by a name and a password in the header `Authorization` (RFC 7617), over HTTP
    /// and WebSocket. The name has no colon in it.
    #[cfg(feature = "http")]
    pub fn basic(self, name: &str, password: impl Into<Token>) -> Self {
        use base64::{Engine as _, engine::general_purpose::STANDARD};

        let both = STANDARD.encode(format!("{name}:{}", password.into().reveal()));
        self.header("Authorization", &format!("Basic {both}"))
    }

    /// Sets whom to believe under the URLs that go over TLS, and which certificate to show; by
    /// default the authorities of the system are trusted.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.route.tls = tls;
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
