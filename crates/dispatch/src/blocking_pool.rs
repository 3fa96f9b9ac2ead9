//! `BlockingPool`: threads for handlers that block, so many at a time.

mod job;
mod limits;
mod state;
mod worker;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tinyrpc_core::{LimitReached, Runtime};

pub(crate) use self::job::Blocked;
pub use self::limits::PoolLimits;
use self::{job::Job, state::State, worker::Worker};
use crate::errand::Errand;

/// Threads on which handlers may block. Cheap to clone; a clone is the same pool.
///
/// The threads are those that the runtime of a connection has for blocking work
/// ([`Runtime::spawn_blocking`]); the pool decides how many of them it uses. Requests beyond that
/// wait in the order in which they came, and where too many wait, further ones are refused as not
/// executed.
///
/// A place is free when the handler is really gone: a thread cannot be interrupted, so a handler
/// whose caller gave up runs to its end, unless it asks
/// [`Context::is_cancelled`](crate::Context::is_cancelled). A handler that waits for its own peer
/// gives its place back meanwhile ([`Waiting`](crate::Waiting)), or two peers that call each other
/// could keep all places for ever.
///
/// ```
/// use tinyrpc_dispatch::{BlockingPool, Dispatcher, PoolLimits};
///
/// let disk = BlockingPool::new(PoolLimits { max_running: 4, ..PoolLimits::default() });
/// let files = Dispatcher::new()
///     .blocking_pool(&disk)
///     .method("size", |path: String| std::fs::metadata(path).map_or(0, |file| file.len()))
///     .params(["path"])
///     .blocking()
///     .method("ping", || "pong");
/// ```
#[derive(Clone, Default)]
pub struct BlockingPool {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    limits: PoolLimits,
    state: Mutex<State>,
}

impl BlockingPool {
    /// A pool with bounds of its own; it has no threads until they are needed.
    pub fn new(limits: PoolLimits) -> Self {
        let shared = Shared { limits: limits.checked(), state: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// The bounds in force.
    pub fn limits(&self) -> &PoolLimits {
        &self.shared.limits
    }

    /// How many handlers run now, those excepted that wait for their peers.
    pub fn running(&self) -> usize {
        self.state().running
    }

    /// How many requests wait for a place.
    pub fn queued(&self) -> usize {
        self.state().queued()
    }

    /// Runs a request on a thread, now or in its turn.
    pub(crate) fn begin(
        &self,
        errand: Errand,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Blocked, LimitReached> {
        let (job, answer) = Job::new(errand, runtime);
        let begins = self.state().enter(&job, &self.shared.limits)?;
        if begins {
            self.run(Arc::clone(&job));
        }
        Ok(Blocked::new(self.clone(), job, answer))
    }

    /// The handler of this thread begins to wait for its peer, and gives its place back.
    pub(crate) fn pause(&self) -> Result<(), LimitReached> {
        let mut state = self.state();
        state.pause(&self.shared.limits)?;
        let next = state.next(&self.shared.limits);
        drop(state);
        next.into_iter().for_each(|job| self.run(job));
        Ok(())
    }

    /// It waits no more. It goes on at once, even if its place was taken meanwhile: whoever has it
    /// may wait for something that this handler holds.
    pub(crate) fn resume(&self) {
        self.state().resume();
    }

    /// Runs a job on a new thread; its place was taken already.
    fn run(&self, job: Arc<Job>) {
        let runtime = Arc::clone(job.runtime());
        let worker = Worker::new(self.clone(), job);
        runtime.spawn_blocking(Box::new(move || worker.work()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool")
            .field("limits", self.limits())
            .field("running", &self.running())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
