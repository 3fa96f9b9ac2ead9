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

    /// How many threads run handlers now or are on their way; those whose handlers wait for their
    /// peers do not count.
    pub fn running(&self) -> usize {
        self.state().running
    }

    /// How many requests wait for a place.
    pub fn queued(&self) -> usize {
        self.state().queued()
    }

    /// Runs a request on a thread in its turn.
    pub(crate) fn begin(
        &self,
        errand: Errand,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Blocked, LimitReached> {
        let (job, answer) = Job::new(errand, runtime);
        let mut state = self.state();
        state.push(Arc::clone(&job), self.limits())?;
        let runtime = state.call_thread(self.limits());
        drop(state);
        self.send_thread(runtime);
        Ok(Blocked::new(self.clone(), job, answer))
    }

    /// The handler of this thread begins to wait for its peer, and gives its place back.
    pub(crate) fn pause(&self) -> Result<(), LimitReached> {
        let mut state = self.state();
        state.pause(self.limits())?;
        let runtime = state.call_thread(self.limits());
        drop(state);
        self.send_thread(runtime);
        Ok(())
    }

    /// It waits no more. It goes on at once, even if its place was taken meanwhile: whoever has it
    /// may wait for something that this handler holds.
    pub(crate) fn resume(&self) {
        self.state().resume();
    }

    /// Has a runtime send the thread that was called for.
    fn send_thread(&self, runtime: Option<Arc<dyn Runtime>>) {
        let Some(runtime) = runtime else { return };
        let worker = Worker::new(self.clone(), Arc::clone(&runtime));
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
