//! `Runtime`: what the core needs from an async runtime, and gets from outside.

use std::{future::Future, pin::Pin};

/// A boxed future without a result.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawning and time.
///
/// The `tinyrpc` crate gives one on tokio. Without any, what needs one answers a clear error.
pub trait Runtime: Send + Sync {
    /// Runs a future to its end, in the background.
    fn spawn(&self, task: Task);

    /// Runs a function that blocks, on a thread that may.
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>);

    /// True when a task that is woken runs only after all those that were woken before it. A
    /// driver need not give way then: the callers that it woke have written before its turn.
    fn runs_in_order(&self) -> bool {
        false
    }

    /// Completes at `time`, in microseconds on the scale of [`Runtime::now`].
    fn sleep_until(&self, time: u64) -> Task;

    /// The time, in microseconds since any fixed moment.
    fn now(&self) -> u64;
}
