//! `Subscription`: the items of a subscription, as they come.

mod inbox;
mod notice;
mod progress;
mod router;
mod subscribe;

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use serde::de::DeserializeOwned;

use self::{inbox::Inbox, notice::Notice};
pub(crate) use self::{
    notice::Key,
    router::{Parked, Parking, Router},
};
pub use self::{progress::Progress, subscribe::Subscribe};
use crate::{Caller, Code, Error, SubscriptionId};

/// The items of a subscription. See [`Caller::subscribe`].
///
/// It is a `Stream`. An item of another type than `T` is an [`Error::Mismatch`], behind which there
/// are more. Every other error is the last thing that comes: that of the peer in the words of the
/// peer, [`Error::Interrupted`] where this side or the connection ended it.
///
/// Dropping it unsubscribes: from then on nothing is kept for it, and the peer is told, if the
/// connection still carries that. [`Subscription::unsubscribe`] waits for the answer.
///
/// It belongs to one connection and ends with that, also where its client has several, or makes
/// new ones: subscribe again there, for example in
/// [`on_connect`](https://docs.rs/tinyrpc/latest/tinyrpc/struct.ClientBuilder.html#method.on_connect).
#[must_use = "dropping it unsubscribes"]
pub struct Subscription<T> {
    inbox: Arc<Inbox>,
    /// Of the connection that it was made on.
    caller: Caller,
    id: SubscriptionId,
    unsubscribe: Box<str>,
    item: PhantomData<fn() -> T>,
}

impl<T> Subscription<T> {
    /// Its id, as the peer gave it.
    pub fn id(&self) -> &SubscriptionId {
        &self.id
    }

    /// How many items were dropped on this side so far, because too many waited.
    pub fn missed(&self) -> u64 {
        self.inbox.missed()
    }

    /// True when nothing more can come but what waits already.
    pub fn is_closed(&self) -> bool {
        self.inbox.is_closed()
    }

    /// Unsubscribes, and says whether the peer knew the subscription.
    ///
    /// # Errors
    ///
    /// Those of a call. The subscription is forgotten on this side in any case.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future, or the subscription without it, forgets it as well.
    pub async fn unsubscribe(self) -> Result<bool, Error> {
        self.caller.calls().router.forget(&Key::Subscription(self.id.clone()), &self.inbox);
        self.caller.call(&self.unsubscribe, (&self.id,)).await
    }
}

impl<T: DeserializeOwned> Subscription<T> {
    /// The next item; `None` once the subscription has ended.
    ///
    /// # Errors
    ///
    /// See [`Subscription`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no item.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        let taken = ready!(self.inbox.poll_take(cx.waker(), &self.caller.calls().router));
        if taken.makes_room {
            self.caller.wake_driver();
        }
        let decoded = match taken.params {
            None => return Poll::Ready(None),
            Some(Ok(params)) => Notice::decode(&params),
            Some(Err(error)) => return Poll::Ready(Some(Err(error))),
        };
        Poll::Ready(match decoded {
            Ok(Notice::Result(item)) => Some(Ok(item)),
            Err(error) => Some(Err(Error::Mismatch(error))),
            Ok(Notice::Error(error)) => {
                self.caller.calls().router.forget(&Key::Subscription(self.id.clone()), &self.inbox);
                self.inbox.clear();
                (error.code != Code::ENDED).then_some(Err(Error::Answered(error)))
            }
        })
    }
}

impl<T: DeserializeOwned> Stream for Subscription<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        self.get_mut().poll_item(cx)
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        let key = Key::Subscription(self.id.clone());
        if self.caller.calls().router.forget(&key, &self.inbox) {
            self.caller.send_off(&self.unsubscribe, &self.id);
            // What was not read because of it is read now.
            self.caller.wake_driver();
        }
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("missed", &self.missed())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
