//! `produce`: a stream of what an async block writes.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_core::Stream;
use tinyrpc_core::RpcError;

/// Makes a stream of an async block that writes its values.
///
/// The block is polled with the stream, and waits in [`Output::send`] until its value was taken. An
/// error that it gives ends the stream by that.
///
/// ```
/// use tinyrpc_core::RpcError;
/// use tinyrpc_dispatch::{Dispatcher, produce};
///
/// let dispatcher = Dispatcher::new().stream("squares", |count: u64| {
///     produce(move |out| async move {
///         for number in 0..count {
///             out.send(number * number).await;
///         }
///         Ok::<_, RpcError>(())
///     })
/// });
/// ```
pub fn produce<T, E, F>(write: impl FnOnce(Output<T>) -> F) -> Produced<T, E>
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<RpcError>,
{
    let slot = Arc::default();
    let block = Box::pin(write(Output { slot: Arc::clone(&slot) }));
    Produced { block: Some(block), slot }
}

/// Where the block of [`produce`] writes.
pub struct Output<T> {
    slot: Arc<Mutex<Option<T>>>,
}

/// The stream of what a block writes. See [`produce`].
#[must_use = "a stream does nothing until it is polled"]
pub struct Produced<T, E> {
    block: Option<Block<E>>,
    slot: Arc<Mutex<Option<T>>>,
}

type Block<E> = Pin<Box<dyn Future<Output = Result<(), E>> + Send>>;

impl<T> Output<T> {
    /// Writes a value; ready when it was taken.
    ///
    /// # Cancel safety
    ///
    /// Once it was polled the value is written, whether the future is dropped or not.
    pub async fn send(&self, value: T) {
        let mut value = Some(value);
        poll_fn(|_| {
            let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            if slot.is_some() {
                // Whoever takes what is in it polls the block again.
                return Poll::Pending;
            }
            match value.take() {
                Some(value) => {
                    *slot = Some(value);
                    Poll::Pending
                }
                None => Poll::Ready(()),
            }
        })
        .await;
    }
}

impl<T, E: Send + 'static> Stream for Produced<T, E> {
    type Item = Result<T, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let take =
            |slot: &Mutex<Option<T>>| slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(block) = &mut this.block else {
            return Poll::Ready(take(&this.slot).map(Ok));
        };
        let polled = block.as_mut().poll(cx);
        if polled.is_ready() {
            this.block = None;
        }
        match (take(&this.slot), polled) {
            (Some(value), Poll::Ready(Err(error))) => {
                // The value was written before.
                this.block = Some(Box::pin(async move { Err(error) }));
                Poll::Ready(Some(Ok(value)))
            }
            (Some(value), _) => Poll::Ready(Some(Ok(value))),
            (None, Poll::Ready(Ok(()))) => Poll::Ready(None),
            (None, Poll::Ready(Err(error))) => Poll::Ready(Some(Err(error))),
            (None, Poll::Pending) => Poll::Pending,
        }
    }
}

impl<T, E> Unpin for Produced<T, E> {}

impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

impl<T, E> fmt::Debug for Produced<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Produced").field("is_over", &self.block.is_none()).finish_non_exhaustive()
    }
}
