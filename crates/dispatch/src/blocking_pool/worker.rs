//! `Worker`: a thread while it runs jobs of a pool.

use std::sync::Arc;

use super::{BlockingPool, job::Job};
use crate::{panicked::guarded, waiting};

/// Runs one job after another, for as long as any wait. It holds one place of the pool.
pub(super) struct Worker {
    pool: BlockingPool,
    /// What it runs next.
    job: Option<Arc<Job>>,
}

impl Worker {
    pub(super) fn new(pool: BlockingPool, job: Arc<Job>) -> Self {
        Self { pool, job: Some(job) }
    }

    pub(super) fn work(mut self) {
        let _here = waiting::on_pool(&self.pool);
        while let Some(job) = self.job.take() {
            job.run();
            // What the handler was given is dropped before its place is free, and may panic.
            _ = guarded(|| drop(job));
            self.job = self.next();
        }
    }

    /// Gives the place to whoever waits next, which may be nobody.
    fn next(&self) -> Option<Arc<Job>> {
        let mut state = self.pool.state();
        state.leave();
        state.next(&self.pool.shared.limits)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The runtime dropped the worker in place of running it, as one does that shuts down.
        let Some(job) = self.job.take() else { return };
        let mut state = self.pool.state();
        state.leave();
        let lost = state.remove_alike(&job);
        let next = state.next(&self.pool.shared.limits);
        drop(state);
        job.lose();
        lost.iter().for_each(|job| job.lose());
        next.into_iter().for_each(|job| self.pool.run(job));
    }
}
