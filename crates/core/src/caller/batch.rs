//! `Batch`: several calls in one message, and `Answers`: what came back.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    task::{Context, Poll},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{Caller, ErrorMap, call::with_timeout, micros};
use crate::{
    Error, Payload,
    calls::{Body, Patience},
    draft::Draft,
};

/// A batch under construction. See [`Caller::batch`].
///
/// ```
/// # use tinyrpc_core::{Caller, Error};
/// # async fn example(caller: Caller) -> Result<(), Error> {
/// let mut batch = caller.batch();
/// let sum = batch.call::<i64>("sum", (1, 2, 4))?;
/// batch.notify("log", ("hello",))?;
/// let mut answers = batch.send().await?;
/// let sum = answers.take(sum)?;
/// # Ok(()) }
/// ```
pub struct Batch<'a> {
    caller: &'a Caller,
    timeout: u64,
    params: Vec<u8>,
    items: Vec<Item>,
}

struct Item {
    method: String,
    params: std::ops::Range<usize>,
    notify: bool,
}

/// Names one call of a batch; give it to [`Answers::take`].
pub struct BatchItem<R> {
    index: usize,
    result: PhantomData<fn() -> R>,
}

/// The answers to a batch.
pub struct Answers {
    answers: Vec<Option<Result<Payload, Error>>>,
    errors: ErrorMap,
}

impl<'a> Batch<'a> {
    pub(super) fn new(caller: &'a Caller) -> Self {
        Self { caller, timeout: caller.timeout, params: Vec::new(), items: Vec::new() }
    }

    /// How long to wait for all answers; zero waits for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = micros(timeout);
        self
    }

    /// Adds a call.
    ///
    /// # Errors
    ///
    /// The params cannot be encoded, the batch is full, or the protocol is not yet known.
    pub fn call<R: DeserializeOwned>(
        &mut self,
        method: impl Into<String>,
        params: impl Serialize,
    ) -> Result<BatchItem<R>, Error> {
        self.add(method.into(), &params, false).map_err(|error| self.caller.errors.map(error))?;
        Ok(BatchItem { index: self.items.len() - 1, result: PhantomData })
    }

    /// Adds a notification.
    ///
    /// # Errors
    ///
    /// As [`Batch::call`].
    pub fn notify(
        &mut self,
        method: impl Into<String>,
        params: impl Serialize,
    ) -> Result<(), Error> {
        self.add(method.into(), &params, true).map_err(|error| self.caller.errors.map(error))
    }

    fn add(&mut self, name: String, params: &impl Serialize, notify: bool) -> Result<(), Error> {
        let limits = self.caller.limits();
        if self.items.len() >= limits.max_batch {
            return Err(Error::limit("max_batch", limits.max_batch as u64));
        }
        if self.caller.format().is_none() {
            return Err(Error::invalid("the protocol of the peer is not known yet"));
        }
        let start = self.params.len();
        self.caller.encode(params, &mut self.params)?;
        let method = match self.caller.prefix {
            None => name,
            Some(_) => self.caller.full_name(&name).into_owned(),
        };
        self.items.push(Item { method, params: start..self.params.len(), notify });
        Ok(())
    }

    /// Sends the batch and waits until every call of it has ended.
    ///
    /// # Errors
    ///
    /// The batch could not be sent at all; how each call ended is in the [`Answers`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives all of its calls up.
    pub async fn send(self) -> Result<Answers, Error> {
        let errors = self.caller.errors.clone();
        let mut flight = Flight { caller: self.caller, key: None, ids: Vec::new() };
        let begun = poll_fn(|cx| flight.poll_begin(&self, cx)).await;
        begun.map_err(|error| errors.map(error))?;
        let mut answers = Vec::with_capacity(flight.ids.len());
        answers.resize_with(flight.ids.len(), || None);
        poll_fn(|cx| flight.poll_answers(&mut answers, cx)).await;
        Ok(Answers { answers, errors })
    }
}

/// A batch on its way; gives everything up when it is dropped.
struct Flight<'a> {
    caller: &'a Caller,
    key: Option<u64>,
    ids: Vec<Option<u64>>,
}

impl Flight<'_> {
    fn poll_begin(&mut self, batch: &Batch<'_>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.caller.calls.check()?;
        let draft = |item: &Item| {
            let draft = Draft {
                // INVARIANT: the ranges of items are ranges of `params`.
                params: batch.params.get(item.params.clone()).unwrap_or_default(),
                encoded: true,
                timeout: batch.timeout,
                nested: batch.caller.nested.as_ref(),
                concealed: batch.caller.concealed,
                method: "",
            };
            (draft, item.notify)
        };
        let drafts: Vec<_> = batch
            .items
            .iter()
            .map(|item| {
                let (draft, notify) = draft(item);
                (Draft { method: &item.method, ..draft }, notify)
            })
            .collect();
        let patience = Patience::Wait(self.key, cx.waker());
        match self.caller.calls.begin_batch(&drafts, patience, &mut self.ids) {
            Ok(None) => {
                self.key = None;
                Poll::Ready(Ok(()))
            }
            Ok(Some(key)) => {
                self.key = Some(key);
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(with_timeout(error, batch.timeout))),
        }
    }

    fn poll_answers(
        &mut self,
        answers: &mut [Option<Result<Payload, Error>>],
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let Some(format) = self.caller.format() else { return Poll::Ready(()) };
        let mut waiting = false;
        for (id, answer) in self.ids.iter_mut().zip(answers) {
            let Some(number) = *id else { continue };
            let mut small = Vec::new();
            match self.caller.calls.poll_answer(number, cx.waker(), &mut small) {
                None => waiting = true,
                Some(outcome) => {
                    *id = None;
                    *answer = Some(outcome.map(|body| Payload {
                        format,
                        bytes: match body {
                            Body::Scratch => small.into(),
                            Body::Block(block) => block,
                        },
                    }));
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.caller.calls.leave(key);
        }
        for id in self.ids.drain(..).flatten() {
            self.caller.calls.abandon(id);
        }
    }
}

impl Answers {
    /// The answer to one call of the batch; each can be taken once.
    ///
    /// # Errors
    ///
    /// How the call failed.
    pub fn take<R: DeserializeOwned>(&mut self, item: BatchItem<R>) -> Result<R, Error> {
        let answer = self.answers.get_mut(item.index).and_then(Option::take);
        let foreign = || Err(Error::invalid("the item belongs to another batch"));
        let result = answer.unwrap_or_else(foreign).and_then(|payload| {
            payload.decode().map_err(|error| Error::Mismatch(error.under("result")))
        });
        result.map_err(|error| self.errors.map(error))
    }

    /// How many calls and notifications the batch had.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// True when the batch was empty.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for BatchItem<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchItem").field("index", &self.index).finish()
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("len", &self.answers.len()).finish()
    }
}
