//! The thread that drives connections, and the pool for handlers: one of each for the process.

use std::{
    cell::Cell,
    future::{Future, pending, poll_fn},
    io,
    sync::{Arc, LazyLock, Mutex, PoisonError, mpsc},
    thread,
};

use futures_channel::oneshot;
use tinyrpc_core::{Runtime, Task};
use tinyrpc_dispatch::BlockingPool;
use tokio::runtime::Builder;

use super::{park::park_on, round};
use crate::TokioRuntime;

static RUNTIME: Mutex<Option<Arc<dyn Runtime>>> = Mutex::new(None);
static POOL: LazyLock<BlockingPool> = LazyLock::new(BlockingPool::default);

thread_local! {
    /// This is the thread that drives connections.
    static DRIVES: Cell<bool> = const { Cell::new(false) };
}

/// The runtime of the thread that drives connections, which begins with the first call.
pub(super) fn runtime() -> io::Result<Arc<dyn Runtime>> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*runtime {
        return Ok(Arc::clone(runtime));
    }
    let (sender, begun) = mpsc::channel();
    thread::Builder::new().name("tinyrpc".into()).spawn(move || drive(&sender))?;
    let begun = begun.recv().unwrap_or_else(|_| Err(io::Error::other("the thread has ended")))?;
    Ok(Arc::clone(runtime.insert(begun)))
}

/// The threads on which plain functions run.
pub(super) fn pool() -> &'static BlockingPool {
    &POOL
}

/// True on the thread that drives connections.
pub(super) fn drives() -> bool {
    DRIVES.get()
}

/// Runs a future on a runtime, and waits for its output. It must not be called where
/// [`drives`] is true.
pub(super) fn run<T: Send + 'static>(
    runtime: &dyn Runtime,
    future: impl Future<Output = T> + Send + 'static,
) -> io::Result<T> {
    let (sender, done) = oneshot::channel();
    runtime.spawn(Box::pin(async move {
        _ = sender.send(future.await);
    }));
    park_on(None, done).map_err(|_| io::Error::other("the runtime has shut down"))
}

/// What the thread does, for as long as the process lives.
fn drive(begun: &mpsc::Sender<io::Result<Arc<dyn Runtime>>>) {
    DRIVES.set(true);
    let built = Builder::new_current_thread()
        .enable_all()
        .thread_name("tinyrpc-pool")
        .max_blocking_threads(MOST_THREADS)
        .build();
    match built {
        Ok(runtime) => runtime.block_on(async {
            // Whoever asked for the runtime waits for it.
            _ = begun.send(Ok(Arc::new(Background(TokioRuntime::current()))));
            pending().await
        }),
        Err(error) => _ = begun.send(Err(error)),
    }
}

/// Pools bound their threads themselves. Where the runtime had a bound below theirs, a handler
/// could wait for a thread that never comes.
const MOST_THREADS: usize = 1 << 16;

/// A runtime whose tasks have turns.
struct Background(Arc<dyn Runtime>);

impl Runtime for Background {
    fn spawn(&self, mut task: Task) {
        self.0.spawn(Box::pin(poll_fn(move |cx| round::turn(|| task.as_mut().poll(cx)))));
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.spawn_blocking(work);
    }

    fn runs_in_order(&self) -> bool {
        self.0.runs_in_order()
    }

    fn sleep_until(&self, time: u64) -> Task {
        self.0.sleep_until(time)
    }

    fn now(&self) -> u64 {
        self.0.now()
    }
}
