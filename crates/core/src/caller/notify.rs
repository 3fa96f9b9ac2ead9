//! `Notify`: one notification as a future.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use serde::Serialize;

use super::{Caller, journey::Journey};
use crate::{Error, calls::Patience};

/// A notification that is sent when it is first polled. See [`Caller::notify`].
#[must_use = "a notification is sent when it is awaited"]
pub struct Notify<'a, P> {
    caller: &'a Caller,
    method: &'a str,
    params: P,
    key: Option<u64>,
    /// Where it has several connections to choose from.
    journey: Option<Box<Journey>>,
}

impl<'a, P: Serialize> Notify<'a, P> {
    pub(super) fn new(caller: &'a Caller, method: &'a str, params: P) -> Self {
        Self { caller, method, params, key: None, journey: None }
    }

    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let chosen = self.journey.as_ref().and_then(|journey| journey.caller());
        let caller = chosen.unwrap_or(self.caller);
        let timeout = self.journey.as_ref().map_or(caller.timeout, |journey| journey.left());
        let sent = caller.make(self.method, &self.params, timeout, |draft| {
            caller.calls.notify(draft, Patience::Wait(self.key, cx.waker()))
        });
        self.key = match sent {
            Ok(key) => key,
            Err(error) => {
                self.key = None;
                return Poll::Ready(Err(error));
            }
        };
        if self.key.is_some() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// Chooses a connection and sends there, and again where it is gone by then.
    fn poll_journey(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            let base = self.caller;
            if self.journey.is_none() {
                self.journey = Journey::of(base, base.timeout);
            }
            let map = |error| base.errors.map(error);
            if let Some(journey) = &mut self.journey {
                ready!(journey.poll_choose(cx, base, None, false)).map_err(map)?;
            }
            match (ready!(self.poll_over(cx)), &mut self.journey) {
                (Err(error), Some(journey)) => journey.failed(error, false).map_err(map)?,
                (sent, _) => return Poll::Ready(sent),
            }
        }
    }
}

impl<P: Serialize> Future for Notify<'_, P> {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match this.caller.roster {
            None => this.poll_over(cx),
            Some(_) => this.poll_journey(cx),
        }
    }
}

impl<P> Unpin for Notify<'_, P> {}

impl<P> Drop for Notify<'_, P> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let chosen = self.journey.as_ref().and_then(|journey| journey.caller());
            chosen.unwrap_or(self.caller).calls.leave(key);
        }
    }
}

impl<P> fmt::Debug for Notify<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notify").field("method", &self.method).finish_non_exhaustive()
    }
}
