//! `ClientBuilder`: what a client is made from.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde::Serialize;
use tinyrpc_core::{
    Caller, Connection, Connector, Error, Framing, Limits, Protocol, ReplyOrder, Role, Runtime,
    WireTrace,
};
use tinyrpc_dispatch::{BlockingPool, Dispatcher, Scope, Service};
#[cfg(feature = "tls")]
use tinyrpc_transports::tls::ClientTls;

use super::Client;
use crate::{
    Driver, SetupError, Token, TokenLogin, TokioRuntime, Url,
    driver::Setup,
    open::{self, Route},
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
    server: Destination,
    route: Route,
    protocol: Arc<dyn Protocol>,
    /// In place of the connection's: `Some(None)` is the protocol's own.
    framing: Option<Option<Arc<dyn Framing>>>,
    limits: Limits,
    service: Arc<dyn Service>,
    prepare: Vec<Prepare>,
    reply_order: ReplyOrder,
    trace: Option<Arc<dyn WireTrace>>,
    login: Option<Login>,
    pub(crate) runtime: Option<Arc<dyn Runtime>>,
    pub(crate) blocking_pool: Option<BlockingPool>,
}

type Prepare = Box<dyn FnOnce(&mut Scope) + Send>;
type Login = Box<dyn FnOnce(Caller) -> LoggingIn + Send>;
type LoggingIn = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Where a client goes.
pub(super) enum Destination {
    Url(Url),
    Through(Arc<dyn Connector>),
}

impl Destination {
    fn address(&self) -> String {
        match self {
            Self::Url(url) => url.without_protocol().into(),
            Self::Through(connector) => connector.address(),
        }
    }
}

impl ClientBuilder {
    pub(super) fn from_parts(server: Destination, protocol: Arc<dyn Protocol>) -> Self {
        Self {
            server,
            route: Route::default(),
            protocol,
            framing: None,
            limits: Limits::default(),
            service: Arc::new(Dispatcher::new()),
            prepare: Vec::new(),
            reply_order: ReplyOrder::default(),
            trace: None,
            login: None,
            runtime: None,
            blocking_pool: None,
        }
    }

    /// Connects to a URL.
    ///
    /// # Errors
    ///
    /// The URL is wrong.
    pub fn from_url(url: impl AsRef<str>) -> Result<Self, SetupError> {
        let url: Url = url.as_ref().parse()?;
        let (protocol, limits) = (url.spoken()?, url.limits(Limits::default()));
        // What is wrong with the address is said here, and not when somebody connects.
        open::connector(&url, &Route::default())?;
        Ok(Self { limits, ..Self::from_parts(Destination::Url(url), protocol) })
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
            && !carries(&**framing, &*self.protocol)
        {
            return Err(unfit(&format!("{name}={value}")).into());
        }
        self.limits = options.limits(self.limits);
        self.framing = options.framing.or(self.framing);
        Ok(self)
    }

    /// Finds messages in a stream of bytes by a framing in place of the protocol's own. Transports
    /// that carry whole messages need none.
    pub fn framing(mut self, framing: impl Framing + 'static) -> Self {
        self.framing = Some(Some(Arc::new(framing)));
        self
    }

    /// Serves calls of the server over the same connection.
    pub fn serve(mut self, service: impl Service + 'static) -> Self {
        self.service = Arc::new(service);
        self
    }

