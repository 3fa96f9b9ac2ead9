//! `AmqpListener`: serves a queue.

use std::{
    fmt,
    future::poll_fn,
    io,
    sync::Arc,
    task::{Poll, Waker},
};

use async_trait::async_trait;
use futures_util::FutureExt;
use tinyrpc_core::{Accepted, Limits, Listener};

use super::{
    hub::Hub,
    seat,
    target::Target,
    worker::{Session, Worker},
};

/// Serves the messages of a queue, which many may do at once: each message goes to one of them.
///
/// Whoever reads one queue of answers is a connection, which ends when it is idle for
/// `Limits::idle`. What came and was not begun when the listener is dropped goes back to the queue.
pub struct AmqpListener {
    hub: Arc<Hub>,
}

impl AmqpListener {
    /// Declares the queue of a target and consumes it, in a task of the runtime that this is
    /// called in. The connection to the broker is made again whenever it is lost.
    ///
    /// # Errors
    ///
    /// The broker cannot be reached, does not let us in, or has the queue with other properties.
    pub async fn bind(target: Target, limits: Arc<Limits>) -> io::Result<Self> {
        let hub = Hub::new(target, &limits);
        // Nobody who awaits this has to look into the types of the library.
        let opening = Session::open(&hub.target, &limits, 1).boxed();
        let session = opening.await?;
        hub.enter();
        tokio::spawn(Worker::new(Arc::clone(&hub), limits).run(session));
        Ok(Self { hub })
    }
}

#[async_trait]
impl Listener for AmqpListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        poll_fn(|cx| {
            let mut state = self.hub.lock();
            let Some((number, name)) = state.accept() else {
                let old = state.acceptor.replace(cx.waker().clone());
                drop(state);
                drop(old);
                return Poll::Pending;
            };
            drop(state);
            Poll::Ready(Ok(seat::connection(Arc::clone(&self.hub), number, name).into()))
        })
        .await
    }

    fn address(&self) -> String {
        self.hub.target.address()
    }
}

impl Drop for AmqpListener {
    fn drop(&mut self) {
        let pump = self.hub.lock().stop_accepting();
        pump.into_iter().for_each(Waker::wake);
        self.hub.exit();
    }
}

impl fmt::Debug for AmqpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpListener").field("target", &self.hub.target).finish_non_exhaustive()
    }
}
