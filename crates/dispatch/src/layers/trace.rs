//! `Trace`: an event for each call.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tinyrpc_core::{Payload, ReplyTo, RpcError};
use tracing::{Level, Span, debug, debug_span, enabled};

use crate::{Invocation, Layer, PendingReply, Scope, Service, Started, shown::shown};

/// A service that says what is called, by `tracing`.
///
/// Handlers run in a span `rpc` with the method (escaped and cut, as it is the peer's word) and
/// the peer. When a call is over, an event of the level `DEBUG` in that span tells how it ended,
/// with the microseconds it took where the connection has a runtime. Params and results are never
/// shown. Where nobody listens to that level, it costs next to nothing.
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
        let started = call.span.in_scope(|| self.inner.start(invocation, reply));
        match started {
            Started::Done => {
                call.end("answered at once");
                Started::Done
            }
            Started::Pending(pending) => {
                Started::Pending(Box::pin(Running { pending, call: Some(call) }))
            }
        }
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
}

impl Traced {
    fn new(invocation: &Invocation<'_, '_>) -> Self {
        let scope = Arc::clone(invocation.scope);
        let method = shown(&invocation.request.method);
        let span = debug_span!("rpc", method, peer = %scope.peer);
        let began = scope.runtime.as_ref().map(|runtime| runtime.now());
        Self { span, scope, began }
    }

    fn micros(&self) -> Option<u64> {
        Some(self.scope.runtime.as_ref()?.now().saturating_sub(self.began?))
    }

    fn end(&self, how: &'static str) {
        self.span.in_scope(|| debug!(micros = self.micros(), "{how}"));
    }

    fn fail(&self, error: &RpcError) {
        let (micros, code) = (self.micros(), error.code.0);
        self.span.in_scope(|| debug!(micros, code, error = %error.message, "failed"));
    }
}

/// A request that goes on and is being watched.
struct Running {
    pending: PendingReply,
    /// Taken when it is over.
    call: Option<Traced>,
}

impl Future for Running {
    type Output = Result<Payload, RpcError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { pending, call } = &mut *self;
        let Some(traced) = call else { return pending.as_mut().poll(cx) };
        let polled = traced.span.in_scope(|| pending.as_mut().poll(cx));
        match &polled {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(_)) => traced.end("answered"),
            Poll::Ready(Err(error)) => traced.fail(error),
        }
        *call = None;
        polled
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(call) = &self.call {
            call.end("dropped before its end");
        }
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
