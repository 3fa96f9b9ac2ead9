//! `Job`: a request that waits for a thread or runs on one, and `Blocked`: its answer to come.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_channel::oneshot;
use futures_util::{FutureExt, future::FusedFuture};
use tinyrpc_core::{Payload, RpcError, Runtime};

use super::BlockingPool;
use crate::errand::Errand;

type Answer = Result<Payload, RpcError>;

pub(super) struct Job {
    errand: Errand,
    /// Whose thread it runs on.
    runtime: Arc<dyn Runtime>,
    /// Gone when it was answered.
    sender: Mutex<Option<oneshot::Sender<Answer>>>,
}

/// The answer of a job; dropping it takes the job out of the queue, or tells its handler.
pub(crate) struct Blocked {
    pool: BlockingPool,
    job: Arc<Job>,
    answer: oneshot::Receiver<Answer>,
}

impl Job {
    pub(super) fn new(
        errand: Errand,
        runtime: Arc<dyn Runtime>,
    ) -> (Arc<Self>, oneshot::Receiver<Answer>) {
        let (sender, answer) = oneshot::channel();
        (Arc::new(Self { errand, runtime, sender: Mutex::new(Some(sender)) }), answer)
    }

    /// How many bytes its params keep.
    pub(super) fn size(&self) -> usize {
        self.errand.size()
    }

    pub(super) fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }

    /// Runs the handler to its end.
    pub(super) fn run(&self) {
        self.answer(self.errand.run());
    }

    /// There is no thread for it.
    pub(super) fn lose(&self) {
        self.answer(Err(RpcError::refused("the runtime has no thread for this call")));
    }

    fn answer(&self, answer: Answer) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // Nobody may be there any more to take the answer.
            _ = sender.send(answer);
        }
    }
}

impl Blocked {
    pub(super) fn new(
        pool: BlockingPool,
        job: Arc<Job>,
        answer: oneshot::Receiver<Answer>,
    ) -> Self {
        Self { pool, job, answer }
    }
}

impl Future for Blocked {
    type Output = Answer;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Answer> {
        self.answer.poll_unpin(cx).map(|answer| {
            answer.unwrap_or_else(|_| Err(RpcError::internal("the handler gave no answer")))
        })
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        if self.answer.is_terminated() {
            return;
        }
        let queued = self.pool.state().remove(&self.job);
        if queued.is_none() {
            self.job.errand.cancel();
        }
    }
}
