//! `InnerService`: one of our services, as `tower`'s layers see it.

use std::{
    fmt,
    future::Future,
    ops::Deref,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use tinyrpc_core::{Payload, RpcError};

use crate::{Begun, Kept, PendingReply, Service};

/// A request on its way through layers of `tower`; what is known about it is what [`Kept`] knows.
///
/// A clone is the same request, so that a layer may begin it more than once.
#[derive(Clone, Debug)]
pub struct RpcRequest {
    kept: Kept,
    begun: Arc<AtomicBool>,
}

impl RpcRequest {
    pub(super) fn new(kept: Kept) -> Self {
        Self { kept, begun: Arc::default() }
    }

    /// Set when the inner service sees the request.
    pub(super) fn begun(&self) -> &Arc<AtomicBool> {
        &self.begun
    }
}

impl Deref for RpcRequest {
    type Target = Kept;

    fn deref(&self) -> &Kept {
        &self.kept
    }
}

/// The service that a [`TowerLayer`](super::TowerLayer) puts layers of `tower` around.
///
/// It is always ready. Its response is the encoded result, and for a notification nothing.
pub struct InnerService<S> {
    service: Arc<S>,
}

impl<S> InnerService<S> {
    pub(super) fn new(service: Arc<S>) -> Self {
        Self { service }
    }
}

impl<S: Service> tower_service::Service<RpcRequest> for InnerService<S> {
    type Response = Payload;
    type Error = RpcError;
    type Future = InnerFuture<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), RpcError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RpcRequest) -> InnerFuture<S> {
        InnerFuture { service: Arc::clone(&self.service), stage: Stage::Fresh(request) }
    }
}

/// The answer of an [`InnerService`]; dropping it cancels the request.
pub struct InnerFuture<S> {
    service: Arc<S>,
    stage: Stage,
}

enum Stage {
    Fresh(RpcRequest),
    Running(PendingReply),
    Done,
}

impl<S: Service> Future for InnerFuture<S> {
    type Output = Result<Payload, RpcError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { service, stage } = self.get_mut();
        let outcome = match stage {
            Stage::Fresh(request) => {
                request.begun.store(true, Ordering::Relaxed);
                match request.kept.start(&**service, cx) {
                    Begun::Ready(outcome) => Poll::Ready(outcome),
                    Begun::Pending(pending) => {
                        *stage = Stage::Running(pending);
                        Poll::Pending
                    }
                }
            }
            Stage::Running(pending) => pending.as_mut().poll(cx),
            Stage::Done => Poll::Ready(Err(RpcError::internal("polled after its end"))),
        };
        if outcome.is_ready() {
            *stage = Stage::Done;
        }
        outcome
    }
}

impl<S> Clone for InnerService<S> {
    fn clone(&self) -> Self {
        Self { service: Arc::clone(&self.service) }
    }
}

impl<S> fmt::Debug for InnerService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InnerService").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for InnerFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Fresh(_) => "InnerFuture(fresh)",
            Stage::Running(_) => "InnerFuture(running)",
            Stage::Done => "InnerFuture(done)",
        })
    }
}
