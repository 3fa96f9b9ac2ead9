//! `Progress`: what a peer reports of a call while that goes on.

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

use super::{Key, inbox::Inbox, notice::Report};
use crate::{Caller, Error, Slow, SubscriptionId, Unsupported};

/// The reports of a call, by the token that its params name. See [`Caller::progress`].
///
/// It is a `Stream`. It has no end of its own: the call has, and with its connection it ends by
/// [`Error::Interrupted`]. The last [`Progress::BUFFER`] reports are kept.
#[must_use = "dropping it forgets the reports"]
pub struct Progress<T> {
    inbox: Arc<Inbox>,
    caller: Caller,
    key: Key,
    item: PhantomData<fn() -> T>,
}

impl<T> Progress<T> {
    /// Reports that wait to be taken; the oldest makes room for one more.
    pub const BUFFER: usize = 64;

    pub(crate) fn new(caller: &Caller, token: SubscriptionId) -> Result<Self, Error> {
        if caller.is_over_several() {
            return Err(Unsupported {
                who: "a client of several connections",
                what: "say over which of them a call will go: take the `caller` of one of its peers",
            }
            .into());
        }
        let (key, bytes) = (Key::Progress(token), caller.limits().max_backlog);
        let inbox = Arc::new(Inbox::new(Slow::DropOldest, Self::BUFFER, bytes, "".into()));
        caller.calls().router.register(key.clone(), &inbox);
        Ok(Self { inbox, caller: caller.clone(), key, item: PhantomData })
    }

    /// How many reports were dropped, because too many waited.
    pub fn missed(&self) -> u64 {
        self.inbox.missed()
    }
}

impl<T: DeserializeOwned> Progress<T> {
    /// The next report; `None` behind the end of the connection.
    ///
    /// # Errors
    ///
    /// A report of another type ([`Error::Mismatch`], behind which there are more), and the end of
    /// the connection.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no report.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|cx| self.poll_report(cx)).await
    }

    fn poll_report(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        let taken = ready!(self.inbox.poll_take(cx.waker(), &self.caller.calls().router));
        Poll::Ready(taken.params.map(|params| Report::decode(&params?).map_err(Error::Mismatch)))
    }
}

impl<T: DeserializeOwned> Stream for Progress<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
        self.get_mut().poll_report(cx)
    }
}

impl<T> Drop for Progress<T> {
    fn drop(&mut self) {
        self.caller.calls().router.forget(&self.key, &self.inbox);
    }
}

impl<T> fmt::Debug for Progress<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("key", &self.key).finish_non_exhaustive()
    }
}
