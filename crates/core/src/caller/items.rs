//! `Items`: the values of a stream, as its caller reads them.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use serde::de::DeserializeOwned;

use super::{Sent, sent::collect};
use crate::{Error, Payload, streams::Duct};

/// The values of a stream. See [`Caller::stream`](super::Caller::stream).
///
/// It is a [`Stream`] of `Result<T, Error>`. After an error of the call there is nothing more; a
/// value of another type is an error by itself, and the next one may be right again. Dropping it
/// cancels the call.
#[must_use = "dropping it cancels the call"]
pub struct Items<T> {
    /// Until it is answered.
    call: Option<Sent<()>>,
    duct: Arc<Duct>,
    /// The answer, until all values before it were read.
    end: Option<Result<Payload, Error>>,
    /// A value came.
    begun: bool,
    item: PhantomData<fn() -> T>,
}

impl<T> Items<T> {
    pub(super) fn new(call: Sent<()>, duct: Arc<Duct>) -> Self {
        Self { call: Some(call), duct, end: None, begun: false, item: PhantomData }
    }

    /// How many values were forgotten because they came faster than they were read; only of a stream
    /// that keeps the [`newest`](super::Streaming::newest).
    pub fn missed(&self) -> u64 {
        self.duct.missed()
    }

    /// The next value as it came, not decoded; `None` at the end.
    ///
    /// # Errors
    ///
    /// How the call failed; the end comes behind it.
    pub fn poll_payload(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Payload, Error>>> {
        loop {
            if let Some(value) = self.duct.next(cx.waker()) {
                self.begun = true;
                // What a transport of exchanges handed over counts as unread while it is alive.
                let is_kept = self.duct.calls().line.takes_streams;
                return Poll::Ready(Some(Ok(if is_kept { value.detach() } else { value })));
            }
            if let Some(end) = self.end.take() {
                return Poll::Ready(match end {
                    // A method that does not stream answers by its only value.
                    Ok(value) if !self.begun && !value.format.is_null(&value.bytes) => {
                        Some(Ok(value))
                    }
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                });
            }
            let Some(Sent { caller, id: Some(id), .. }) = &self.call else {
                return Poll::Ready(None);
            };
            let Poll::Ready(end) = collect(caller, *id, cx, |result| Ok(result.to_payload()))
            else {
                return Poll::Pending;
            };
            if let Some(mut call) = self.call.take() {
                call.id = None;
            }
            // Values may have come since we looked.
            self.end = Some(end);
        }
    }

    /// The next value as it came, as [`Items::poll_payload`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next_payload(&mut self) -> Option<Result<Payload, Error>> {
        poll_fn(|cx| self.poll_payload(cx)).await
    }
}

impl<T: DeserializeOwned> Items<T> {
    /// The next value; `None` at the end.
    ///
    /// # Errors
    ///
    /// How the call failed, or a value of another type.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T: DeserializeOwned> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let decode =
            |value: Payload| value.decode().map_err(|error| Error::Mismatch(error.under("item")));
        let next = self.get_mut().poll_payload(cx);
        next.map(|next| next.map(|value| value.and_then(decode)))
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("call", &self.call).finish_non_exhaustive()
    }
}