    /// Gives the handlers of [`ClientBuilder::serve`] a value of the connection.
    pub fn data<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.prepare.push(Box::new(move |scope| scope.insert(value)));
        self
    }

    /// Sets the bounds.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long each call waits for its answer unless it says otherwise; zero waits for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.call_timeout = timeout;
        self
    }

    /// In which order the server's own calls are answered; as each is ready unless said
    /// otherwise.
    pub fn reply_order(mut self, order: ReplyOrder) -> Self {
        self.reply_order = order;
        self
    }

    /// Proves to the server who this side is, by a token: calls `rpc.auth` first, as
    /// [`TokenLogin`] wants it. See [`ClientBuilder::login`].
    pub fn token(self, token: impl Into<Token>) -> Self {
        let token = token.into();
        self.log_in(|caller| {
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
        let method = method.into();
        self.log_in(|caller| {
            Box::pin(async move { caller.call_raw(&method, params).await.map(drop) })
        })
    }

    fn log_in(mut self, login: impl FnOnce(Caller) -> LoggingIn + Send + 'static) -> Self {
        self.login = Some(Box::new(login));
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
        self.trace = Some(Arc::new(trace));
        self
    }

    /// Has the errors of all calls to the server become what `map` makes of them, those of the
    /// handlers of [`ClientBuilder::serve`] included. See [`Caller::map_error`].
    pub fn map_error(mut self, map: impl Fn(Error) -> Error + Send + Sync + 'static) -> Self {
        self.prepare.push(Box::new(|scope| scope.caller = scope.caller.map_error(map)));
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

    /// What it connects to, as a URL without a protocol.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// Connects, and drives the connection in the background.
    ///
    /// # Errors
    ///
    /// The server cannot be reached, or does not accept the login.
    pub async fn connect(mut self) -> Result<Client, SetupError> {
        let connector = match &self.server {
            Destination::Through(connector) => Arc::clone(connector),
            Destination::Url(url) => {
                let mut route = self.route.clone();
                route.limits = Arc::new(self.limits.clone());
                open::connector(url, &route)?
            }
        };
        let connection = connector.connect().await;
        // It knows the address best.
        self.server = Destination::Through(Arc::clone(&connector));
        let connection =
            connection.map_err(|source| SetupError::Io { address: connector.address(), source })?;
        let runtime = self.runtime.clone().unwrap_or_else(TokioRuntime::current);
        let login = self.login.take();
        let (client, driver) = self.start(connection, Arc::clone(&runtime));
        let caller = driver.scope().caller.concealed();
        runtime.spawn(Box::pin(async move {
            let reason = driver.await;
            tracing::debug!(%reason, "a client's connection ended");
        }));
        if let Some(login) = login {
            let failed = |source| SetupError::Login { address: client.address(), source };
            login(caller).await.map_err(failed)?;
        }
        Ok(client)
    }

    /// Uses a connection that exists already. Nothing happens on it unless the driver is polled.
    pub fn attach(mut self, connection: Connection, runtime: Arc<dyn Runtime>) -> (Client, Driver) {
        let login = self.login.take();
        let (client, driver) = self.start(connection, Arc::clone(&runtime));
        if let Some(login) = login {
            let mut logging_in = login(driver.scope().caller.concealed());
            // With this it is in the queue, before all others.
            if logging_in.as_mut().now_or_never().is_none() {
                runtime.spawn(Box::pin(async move {
                    if let Err(error) = logging_in.await {
                        tracing::warn!(%error, "the login failed");
                    }
                }));
            }
        }
        (client, driver)
    }

    fn start(self, mut connection: Connection, runtime: Arc<dyn Runtime>) -> (Client, Driver) {
        if let Some(framing) = self.framing {
            connection.framing = framing;
        }
        let setup = Setup {
            role: Role::Client,
            protocols: vec![self.protocol],
            limits: Arc::new(self.limits),
            runtime: Arc::clone(&runtime),
            blocking_pool: self.blocking_pool,
            reply_order: self.reply_order,
            gated: false,
            trace: self.trace,
        };
        let driver = Driver::new(connection, setup, |mut scope| {
            self.prepare.into_iter().for_each(|prepare| prepare(&mut scope));
            (Arc::new(scope), self.service)
        });
        let caller = driver.scope().caller.clone();
        (Client::new(caller, driver.control(), runtime, self.server.address()), driver)
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("address", &self.server.address())
            .field("protocol", &self.protocol)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
