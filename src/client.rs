//! `Client`: calls to a server, or to several.

mod balance;
mod builder;
mod connect;
mod destination;
mod heartbeat;
mod plan;
mod pool;

use std::{fmt, future::poll_fn, ops::Deref, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use tinyrpc_core::{Caller, Connector, Protocol, Runtime};
use tinyrpc_dispatch::Scope;

use self::pool::Pool;
pub use self::{balance::Balance, builder::ClientBuilder, pool::Address};
use crate::{
    SetupError,
    control::{Control, Order},
};

/// Calls a server, or several ([`ClientBuilder::from_urls`]); cheap to clone and to share between
/// tasks.
///
/// `call`, `try_call`, `notify` and `batch` are those of [`Caller`], which it derefs to. Its
/// connections are closed when the last clone is dropped, whatever callers were made of it.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    caller: Caller,
    link: Link,
    runtime: Arc<dyn Runtime>,
}

/// What its calls go over.
enum Link {
    /// One connection, and the client ends with it.
    One { scope: Arc<Scope>, control: Arc<Control>, address: String },
    /// Whichever are there.
    Many(Arc<Pool>),
}

impl Client {
    fn new(
        scope: Arc<Scope>,
        control: Arc<Control>,
        runtime: Arc<dyn Runtime>,
        address: String,
    ) -> Self {
        let caller = scope.caller.clone();
        let link = Link::One { scope, control, address };
        Self { shared: Arc::new(Shared { caller, link, runtime }) }
    }

    fn over(caller: Caller, pool: Arc<Pool>, runtime: Arc<dyn Runtime>) -> Self {
        Self { shared: Arc::new(Shared { caller, link: Link::Many(pool), runtime }) }
    }

    /// Connects to a URL, with all defaults. `connect(url)` is the same.
    ///
    /// # Errors
    ///
    /// The URL is wrong or nobody listens there.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, SetupError> {
        ClientBuilder::from_url(url)?.connect().await
    }

    /// Builds a client from its parts.
    pub fn builder(
        connector: impl Connector + 'static,
        protocol: impl Protocol + 'static,
    ) -> ClientBuilder {
        ClientBuilder::from_connector(connector, protocol)
    }

    /// Waits for the first connection of several.
    async fn first(&self) -> Result<(), SetupError> {
        match &self.shared.link {
            Link::One { .. } => Ok(()),
            Link::Many(pool) => pool.first().await,
        }
    }

    /// Closes the connection, or all of them, and makes no more: calls in flight are waited for,
    /// for as long as [`Limits::shutdown`] says, new ones fail.
    ///
    /// True when the transport has taken all that was said before, notifications included. False
    /// when nobody can know: the peer took no more, or ended the connection first.
    ///
    /// [`Limits::shutdown`]: crate::Limits::shutdown
    pub async fn close(&self) -> bool {
        let Shared { link, runtime, caller, .. } = &*self.shared;
        let controls = link.give(Order::Drain);
        let patience = u64::try_from(caller.limits().shutdown.as_micros()).unwrap_or(u64::MAX);
        let deadline = runtime.sleep_until(runtime.now().saturating_add(patience));
        let closed = pin!(self.closed());
        if let Either::Right((_, closed)) = select(closed, deadline).await {
            link.give(Order::Close);
            closed.await;
        }
        controls.iter().all(|control| control.is_delivered())
    }

    /// What the client is connected to, or where it listens, as a URL without a protocol; the first
    /// address of several.
    pub fn address(&self) -> String {
        match &self.shared.link {
            Link::One { address, .. } => address.clone(),
            Link::Many(pool) => {
                let first = pool.addresses().into_iter().next();
                first.map(|address| address.url).unwrap_or_default()
            }
        }
    }

    /// All addresses, in the order in which they were given, and what is known of each.
    pub fn addresses(&self) -> Vec<Address> {
        match &self.shared.link {
            Link::One { address, .. } => {
                let closed = self.shared.caller.closed();
                vec![Address {
                    url: address.clone(),
                    connected: usize::from(closed.is_none()),
                    failures: 0,
                    last_error: closed.map(|why| why.to_string().into()),
                }]
            }
            Link::Many(pool) => pool.addresses(),
        }
    }

    /// The connections of this moment, in the order of their addresses. Calls of a scope's
    /// `caller` go over that one connection, and end with it.
    pub fn peers(&self) -> Vec<Arc<Scope>> {
        match &self.shared.link {
            Link::One { scope, .. } if scope.caller.closed().is_none() => vec![Arc::clone(scope)],
            Link::One { .. } => Vec::new(),
            Link::Many(pool) => pool.scopes(),
        }
    }

    /// Completes when the connection is closed, by whichever side. A client of several addresses,
    /// or one that reconnects, is closed by this side alone.
    pub async fn closed(&self) {
        self.shared.link.closed().await;
    }

    /// The caller of this client, with a time for each call; zero waits for ever.
    pub fn with_timeout(&self, timeout: Duration) -> Caller {
        self.shared.caller.clone().with_timeout(timeout)
    }
}

impl Link {
    /// Gives an order to whatever drives the connections.
    fn give(&self, order: Order) -> Vec<Arc<Control>> {
        match self {
            Self::One { control, .. } => {
                control.give(order);
                vec![Arc::clone(control)]
            }
            Self::Many(pool) => pool.end(order),
        }
    }

    async fn closed(&self) {
        match self {
            Self::One { control, .. } => poll_fn(|cx| control.poll_finished(cx)).await,
            Self::Many(pool) => pool.ended().await,
        }
    }
}

impl Deref for Client {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.shared.caller
    }
}

impl AsRef<Caller> for Client {
    fn as_ref(&self) -> &Caller {
        self
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.link.give(Order::Close);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address())
            .field("caller", &self.shared.caller)
            .finish_non_exhaustive()
    }
}
