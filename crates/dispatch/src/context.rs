//! `Context`: what a handler can know about its call beside the params.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tinyrpc_core::{Caller, Lane, PeerAddress};

use crate::{
    Identity, Invocation, Scope,
    cancellation::{Cancellation, Cancelled},
};

/// The call that a handler executes: take it as the first parameter.
///
/// Cheap to clone, and usable from tasks that the handler spawns.
///
/// ```
/// use tinyrpc_core::Error;
/// use tinyrpc_dispatch::{Context, Dispatcher};
///
/// /// Asks the very client that called, during its call.
/// async fn greet(context: Context, greeting: String) -> Result<String, tinyrpc_core::RpcError> {
///     let name: String =
///         context.peer().call("name", ()).await.map_err(tinyrpc_core::RpcError::internal)?;
///     Ok(format!("{greeting}, {name}"))
/// }
///
/// let dispatcher = Dispatcher::new().method("greet", greet);
/// ```
#[derive(Clone)]
pub struct Context {
    call: Arc<Call>,
}

struct Call {
    scope: Arc<Scope>,
    method: Box<str>,
    deadline: Option<Duration>,
    lane: Lane,
    /// Made for those who call back.
    peer: OnceLock<Caller>,
    /// Raised when the handler's future is dropped.
    dropped: Cancellation,
    /// Raised by whoever runs the handler elsewhere.
    given_up: Option<Arc<Cancellation>>,
}

impl Context {
    pub(crate) fn new(invocation: &Invocation<'_, '_>) -> Self {
        let request = invocation.request;
        let call = Call {
            scope: Arc::clone(invocation.scope),
            method: request.method.as_ref().into(),
            deadline: request.meta.as_ref().and_then(|meta| meta.deadline),
            lane: request.lane,
            peer: OnceLock::new(),
            dropped: Cancellation::default(),
            given_up: invocation.cancellation.cloned(),
        };
        Self { call: Arc::new(call) }
    }

    /// Calls back to the peer that made this call, also while this call goes on.
    ///
    /// Over a transport of exchanges (plain HTTP) such calls fail at once.
    pub fn peer(&self) -> &Caller {
        self.call.peer.get_or_init(|| self.call.scope.caller.nested())
    }

    /// Where the peer is.
    pub fn peer_address(&self) -> &PeerAddress {
        &self.call.scope.peer
    }

    /// A header that came with the call over HTTP, or with the handshake of its WebSocket. Case does
    /// not matter in its name.
    ///
    /// `None` where it was not sent, was sent more than once or is not text, and over a transport
    /// that has no headers. Anybody can send any header: it proves nothing by itself.
    pub fn header(&self, name: &str) -> Option<String> {
        self.call.scope.headers.as_ref()?.get(self.call.lane, name)
    }

    /// Who the peer has proved to be; `None` where the server asks nobody for a proof.
    pub fn identity(&self) -> Option<&Identity> {
        self.call.scope.identity()
    }

    /// The connection's value of type `T`, where the server attached one.
    pub fn data<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.call.scope.data()
    }

    /// The connection that the call came over.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.call.scope
    }

    /// The full name under which the method was called.
    pub fn method(&self) -> &str {
        &self.call.method
    }

    /// How long the caller was willing to wait when its call was received, if it said so.
    pub fn deadline(&self) -> Option<Duration> {
        self.call.deadline
    }

    /// Completes when nobody waits for the answer any more: the caller gave the call up, the
    /// connection is gone or the time ran out.
    ///
    /// The handler's own future is dropped then, so this is for tasks that it spawned, and for
    /// threads that nobody can interrupt. It never completes when the handler ends by itself.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled::new(self.clone())
    }

    /// True when nobody waits for the answer any more. See [`Context::cancelled`].
    pub fn is_cancelled(&self) -> bool {
        self.cancellation().is_cancelled()
    }

    pub(crate) fn cancel(&self) {
        self.cancellation().cancel();
    }

    pub(crate) fn cancellation(&self) -> &Cancellation {
        self.call.given_up.as_deref().unwrap_or(&self.call.dropped)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("method", &self.method())
            .field("peer", self.peer_address())
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}
