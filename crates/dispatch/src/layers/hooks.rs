//! `Hooks`: functions of the program before and after every call.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use tinyrpc_core::{ReplyTo, RpcError};

use super::{
    End,
    watched::{Watch, watch},
};
use crate::{Invocation, Layer, Scope, Service, Started, fail::fail};

/// A service with functions of the program around every call. See [`HooksLayer`].
#[derive(Clone, Debug)]
pub struct Hooks<S> {
    inner: S,
    hooks: Arc<HooksLayer>,
}

impl<S: Service> Service for Hooks<S> {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        let HooksLayer { before, after, map_error } = &*self.hooks;
        let (request, scope) = (invocation.request, invocation.scope);
        let mut begin = |reply: &mut ReplyTo<'_>| {
            if let Some(before) = before
                && let Err(error) = before(invocation)
            {
                fail(reply, &error);
                return Started::Done;
            }
            self.inner.start(invocation, reply)
        };
        if after.is_none() && map_error.is_none() {
            return begin(reply);
        }
        let clock = scope.runtime.as_ref().filter(|_| after.is_some());
        let call = Hooked {
            hooks: Cow::Borrowed(&self.hooks),
            method: Cow::Borrowed(&request.method),
            notification: request.id.is_none(),
            scope: Cow::Borrowed(scope),
            began: clock.map(|runtime| runtime.now()),
        };
        watch(call, reply, begin)
    }

    fn has_method(&self, name: &str) -> bool {
        self.inner.has_method(name)
    }
}

/// One call and its hooks.
struct Hooked<'a> {
    hooks: Cow<'a, Arc<HooksLayer>>,
    method: Cow<'a, str>,
    notification: bool,
    scope: Cow<'a, Arc<Scope>>,
    began: Option<u64>,
}

impl Watch for Hooked<'_> {
    type Kept = Hooked<'static>;

    fn keep(self) -> Hooked<'static> {
        Hooked {
            hooks: Cow::Owned(self.hooks.into_owned()),
            method: Cow::Owned(self.method.into_owned()),
            scope: Cow::Owned(self.scope.into_owned()),
            ..self
        }
    }

    fn map(&self, error: RpcError) -> RpcError {
        match &self.hooks.map_error {
            None => error,
            Some(map) => map(error),
        }
    }

    fn end(&self, end: End<'_>) {
        let Some(after) = &self.hooks.after else { return };
        let now = self.scope.runtime.as_ref().map(|runtime| runtime.now());
        let took = now.zip(self.began).map(|(now, began)| now.saturating_sub(began));
        after(&Finished {
            method: &self.method,
            notification: self.notification,
            scope: &self.scope,
            took: took.map(Duration::from_micros),
            end,
        });
    }
}

/// A call that is over, as [`HooksLayer::after`] sees it.
#[derive(Debug)]
pub struct Finished<'a> {
    /// The full name under which the method was called.
    pub method: &'a str,
    /// Nobody waited for an answer.
    pub notification: bool,
    /// The connection that it came over.
    pub scope: &'a Arc<Scope>,
    /// How long it took; `None` where the connection has no runtime.
    pub took: Option<Duration>,
    /// How it ended.
    pub end: End<'a>,
}

/// Puts functions of the program around every call.
///
/// They run where requests are received, so they must not block. One that panics fails its call,
/// as a handler does.
///
/// ```
/// use tinyrpc_core::{Code, RpcError};
/// use tinyrpc_dispatch::{
///     Dispatcher, Service,
///     layers::{End, HooksLayer},
/// };
///
/// let hooks = HooksLayer::new()
///     .before(|invocation| match invocation.method.starts_with("admin.") {
///         true => Err(RpcError::new(403, "not for everybody")),
///         false => Ok(()),
///     })
///     .map_error(|error| match error.code {
///         Code::SERVER_ERROR => RpcError::internal(error),
///         _ => error,
///     })
///     .after(|call| {
///         if let End::Failed(error) = call.end {
///             eprintln!("{} failed after {:?}: {error}", call.method, call.took);
///         }
///     });
/// let service = Dispatcher::new().method("add", |a: i64, b: i64| a + b).layer(hooks);
/// # let _: &dyn Service = &service;
/// ```
#[derive(Default)]
pub struct HooksLayer {
    before: Option<Box<Before>>,
    after: Option<Box<After>>,
    map_error: Option<Box<MapError>>,
}

type Before = dyn Fn(&Invocation<'_, '_>) -> Result<(), RpcError> + Send + Sync;
type After = dyn Fn(&Finished<'_>) + Send + Sync;
type MapError = dyn Fn(RpcError) -> RpcError + Send + Sync;

impl HooksLayer {
    /// No hooks yet, which cost nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Called before a request is begun; its error is the answer, and the handler never runs.
    pub fn before(
        mut self,
        before: impl Fn(&Invocation<'_, '_>) -> Result<(), RpcError> + Send + Sync + 'static,
    ) -> Self {
        self.before = Some(Box::new(before));
        self
    }

    /// Called when a call is over, once for each, however it ended.
    ///
    /// What the connection cannot send, such as a result over a limit, is only seen to fail where
    /// it was ready at once.
    pub fn after(mut self, after: impl Fn(&Finished<'_>) + Send + Sync + 'static) -> Self {
        self.after = Some(Box::new(after));
        self
    }

    /// Has errors become what `map` makes of them before they are sent, and before
    /// [`HooksLayer::after`] sees them: those of handlers, of [`HooksLayer::before`], and all others
    /// from the service. Those of the connection, such as refusals and panics, stay as they are.
    pub fn map_error(mut self, map: impl Fn(RpcError) -> RpcError + Send + Sync + 'static) -> Self {
        self.map_error = Some(Box::new(map));
        self
    }
}

impl<S: Service> Layer<S> for HooksLayer {
    type Service = Hooks<S>;

    fn layer(self, inner: S) -> Hooks<S> {
        Hooks { inner, hooks: Arc::new(self) }
    }
}

impl fmt::Debug for HooksLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HooksLayer")
            .field("before", &self.before.is_some())
            .field("after", &self.after.is_some())
            .field("map_error", &self.map_error.is_some())
            .finish()
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
