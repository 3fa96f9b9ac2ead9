//! `Spawned`: a request that runs in a task of its own.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_channel::oneshot;
use futures_util::{
    FutureExt,
    future::{AbortHandle, Abortable, FusedFuture},
};
use tinyrpc_core::{Payload, RpcError, Runtime};

use crate::{Begun, errand::Errand, panicked::guarded};

/// The answer of a task; dropping it drops what runs in the task.
pub(crate) struct Spawned {
    answer: oneshot::Receiver<Result<Payload, RpcError>>,
    errand: Arc<Errand>,
    abort: AbortHandle,
}

impl Spawned {
    /// Runs a request in a task: decodes its params there, and calls the handler.
    pub(crate) fn begin(errand: Errand, runtime: &dyn Runtime) -> Self {
        let (sender, answer) = oneshot::channel();
        let errand = Arc::new(errand);
        let task = {
            let errand = Arc::clone(&errand);
            async move {
                // Nobody may be there any more to take the answer.
                _ = sender.send(run(&errand).await);
            }
        };
        let (abort, registration) = AbortHandle::new_pair();
        runtime.spawn(Box::pin(Abortable::new(task, registration).map(drop)));
        Self { answer, errand, abort }
    }
}

async fn run(errand: &Errand) -> Result<Payload, RpcError> {
    let mut pending = match errand.start() {
        Begun::Ready(answer) => return answer,
        Begun::Pending(pending) => pending,
    };
    std::future::poll_fn(|cx| match guarded(|| pending.as_mut().poll(cx)) {
        Ok(poll) => poll,
        Err(error) => Poll::Ready(Err(error)),
    })
    .await
}

impl Future for Spawned {
    type Output = Result<Payload, RpcError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.poll_unpin(cx).map(|answer| {
            answer.unwrap_or_else(|_| Err(RpcError::internal("the runtime dropped the task")))
        })
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // A task that is in the middle of a poll learns it from its context.
        if !self.answer.is_terminated() {
            self.errand.cancel();
            self.abort.abort();
        }
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
