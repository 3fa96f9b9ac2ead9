//! `Queue`: items that wait for the connection, and what is done when they are too many.

use std::{
    collections::VecDeque,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use tinyrpc_core::{Code, RpcError, Slow};

use super::Item;

/// Takes items from a stream as they come.
pub(super) struct Queue<S, V, K> {
    /// `None` once there is nothing more to come of it.
    stream: Option<Pin<Box<S>>>,
    items: VecDeque<V>,
    slow: Slow,
    most: usize,
    /// Why there will be no more items.
    end: Option<RpcError>,
    kind: PhantomData<fn() -> K>,
}

impl<S, V, K> Queue<S, V, K>
where
    S: Stream<Item: Item<K, Value = V>>,
{
    pub(super) fn new(stream: S, slow: Slow, most: usize) -> Self {
        let stream = Some(Box::pin(stream));
        Self { stream, items: VecDeque::new(), slow, most, end: None, kind: PhantomData }
    }

    /// The next item, or the reason why there are no more.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<V, RpcError>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Poll::Ready(Ok(item));
            }
            if let Some(end) = self.end.take() {
                return Poll::Ready(Err(end));
            }
            if self.poll_one(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Takes what the stream has while an item waits for the connection; pending for ever.
    pub(super) fn fill(&mut self, cx: &mut Context<'_>) {
        if self.slow == Slow::Wait {
            return;
        }
        for _ in 0..AT_ONCE {
            if self.stream.is_none() || self.poll_one(cx).is_pending() {
                return;
            }
        }
        cx.waker().wake_by_ref();
    }

    fn poll_one(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(()) };
        let end = match stream.as_mut().poll_next(cx).map(|item| item.map(Item::into_value)) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Some(Ok(value))) => match self.push(value) {
                Ok(()) => return Poll::Ready(()),
                Err(error) => error,
            },
            Poll::Ready(Some(Err(error))) => error,
            Poll::Ready(None) => RpcError::new(Code::ENDED, "the subscription has ended"),
        };
        self.end = Some(end);
        self.stream = None;
        Poll::Ready(())
    }

    fn push(&mut self, value: V) -> Result<(), RpcError> {
        if self.items.len() >= self.most {
            match self.slow {
                Slow::DropNewest => return Ok(()),
                Slow::DropOldest => _ = self.items.pop_front(),
                _ => {
                    let most = self.most;
                    let why = format!("the subscriber is too slow: more than {most} items wait");
                    return Err(RpcError::new(Code::TOO_SLOW, why));
                }
            }
        }
        self.items.push_back(value);
        Ok(())
    }
}

/// Items taken from a stream before others have their turn.
pub(super) const AT_ONCE: u32 = 64;
