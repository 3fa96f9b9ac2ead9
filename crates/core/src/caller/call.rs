//! `Call`, `Sent` and `Notify`: one call or notification as a future.

use std::{
    future::{Future, poll_fn},
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{Caller, micros};
use crate::{
    Error, Payload, PayloadRef, Reason,
    calls::{Begun, Body, Patience},
    scratch,
};

/// A call that is made when it is first polled. See [`Caller::call`].
#[must_use = "a call is made when it is awaited"]
pub struct Call<'a, P, R> {
    caller: &'a Caller,
    method: &'a str,
    params: P,
    timeout: u64,
    impatient: bool,
    state: State,
    result: PhantomData<fn() -> R>,
}

/// How far a call is.
#[derive(Clone, Copy, Debug)]
enum State {
    Fresh,
    Waiting(u64),
    Sent(u64),
    Done,
}

impl<'a, P, R> Call<'a, P, R> {
    pub(super) fn new(caller: &'a Caller, method: &'a str, params: P) -> Self {
        Self {
            caller,
            method,
            params,
            timeout: caller.timeout,
            impatient: false,
            state: State::Fresh,
            result: PhantomData,
        }
    }

    pub(super) fn impatient(mut self) -> Self {
        self.impatient = true;
        self
    }

    /// How long to wait, the turn in the queue included; zero waits for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = micros(timeout);
        self
    }

    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<u64, Error>>
    where
        P: Serialize,
    {
        let caller = self.caller;
        let key = match self.state {
            State::Waiting(key) => Some(key),
            _ => None,
        };
        let patience = match self.impatient {
            true => Patience::Fail,
            false => Patience::Wait(key, cx.waker()),
        };
        let begun = caller.make(self.method, &self.params, self.timeout, |draft| {
            caller.calls.begin(draft, patience, Some(cx.waker().clone()))
        });
        match begun {
            Ok(Begun::Sent(id)) => {
                self.state = State::Sent(id);
                Poll::Ready(Ok(id))
            }
            Ok(Begun::Waiting(key)) => {
                self.state = State::Waiting(key);
                Poll::Pending
            }
            Err(error) => {
                self.give_up();
                Poll::Ready(Err(error))
            }
        }
    }

    fn give_up(&mut self) {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting(key) => self.caller.calls.leave(key),
            State::Sent(id) => self.caller.calls.abandon(id),
            State::Fresh | State::Done => {}
        }
    }
}

impl<'a, P: Serialize, R: DeserializeOwned> Call<'a, P, R> {
    /// Makes the call and comes back as soon as it is queued; the answer is awaited later.
    ///
    /// # Errors
    ///
    /// The call cannot be made.
    pub async fn send(mut self) -> Result<Sent<R>, Error> {
        let id = poll_fn(|cx| self.poll_begin(cx)).await?;
        self.state = State::Done;
        Ok(Sent { caller: self.caller.clone(), id: Some(id), result: PhantomData })
    }
}

impl<P: Serialize, R: DeserializeOwned> Future for Call<'_, P, R> {
    type Output = Result<R, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let State::Fresh | State::Waiting(_) = this.state {
            return match this.poll_begin(cx) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                // The answer wakes this task: there is none yet.
                Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
            };
        }
        match this.state {
            State::Sent(id) => this.poll_answer(id, cx),
            _ => Poll::Ready(Err(Error::invalid("the call was awaited before"))),
        }
    }
}

impl<P, R: DeserializeOwned> Call<'_, P, R> {
    fn poll_answer(&mut self, id: u64, cx: &mut Context<'_>) -> Poll<Result<R, Error>> {
        let answer = poll_answer(self.caller, id, cx);
        if answer.is_ready() {
            self.state = State::Done;
        }
        answer
    }
}

impl<P: Serialize> Call<'_, P, Payload> {
    /// Makes the call and gives the result as it came.
    pub(super) async fn undecoded(mut self) -> Result<Payload, Error> {
        let id = poll_fn(|cx| self.poll_begin(cx)).await?;
        let answer =
            poll_fn(|cx| collect(self.caller, id, cx, |result| Ok(result.to_payload()))).await;
        self.state = State::Done;
        answer
    }
}

// The params are never pinned: they are only borrowed, to be encoded.
impl<P, R> Unpin for Call<'_, P, R> {}

impl<P, R> Drop for Call<'_, P, R> {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// A call that was made and whose answer has not been collected. See [`Call::send`].
#[must_use = "dropping it gives the call up"]
pub struct Sent<R> {
    caller: Caller,
    id: Option<u64>,
    result: PhantomData<fn() -> R>,
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
    collect(caller, id, cx, |result| {
        let decoded = result.format.decode(result.bytes);
        decoded.map_err(|error| Error::Mismatch(error.under("result")))
    })
}

/// Looks for an answer and reads its result.
fn collect<R>(
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

/// A notification that is sent when it is first polled. See [`Caller::notify`].
#[must_use = "a notification is sent when it is awaited"]
pub struct Notify<'a, P> {
    caller: &'a Caller,
    method: &'a str,
    params: P,
    key: Option<u64>,
}

impl<'a, P: Serialize> Notify<'a, P> {
    pub(super) fn new(caller: &'a Caller, method: &'a str, params: P) -> Self {
        Self { caller, method, params, key: None }
    }
}

impl<P: Serialize> Future for Notify<'_, P> {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let caller = this.caller;
        let sent = caller.make(this.method, &this.params, caller.timeout, |draft| {
            caller.calls.notify(draft, Patience::Wait(this.key, cx.waker()))
        });
        match sent {
            Ok(None) => {
                this.key = None;
                Poll::Ready(Ok(()))
            }
            Ok(Some(key)) => {
                this.key = Some(key);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<P> Unpin for Notify<'_, P> {}

impl<P> Drop for Notify<'_, P> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.caller.calls.leave(key);
        }
    }
}

/// The queue does not know how long each caller was willing to wait.
pub(super) fn with_timeout(error: Error, timeout: u64) -> Error {
    match error {
        Error::NotExecuted(Reason::Timeout(0)) => {
            Error::NotExecuted(Reason::Timeout(timeout / 1000))
        }
        other => other,
    }
}

impl<P, R> std::fmt::Debug for Call<'_, P, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl<R> std::fmt::Debug for Sent<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<P> std::fmt::Debug for Notify<'_, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notify").field("method", &self.method).finish_non_exhaustive()
    }
}
