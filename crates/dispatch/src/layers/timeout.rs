//! `Timeout`: calls that take too long are answered with an error and dropped.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tinyrpc_core::{Code, Payload, ReplyTo, RpcError, Task};

use crate::{Invocation, Layer, PendingReply, Service, Started, fail::fail};

/// A service with a time limit.
///
/// The error has the code [`Code::DEADLINE`], and the handler's future is dropped. Where the
/// caller said that it is willing to wait for a shorter time, that is the limit. Handlers that are
/// ready at once are never late, so that they cost nothing.
///
/// It needs a runtime: where a connection has none, all requests are refused as not executed.
#[derive(Clone, Debug)]
pub struct Timeout<S> {
    inner: S,
    layer: TimeoutLayer,
}

impl<S: Service> Service for Timeout<S> {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        let Some(runtime) = invocation.scope.runtime.as_deref() else {
            fail(reply, &RpcError::refused(NO_RUNTIME));
            return Started::Done;
        };
        match self.inner.start(invocation, reply) {
            Started::Done => Started::Done,
            Started::Pending(pending) => {
                let asked = invocation.request.meta.as_ref().and_then(|meta| meta.deadline);
                let limit = asked.unwrap_or(self.layer.limit).min(self.layer.limit);
                let micros = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX);
                let late = runtime.sleep_until(runtime.now().saturating_add(micros));
                Started::Pending(Box::pin(Timed { pending, late, limit }))
            }
        }
    }

    fn has_method(&self, name: &str) -> bool {
        self.inner.has_method(name)
    }
}

/// A request that goes on until it is late.
struct Timed {
    pending: PendingReply,
    late: Task,
    limit: Duration,
}

impl Future for Timed {
    type Output = Result<Payload, RpcError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(outcome) = self.pending.as_mut().poll(cx) {
            return Poll::Ready(outcome);
        }
        self.late.as_mut().poll(cx).map(|()| {
            let limit = self.limit;
            Err(RpcError::new(Code::DEADLINE, format!("the call took longer than {limit:?}")))
        })
    }
}

/// Gives a service a time limit. See [`Timeout`].
#[derive(Clone, Debug)]
pub struct TimeoutLayer {
    limit: Duration,
}

impl TimeoutLayer {
    /// Calls may take at most `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit }
    }
}

impl<S: Service> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(self, inner: S) -> Timeout<S> {
        Timeout { inner, layer: self }
    }
}

const NO_RUNTIME: &str = "a time limit needs a runtime, and this connection is driven without one";

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
