//! `Sent`: a call that was made, and how its answer is read.

use std::{
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use serde::de::DeserializeOwned;

use super::Caller;
use crate::{Error, Payload, PayloadRef, calls::Body, scratch};

/// A call that was made and whose answer has not been collected. See [`Call::send`](super::Call::send).
#[must_use = "dropping it gives the call up"]
pub struct Sent<R> {
    pub(super) caller: Caller,
    pub(super) id: Option<u64>,
    result: PhantomData<fn() -> R>,
}

impl<R> Sent<R> {
    pub(super) fn new(caller: Caller, id: u64) -> Self {
        Self { caller, id: Some(id), result: PhantomData }
    }
}

impl Sent<()> {
    /// The same call, whose result has a type.
    pub(super) fn typed<R>(mut self) -> Sent<R> {
        Sent { caller: self.caller.clone(), id: self.id.take(), result: PhantomData }
    }
}

impl<R> Sent<R> {
    /// Waits for the answer, and gives the result as it came, not decoded.
    ///
    /// # Errors
    ///
    /// As any call; a result never mismatches.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the call up.
    pub async fn payload(mut self) -> Result<Payload, Error> {
        let Some(id) = self.id else {
            return Err(Error::invalid("the answer was collected before"));
        };
        let read = |result: PayloadRef<'_>| Ok(result.to_payload());
        let answer = poll_fn(|cx| collect(&self.caller, id, cx, read)).await;
        self.id = None;
        answer
    }
}

impl<R: DeserializeOwned> Future for Sent<R> {
    type Output = Result<R, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(id) = this.id else {
            return Poll::Ready(Err(Error::invalid("the answer was collected before")));
        };
        let answer = poll_answer(&this.caller, id, cx);
        if answer.is_ready() {
            this.id = None;
        }
        answer
    }
}

impl<R> Drop for Sent<R> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.caller.calls.abandon(id);
        }
    }
}

/// Looks for an answer and decodes it.
fn poll_answer<R: DeserializeOwned>(
    caller: &Caller,
    id: u64,
    cx: &mut Context<'_>,
) -> Poll<Result<R, Error>> {
    collect(caller, id, cx, decode)
}

/// Decodes a result.
pub(super) fn decode<R: DeserializeOwned>(result: PayloadRef<'_>) -> Result<R, Error> {
    let decoded = result.decode();
    decoded.map_err(|error| Error::Mismatch(error.under("result")))
}

/// Looks for an answer and reads its result.
pub(super) fn collect<R>(
    caller: &Caller,
    id: u64,
    cx: &mut Context<'_>,
    read: impl FnOnce(PayloadRef<'_>) -> Result<R, Error>,
) -> Poll<Result<R, Error>> {
    let mut small = scratch::take();
    let answer = caller.calls.poll_answer(id, cx.waker(), &mut small);
    let collected = match answer {
        None => Poll::Pending,
        Some(Err(error)) => Poll::Ready(Err(error)),
        // There is an answer, so the protocol is known.
        Some(Ok(body)) => Poll::Ready(match (caller.format(), &body) {
            (None, _) => Err(Error::invalid("no protocol")),
            (Some(format), Body::Scratch) => {
                read(PayloadRef { bytes: &small, block: None, format })
            }
            (Some(format), Body::Block(block)) => {
                read(PayloadRef { bytes: block, block: Some(block), format })
            }
        }),
    };
    scratch::put(small);
    collected.map_err(|error| caller.errors.map(error))
}

impl<R> fmt::Debug for Sent<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").field("id", &self.id).finish_non_exhaustive()
    }
}
