//! `Trace`: an event for each call.

use std::sync::Arc;

use tinyrpc_core::{ReplyTo, RpcError};
use tracing::{Level, Span, debug, debug_span, enabled};

use super::{
    End,
    watched::{Watch, watch},
};
use crate::{Invocation, Layer, Scope, Service, Started, shown::shown};

/// A service that says what is called, by `tracing`.
///
/// Handlers run in a span `rpc` with the method (escaped and cut, as it is the peer's word) and
/// the peer. When a call is over, an event of the level `DEBUG` in that span tells how it ended:
/// answered, failed with which error, dropped or panicked, with the microseconds it took where the
/// connection has a runtime. Params and results are never shown. Where nobody listens to that
/// level, it costs next to nothing.
#[derive(Clone, Debug)]
pub struct Trace<S> {
    inner: S,
}

impl<S: Service> Service for Trace<S> {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        if !enabled!(Level::DEBUG) {
            return self.inner.start(invocation, reply);
        }
        let call = Traced::new(invocation);
        watch(call, reply, |reply| self.inner.start(invocation, reply))
    }

    fn has_method(&self, name: &str) -> bool {
        self.inner.has_method(name)
    }
}

/// One call that is being watched.
struct Traced {
    span: Span,
    scope: Arc<Scope>,
    began: Option<u64>,
    /// It has not gone on yet.
    ready: bool,
}

impl Traced {
    fn new(invocation: &Invocation<'_, '_>) -> Self {
        let scope = Arc::clone(invocation.scope);
        let method = shown(&invocation.request.method);
        let span = debug_span!("rpc", method, peer = %scope.peer);
        let began = scope.runtime.as_ref().map(|runtime| runtime.now());
        Self { span, scope, began, ready: true }
    }

    fn micros(&self) -> Option<u64> {
        Some(self.scope.runtime.as_ref()?.now().saturating_sub(self.began?))
    }
}

impl Watch for Traced {
    type Kept = Self;

    fn keep(self) -> Self {
        Self { ready: false, ..self }
    }

    fn within<R>(&self, part: impl FnOnce() -> R) -> R {
        self.span.in_scope(part)
    }

    fn end(&self, end: End<'_>) {
        let micros = self.micros();
        self.span.in_scope(|| match end {
            End::Answered if self.ready => debug!(micros, "answered at once"),
            End::Answered => debug!(micros, "answered"),
            End::Failed(RpcError { code, message, .. }) => {
                debug!(micros, code = code.0, error = %message, "failed");
            }
            End::Dropped => debug!(micros, "dropped before its end"),
            End::Panicked => debug!(micros, "panicked"),
        });
    }
}

/// Has a service say what is called. See [`Trace`].
#[derive(Clone, Debug, Default)]
pub struct TraceLayer {}

impl TraceLayer {
    /// Events of the level `DEBUG`.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S: Service> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(self, inner: S) -> Trace<S> {
        Trace { inner }
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
