//! `Asking`: a call over the limit of one message asks whether its peer takes it in chunks.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use super::Caller;
use crate::{Error, LimitReached, Reason};

/// The question, which is asked once.
pub(super) struct Asking {
    /// Until it is answered.
    question: Option<Question>,
    /// What is wrong with the call unless it may go in chunks.
    error: Option<Error>,
}

type Question = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

impl Asking {
    /// Asks for no longer than `time`, in microseconds; 0 where the call waits for ever.
    pub(super) fn new(caller: &Caller, error: Error, time: u64) -> Self {
        let caller = caller.clone();
        let most = caller.limits().hello;
        let time = if time == 0 { most } else { most.min(Duration::from_micros(time)) };
        let question = Box::pin(async move { caller.extend_within(time).await });
        Self { question: Some(question), error: Some(error) }
    }

    /// True where an error would not be one if the peer took chunks, and that is not known yet.
    pub(super) fn helps(caller: &Caller, error: &Error) -> bool {
        let Error::NotExecuted(Reason::Limit(LimitReached { name, .. })) = error else {
            return false;
        };
        *name == "max_message" && caller.calls.terms().is_none() && caller.calls.can_extend()
    }

    /// Ready when the peer has answered that it does; whatever else it says, the error is that of
    /// the call.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(question) = &mut self.question else { return Poll::Ready(Ok(())) };
        let answer = ready!(question.as_mut().poll(cx));
        self.question = None;
        Poll::Ready(answer.map_err(|why| self.error.take().unwrap_or(why)))
    }
}
