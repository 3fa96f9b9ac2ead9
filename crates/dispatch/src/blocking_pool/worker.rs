//! `Worker`: a thread while it runs jobs of a pool.

use std::sync::Arc;

use tinyrpc_core::Runtime;

use super::{BlockingPool, job::Job};
use crate::{panicked::guarded, waiting};

/// Runs one job after another, for as long as any wait. It holds one place of the pool.
pub(super) struct Worker {
    pool: BlockingPool,
    /// Whose thread it is.
    runtime: Arc<dyn Runtime>,
    arrived: bool,
}

impl Worker {
    /// A thread that is on its way; its place was taken already.
    pub(super) fn new(pool: BlockingPool, runtime: Arc<dyn Runtime>) -> Self {
        Self { pool, runtime, arrived: false }
    }

    pub(super) fn work(mut self) {
        let _here = waiting::on_pool(&self.pool);
        while let Some(job) = self.next() {
            job.run();
            // What the handler was given is dropped before its place is free, and may panic.
            _ = guarded(|| drop(job));
        }
    }

    /// The next job, once another thread is on its way for the one behind it. Without any, the
    /// place is given up.
    fn next(&mut self) -> Option<Arc<Job>> {
        let limits = self.pool.limits();
        let mut state = self.pool.state();
        if !std::mem::replace(&mut self.arrived, true) {
            state.arrive();
        }
        let job = state.next(limits);
        let runtime = state.call_thread(limits);
        drop(state);
        self.pool.send_thread(runtime);
        job
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.arrived {
            return;
        }
        // The runtime dropped the worker in place of running it, as one does that shuts down.
        let mut state = self.pool.state();
        let lost = state.lose(&self.runtime);
        let runtime = state.call_thread(self.pool.limits());
        drop(state);
        lost.iter().for_each(|job| job.lose());
        self.pool.send_thread(runtime);
    }
}
