//! `Context`: what a handler can know about its call beside the params.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tinyrpc_core::{Caller, Channels, Lane, PeerAddress};

use crate::{
    Identity, Input, Invocation, Reporter, Scope,
    cancellation::{Cancellation, Cancelled},
    reporter::Told,
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
    /// Until when the caller waits, on the clock of the connection; 0 where that is not known.
    until: u64,
    /// How many calls this one is nested in.
    depth: u32,
    channels: Option<Channels>,
    /// By which the caller knows the reports of this call, where it wants any.
    told: Option<Told>,
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
        let meta = request.meta.as_deref();
        let deadline = meta.and_then(|meta| meta.deadline);
        let now = invocation.scope.runtime.as_ref().map(|runtime| runtime.now());
        let until = deadline.zip(now).map_or(0, |(deadline, now)| {
            now.saturating_add(u64::try_from(deadline.as_micros()).unwrap_or(u64::MAX)).max(1)
        });
        let call = Call {
            scope: Arc::clone(invocation.scope),
            method: request.method.as_ref().into(),
            deadline,
            until,
            depth: meta.map_or(0, |meta| meta.depth),
            channels: request.channels.clone(),
            told: invocation.scope.caller.reports().and_then(|words| {
                // Where nobody has such words, nothing is looked for.
                Told::find(words, request.params)
            }),
            lane: request.lane,
            peer: OnceLock::new(),
            dropped: Cancellation::default(),
            given_up: invocation.cancellation.cloned(),
        };
        Self { call: Arc::new(call) }
    }

    /// Calls back to the peer that made this call, also while this call goes on.
    ///
    /// Over a transport of exchanges (plain HTTP) such calls fail at once. They wait no longer than the
    /// caller of this call does, where that has said how long ([`Context::deadline`]).
    pub fn peer(&self) -> &Caller {
        let Call { scope, depth, until, .. } = &*self.call;
        let nested = || scope.caller.nested_in(*depth, *until, scope.runtime.clone());
        self.call.peer.get_or_init(nested)
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

    /// How long the caller is still willing to wait, if it said so and the connection has a clock.
    pub fn remaining(&self) -> Option<Duration> {
        let runtime = self.call.scope.runtime.as_ref().filter(|_| self.call.until > 0)?;
        Some(Duration::from_micros(self.call.until.saturating_sub(runtime.now())))
    }

    /// How many calls this one is nested in, as far as the caller says: 0 for one that no handler
    /// made.
    pub fn depth(&self) -> u32 {
        self.call.depth
    }

    /// The values that the caller sends into this call, once; nothing where it sends none, and the
    /// second time.
    ///
    /// ```
    /// use tinyrpc_core::RpcError;
    /// use tinyrpc_dispatch::{Context, Dispatcher};
    ///
    /// let dispatcher = Dispatcher::new().method("sum", async |context: Context| {
    ///     let (mut numbers, mut sum) = (context.input::<i64>(), 0);
    ///     while let Some(number) = numbers.next().await {
    ///         sum += number?;
    ///     }
    ///     Ok::<_, RpcError>(sum)
    /// });
    /// ```
    pub fn input<T>(&self) -> Input<T> {
        Input::new(self.call.channels.as_ref().and_then(|channels| channels.inlet()))
    }

    /// Says that the work of this call begins, and gives what tells of it until it ends; `None`
    /// where the caller has not asked for that.
    ///
    /// Only the dialects `lsp` and `mcp` of JSON-RPC have words for it: in the first the params name
    /// a `workDoneToken` ("Work Done Progress" of LSP 3.17, told by `$/progress`), in the second a
    /// `progressToken` in `_meta` (told by `notifications/progress`). All reports come before the
    /// answer. `percentage` is where it begins; without one a client shows no bar.
    ///
    /// ```
    /// use tinyrpc_dispatch::{Context, Dispatcher};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Params {
    ///     folder: String,
    /// }
    ///
    /// let dispatcher = Dispatcher::new().method("index", async |context: Context, params: Params| {
    ///     let mut progress = context.progress("Indexing", Some(0));
    ///     for done in 1..=10 {
    ///         // ..
    ///         if let Some(progress) = &mut progress {
    ///             // A report that finds no room is one less.
    ///             _ = progress.report(Some(done * 10), Some(&params.folder));
    ///         }
    ///     }
    ///     // Dropped here, by which it ends.
    /// });
    /// ```
    pub fn progress(&self, title: &str, percentage: Option<u32>) -> Option<Reporter> {
        let told = self.call.told.clone()?;
        Reporter::begin(&self.call.scope.caller, told, title, percentage)
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
