//! `Subscribe`: the call that subscribes, as a future.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use serde::Serialize;

use super::{Key, Subscription, inbox::Inbox};
use crate::{Call, Caller, Slow, SubscriptionId};

/// A call that subscribes. It is made when it is first polled. See [`Caller::subscribe`].
#[must_use = "a call is made when it is awaited"]
pub struct Subscribe<'a, P, T> {
    call: Call<'a, P, SubscriptionId>,
    caller: &'a Caller,
    unsubscribe: &'a str,
    slow: Slow,
    buffer: usize,
    item: PhantomData<fn() -> T>,
}

impl<'a, P: Serialize, T> Subscribe<'a, P, T> {
    pub(crate) fn new(
        caller: &'a Caller,
        subscribe: &'a str,
        params: P,
        unsubscribe: &'a str,
    ) -> Self {
        Self {
            call: caller.call(subscribe, params).subscribing(),
            caller,
            unsubscribe,
            slow: Slow::Close,
            buffer: DEFAULT_BUFFER,
            item: PhantomData,
        }
    }

    /// Says what is done when `buffer` items wait to be taken, or
    /// [`Limits::max_backlog`](crate::Limits::max_backlog) bytes of them. Without, it is
    /// [`Slow::Close`] at 1,024 items: nothing is missed without being noticed, and nobody else
    /// waits.
    ///
    /// With [`Slow::Wait`] the connection is not read while they are too many, unless calls of this
    /// side are in flight; as many bytes are kept then, however many items that is, and beyond that
    /// it ends as by [`Slow::Close`]. A connection that is not read for
    /// [`Limits::read_stall`](crate::Limits::read_stall) is closed.
    pub fn slow(mut self, slow: Slow, buffer: usize) -> Self {
        (self.slow, self.buffer) = (slow, buffer);
        self
    }
}

impl<P: Serialize, T> Future for Subscribe<'_, P, T> {
    type Output = Result<Subscription<T>, crate::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let sent = this.call.sent();
        let answered = ready!(Pin::new(&mut this.call).poll(cx));
        let caller = this.call.settled();
        let id = match answered {
            Ok(id) => id,
            Err(error) => {
                if let (true, Some(call)) = (error.is_timeout(), sent) {
                    // It may be answered yet.
                    caller.calls().router.orphan(call, &caller.full_name(this.unsubscribe));
                }
                return Poll::Ready(Err(error));
            }
        };
        let bytes = caller.limits().max_backlog;
        let unsubscribe = caller.full_name(this.unsubscribe).as_ref().into();
        let inbox = Arc::new(Inbox::new(this.slow, this.buffer, bytes, unsubscribe));
        if caller.calls().router.register(Key::Subscription(id.clone()), &inbox) {
            caller.wake_driver();
        }
        this.call.end_parking();
        Poll::Ready(Ok(Subscription {
            inbox,
            caller,
            id,
            unsubscribe: this.unsubscribe.into(),
            item: PhantomData,
        }))
    }
}

// The params are never pinned: they are only borrowed, to be encoded.
impl<P, T> Unpin for Subscribe<'_, P, T> {}

impl<P, T> Drop for Subscribe<'_, P, T> {
    fn drop(&mut self) {
        let Some(call) = self.call.sent() else { return };
        let caller = self.call.settled();
        caller.calls().router.orphan(call, &caller.full_name(self.unsubscribe));
        if let Some(id) = self.call.answered() {
            // The answer came, and was not read.
            caller.calls().router.adopt(call);
            caller.send_off(self.unsubscribe, &id);
        }
    }
}

impl<P, T> fmt::Debug for Subscribe<'_, P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribe")
            .field("call", &self.call)
            .field("caller", self.caller)
            .field("slow", &self.slow)
            .finish_non_exhaustive()
    }
}

/// As many as jsonrpsee keeps.
const DEFAULT_BUFFER: usize = 1024;
