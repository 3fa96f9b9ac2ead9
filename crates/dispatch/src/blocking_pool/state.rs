//! `State`: who has a place and who waits for one. All of it happens under the pool's lock.

use std::{collections::VecDeque, sync::Arc};

use tinyrpc_core::{LimitReached, Runtime};

use super::{PoolLimits, job::Job};

/// INVARIANT: while there is a place and somebody waits for one, a thread is on its way.
///
/// It is one thread at a time. It takes the next job and has another thread follow before it
/// begins: handlers that block are soon side by side, and many quick ones are done by the first
/// thread before a second one is awake.
#[derive(Default)]
pub(super) struct State {
    /// Threads that run handlers, and the one that is on its way.
    pub(super) running: usize,
    /// Threads whose handlers wait for their peers: they hold no place.
    paused: usize,
    /// A thread is on its way.
    coming: bool,
    queue: VecDeque<Arc<Job>>,
    /// Bytes of params in the queue.
    bytes: usize,
}

impl State {
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Puts a job into the queue. Those in it for whom there is a place do not count.
    pub(super) fn push(&mut self, job: Arc<Job>, limits: &PoolLimits) -> Result<(), LimitReached> {
        let places = self.free(limits) + usize::from(self.coming);
        let reached = |name, limit: usize| LimitReached { name, limit: limit as u64 };
        if self.queue.len() >= places + limits.max_queue {
            return Err(reached("max_queue", limits.max_queue));
        }
        // A single one may be larger than that.
        if self.queue.len() > places && self.bytes + job.size() > limits.max_queue_bytes {
            return Err(reached("max_queue_bytes", limits.max_queue_bytes));
        }
        self.bytes += job.size();
        self.queue.push_back(job);
        Ok(())
    }

    /// Has a thread come where that is needed; gives the runtime that is to send it.
    pub(super) fn call_thread(&mut self, limits: &PoolLimits) -> Option<Arc<dyn Runtime>> {
        if self.coming || self.free(limits) == 0 {
            return None;
        }
        let runtime = Arc::clone(self.queue.front()?.runtime());
        self.coming = true;
        self.running += 1;
        Some(runtime)
    }

    /// The thread that was on its way is there, or never will be. It has a place.
    pub(super) fn arrive(&mut self) {
        self.coming = false;
    }

    /// The next job for a thread that has a place, or may keep it; without, the place is free.
    pub(super) fn next(&mut self, limits: &PoolLimits) -> Option<Arc<Job>> {
        self.running -= 1;
        // More may run than may: handlers that waited went on at once.
        if self.free(limits) == 0 {
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

    /// A runtime has no more threads: frees the place of the one that was to come, and takes the
    /// jobs out of the queue that only this runtime could run.
    pub(super) fn lose(&mut self, runtime: &Arc<dyn Runtime>) -> Vec<Arc<Job>> {
        self.arrive();
        self.running -= 1;
        let alike = |job: &Arc<Job>| Arc::ptr_eq(job.runtime(), runtime);
        let (lost, rest) = self.queue.drain(..).partition(alike);
        self.queue = VecDeque::from(rest);
        self.bytes = self.queue.iter().map(|job| job.size()).sum();
        lost
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

    /// How many more threads may run.
    fn free(&self, limits: &PoolLimits) -> usize {
        let threads = limits.max_threads.saturating_sub(self.running + self.paused);
        limits.max_running.saturating_sub(self.running).min(threads)
    }
}
