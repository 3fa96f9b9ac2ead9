//! `Concurrency`: only so many requests at a time, the others wait in order.

mod gate;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tinyrpc_core::{Payload, ReplyTo, RpcError};

use self::gate::{Entry, Gate, Permit, Ticket};
use crate::{Begun, Invocation, Kept, Layer, PendingReply, Service, Started, fail::fail};

/// A service that has at most so many requests in execution at a time, over all connections.
///
/// The others wait in the order in which they came. When too many wait, further ones are refused
/// as not executed. A request that is nested in another call passes: where it had to wait, the
/// call that waits for it could keep its own place for ever.
#[derive(Debug)]
pub struct Concurrency<S> {
    shared: Arc<Shared<S>>,
}

#[derive(Debug)]
struct Shared<S> {
    inner: S,
    gate: Arc<Gate>,
}

impl<S: Service + 'static> Service for Concurrency<S> {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        let Shared { inner, gate } = &*self.shared;
        if invocation.request.meta.as_ref().is_some_and(|meta| meta.depth > 0) {
            return inner.start(invocation, reply);
        }
        let stage = match gate.enter() {
            Entry::Open(permit) => match inner.start(invocation, reply) {
                Started::Done => return Started::Done,
                Started::Pending(pending) => Stage::Running { pending, _permit: permit },
            },
            Entry::Queue(ticket) => Stage::Waiting { kept: Kept::new(invocation, reply), ticket },
            Entry::Full => {
                fail(reply, &RpcError::refused("too many requests wait for this service"));
                return Started::Done;
            }
        };
        Started::Pending(Box::pin(Limited { shared: Arc::clone(&self.shared), stage }))
    }

    fn has_method(&self, name: &str) -> bool {
        self.shared.inner.has_method(name)
    }
}

/// A request that waits for its turn or goes on.
struct Limited<S> {
    shared: Arc<Shared<S>>,
    stage: Stage,
}

enum Stage {
    Waiting { kept: Kept, ticket: Ticket },
    // The future goes before the permit: a place is free when the handler is really gone.
    Running { pending: PendingReply, _permit: Permit },
}

impl<S: Service> Future for Limited<S> {
    type Output = Result<Payload, RpcError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, stage } = &mut *self;
        match stage {
            Stage::Running { pending, .. } => pending.as_mut().poll(cx),
            Stage::Waiting { kept, ticket } => {
                let Poll::Ready(permit) = ticket.poll(cx) else { return Poll::Pending };
                match kept.start(&shared.inner, cx) {
                    Begun::Ready(outcome) => Poll::Ready(outcome),
                    Begun::Pending(pending) => {
                        *stage = Stage::Running { pending, _permit: permit };
                        Poll::Pending
                    }
                }
            }
        }
    }
}

impl<S> Clone for Concurrency<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// Limits how many requests a service has in execution. See [`Concurrency`].
#[derive(Clone, Debug)]
pub struct ConcurrencyLayer {
    most: usize,
    queue: usize,
}

impl ConcurrencyLayer {
    /// At most `most` requests (and at least one) are in execution at a time.
    ///
    /// Up to 1,024 wait: as many as one connection may have in execution by default.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(1), queue: 1024 }
    }

    /// At most `queue` requests wait.
    #[must_use]
    pub fn queue(self, queue: usize) -> Self {
        Self { queue, ..self }
    }
}

impl<S: Service + 'static> Layer<S> for ConcurrencyLayer {
    type Service = Concurrency<S>;

    fn layer(self, inner: S) -> Concurrency<S> {
        let gate = Arc::new(Gate::new(self.most, self.queue));
        Concurrency { shared: Arc::new(Shared { inner, gate }) }
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
