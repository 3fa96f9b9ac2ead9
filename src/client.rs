//! `Client`: a connection that this side made, and calls over it.

mod builder;

use std::{fmt, future::poll_fn, ops::Deref, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use tinyrpc_core::{Caller, Connector, Protocol, Runtime};

pub use self::builder::ClientBuilder;
use self::builder::Destination;
use crate::{
    SetupError,
    control::{Control, Order},
};

/// Calls a server; cheap to clone and to share between tasks.
///
/// `call`, `try_call`, `notify` and `batch` are those of [`Caller`], which it derefs to. The
/// connection is closed when the last clone is dropped, whatever callers were made of it.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    caller: Caller,
    control: Arc<Control>,
    runtime: Arc<dyn Runtime>,
    address: String,
}

impl Client {
    fn new(
        caller: Caller,
        control: Arc<Control>,
        runtime: Arc<dyn Runtime>,
        address: String,
    ) -> Self {
        Self { shared: Arc::new(Shared { caller, control, runtime, address }) }
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
        ClientBuilder::from_parts(Destination::Through(Arc::new(connector)), Arc::new(protocol))
    }

    /// Closes the connection: calls in flight are waited for, for as long as [`Limits::shutdown`]
    /// says, new ones fail.
    ///
    /// True when the transport has taken all that was said before, notifications included. False
    /// when nobody can know: the peer took no more, or ended the connection first.
    ///
    /// [`Limits::shutdown`]: crate::Limits::shutdown
    pub async fn close(&self) -> bool {
        let Shared { control, runtime, caller, .. } = &*self.shared;
        control.give(Order::Drain);
        let patience = u64::try_from(caller.limits().shutdown.as_micros()).unwrap_or(u64::MAX);
        let deadline = runtime.sleep_until(runtime.now().saturating_add(patience));
        let closed = pin!(self.closed());
        if let Either::Right((_, closed)) = select(closed, deadline).await {
            control.give(Order::Close);
            closed.await;
        }
        control.is_delivered()
    }

    /// What the client is connected to, as a URL without a protocol.
    pub fn address(&self) -> String {
        self.shared.address.clone()
    }

    /// Completes when the connection is closed, by whichever side.
    pub async fn closed(&self) {
        poll_fn(|cx| self.shared.control.poll_finished(cx)).await;
    }

    /// The caller of this connection, with a time for each call; zero waits for ever.
    pub fn with_timeout(&self, timeout: Duration) -> Caller {
        self.shared.caller.clone().with_timeout(timeout)
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
        self.control.give(Order::Close);
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
