//! `State`: who has a place and who waits for one. All of it happens under the pool's lock.

use std::{collections::VecDeque, sync::Arc};

use tinyrpc_core::LimitReached;

use super::{PoolLimits, job::Job};

/// INVARIANT: while there is a place, nobody waits for one.
#[derive(Default)]
pub(super) struct State {
    /// Threads that run handlers.
    pub(super) running: usize,
    /// Threads whose handlers wait for their peers: they hold no place.
    paused: usize,
    queue: VecDeque<Arc<Job>>,
    /// Bytes of params in the queue.
    bytes: usize,
}

impl State {
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Takes a place for a job (true), or puts it into the queue.
    pub(super) fn enter(
        &mut self,
        job: &Arc<Job>,
        limits: &PoolLimits,
    ) -> Result<bool, LimitReached> {
        if self.has_place(limits) {
            self.running += 1;
            return Ok(true);
        }
        let reached = |name, limit: usize| LimitReached { name, limit: limit as u64 };
        if self.queue.len() >= limits.max_queue {
            return Err(reached("max_queue", limits.max_queue));
        }
        // A single one may be larger than that.
        if !self.queue.is_empty() && self.bytes + job.size() > limits.max_queue_bytes {
            return Err(reached("max_queue_bytes", limits.max_queue_bytes));
        }
        self.bytes += job.size();
        self.queue.push_back(Arc::clone(job));
        Ok(false)
    }

    /// Takes a place for the next one in the queue, if there are both.
    pub(super) fn next(&mut self, limits: &PoolLimits) -> Option<Arc<Job>> {
        if !self.has_place(limits) {
            return None;
        }
        let job = self.queue.pop_front()?;
        self.bytes -= job.size();
        self.running += 1;
        Some(job)
    }

    /// Takes a job out of the queue, if it is there.
    pub(super) fn remove(&mut self, job: &Arc<Job>) -> Option<Arc<Job>> {
        let place = self.queue.iter().position(|queued| Arc::ptr_eq(queued, job))?;
        self.bytes -= job.size();
        self.queue.remove(place)
    }

    /// Takes out of the queue what only the runtime of `job` could run.
    pub(super) fn remove_alike(&mut self, job: &Job) -> Vec<Arc<Job>> {
        let (lost, rest) = self.queue.drain(..).partition(|queued| queued.is_alike(job));
        self.queue = VecDeque::from(rest);
        self.bytes = self.queue.iter().map(|job| job.size()).sum();
        lost
    }

    /// A handler is gone.
    pub(super) fn leave(&mut self) {
        self.running -= 1;
    }

    /// A handler that runs begins to wait for its peer.
    pub(super) fn pause(&mut self, limits: &PoolLimits) -> Result<(), LimitReached> {
        // One thread must be left for what the peer may ask meanwhile.
        if self.paused + 1 >= limits.max_threads {
            return Err(LimitReached { name: "max_threads", limit: limits.max_threads as u64 });
        }
        self.running -= 1;
        self.paused += 1;
        Ok(())
    }

    pub(super) fn resume(&mut self) {
        self.paused -= 1;
        self.running += 1;
    }

    fn has_place(&self, limits: &PoolLimits) -> bool {
        self.running < limits.max_running && self.running + self.paused < limits.max_threads
    }
}
