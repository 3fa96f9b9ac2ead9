//! `TokioRuntime`: spawning and time on tokio, the one place that names it beside `serve` and
//! `connect`.

use std::{sync::Arc, time::Duration};

use tinyrpc_core::{Runtime, Task};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    time::Instant,
};

/// A [`Runtime`] on a tokio runtime.
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
    start: Instant,
}

impl TokioRuntime {
    /// The runtime that this code runs in.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn current() -> Arc<dyn Runtime> {
        Arc::new(Self { handle: Handle::current(), start: Instant::now() })
    }
}

impl Runtime for TokioRuntime {
    fn spawn(&self, task: Task) {
        self.handle.spawn(task);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.handle.spawn_blocking(work);
    }

    fn runs_in_order(&self) -> bool {
        self.handle.runtime_flavor() == RuntimeFlavor::CurrentThread
    }

    fn sleep_until(&self, time: u64) -> Task {
        // The timer must be made inside of the runtime, whoever asks for it.
        let _entered = self.handle.enter();
        Box::pin(tokio::time::sleep_until(self.start + Duration::from_micros(time)))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}
