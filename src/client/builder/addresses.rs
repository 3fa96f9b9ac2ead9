//! Where a client finds its servers: several addresses, and what holds between them.

use std::{sync::Arc, time::Duration};

use tinyrpc_core::{Connector, Limits, Listener, Protocol};

use super::ClientBuilder;
use crate::{
    Backoff, Balance, SetupError, Url,
    client::{
        destination::{Destination, Place},
        heartbeat::Heartbeat,
    },
};

impl ClientBuilder {
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
    /// one of [`Client::peers`](crate::Client::peers). Options such as `timeout` are those of the first URL.
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

    /// Has each connection asked whether its server still answers, by a call of this method without
    /// params after each such time of silence. Whatever it answers, an error as well, shows that it
    /// lives. Without an answer to two in a row, each within that time, the connection is closed:
    /// its calls end as *unknown* (those that are [`Call::idempotent`](crate::Call::idempotent) go
    /// on elsewhere), and it is made again where the client does that.
    ///
    /// That a machine or its network is gone is noticed without ([`Limits::heartbeat`]); this is
    /// for programs that hang. Nothing is asked by default: it is a call that a server has to
    /// know or to refuse, and one with [`Limits::max_requests`] in execution answers it late.
    ///
    /// ```
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use tinyrpc::ClientBuilder;
    ///
    /// let urls = ["tcp://127.0.0.1:4000", "tcp://127.0.0.1:4001"];
    /// let builder = ClientBuilder::from_urls(urls)?.heartbeat("ping", Duration::from_secs(5));
    /// # Ok(()) }
    /// # example().unwrap();
    /// ```
    ///
    /// [`Limits::heartbeat`]: crate::Limits::heartbeat
    /// [`Limits::max_requests`]: crate::Limits::max_requests
    pub fn heartbeat(mut self, method: impl Into<Arc<str>>, every: Duration) -> Self {
        self.plan.heartbeat = Some(Heartbeat { method: method.into(), every });
        self
    }
}
