//! `Batch`: several calls in one message, and `Answers`: what came back.

use std::{
    borrow::Cow,
    fmt,
    future::poll_fn,
    marker::PhantomData,
    ops::Range,
    task::{Context, Poll, ready},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};

use super::{Caller, ErrorMap, call::with_timeout, encode_params, journey::Journey, micros};
use crate::{
    Error, Format, Payload,
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
    /// Where its connection is chosen when it is sent: in which format it is encoded.
    settled: Option<Format>,
    timeout: u64,
    methods: String,
    params: Vec<u8>,
    items: Vec<Item>,
}

/// Where a call is in the texts of its batch.
struct Item {
    method: Range<usize>,
    params: Range<usize>,
    notify: bool,
}

/// Names one call of a batch; give it to [`Answers::take`].
pub struct BatchItem<R> {
    index: usize,
    result: PhantomData<fn() -> R>,
}

/// The answers to a batch.
pub struct Answers {
    answers: Vec<Option<Result<Found, Error>>>,
    /// The small results, one behind the other.
    small: Vec<u8>,
    errors: ErrorMap,
}

/// Where a result is.
enum Found {
    Small(Format, Range<usize>),
    Block(Payload),
}

impl<'a> Batch<'a> {
    pub(super) fn new(caller: &'a Caller) -> Self {
        Self {
            caller,
            settled: caller.roster.as_ref().and_then(|roster| roster.format()),
            timeout: caller.timeout,
            methods: String::new(),
            params: Vec::new(),
            items: Vec::new(),
        }
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
        method: impl AsRef<str>,
        params: impl Serialize,
    ) -> Result<BatchItem<R>, Error> {
        self.add(method.as_ref(), &params, false).map_err(|error| self.caller.errors.map(error))?;
        Ok(BatchItem { index: self.items.len() - 1, result: PhantomData })
    }

    /// Adds a notification.
    ///
    /// # Errors
    ///
    /// As [`Batch::call`].
    pub fn notify(&mut self, method: impl AsRef<str>, params: impl Serialize) -> Result<(), Error> {
        self.add(method.as_ref(), &params, true).map_err(|error| self.caller.errors.map(error))
    }

    fn add(&mut self, name: &str, params: &impl Serialize, notify: bool) -> Result<(), Error> {
        let limits = self.caller.limits();
        if self.items.len() >= limits.max_batch {
            return Err(Error::limit("max_batch", limits.max_batch as u64));
        }
        let Some(format) = self.settled.or_else(|| self.caller.format()) else {
            return Err(Error::invalid("the protocol of the peer is not known yet"));
        };
        let start = self.params.len();
        encode_params(format, params, &mut self.params)?;
        let begin = self.methods.len();
        self.methods.push_str(&self.caller.full_name(name));
        let method = begin..self.methods.len();
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
        let mut flight = Flight {
            caller: Cow::Borrowed(self.caller),
            journey: Journey::of(self.caller, self.timeout),
            key: None,
            ids: Vec::new(),
        };
        let begun = poll_fn(|cx| flight.poll_journey(&self, cx)).await;
        begun.map_err(|error| errors.map(error))?;
        let mut answers = Answers::awaited(flight.ids.len(), errors);
        poll_fn(|cx| flight.poll_answers(&mut answers, cx)).await;
        Ok(answers)
    }
}

/// A batch on its way; gives everything up when it is dropped.
struct Flight<'a> {
    caller: Cow<'a, Caller>,
    /// Where it has several connections to choose from.
    journey: Option<Box<Journey>>,
    key: Option<u64>,
    ids: Vec<Option<u64>>,
}

impl Flight<'_> {
    /// Begins, where there is a choice over the connection that is chosen, and again where that is
    /// gone by then.
    fn poll_journey(&mut self, batch: &Batch<'_>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if let Some(journey) = &mut self.journey {
                ready!(journey.poll_choose(cx, batch.caller, batch.settled, false))?;
                if let Some(chosen) = journey.caller() {
                    self.caller = Cow::Owned(chosen.clone());
                }
            }
            match (ready!(self.poll_begin(batch, cx)), &mut self.journey) {
                (Err(error), Some(journey)) => {
                    self.key = None;
                    journey.failed(error, false)?;
                }
                (begun, _) => return Poll::Ready(begun),
            }
        }
    }

    fn poll_begin(&mut self, batch: &Batch<'_>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.caller.calls.check()?;
        let timeout = self.journey.as_ref().map_or(batch.timeout, |journey| journey.left());
        let draft = |item: &Item| {
            let draft = Draft {
                // INVARIANT: the ranges of items are ranges of these texts.
                method: batch.methods.get(item.method.clone()).unwrap_or_default(),
                params: batch.params.get(item.params.clone()).unwrap_or_default(),
                encoded: true,
                timeout,
                nested: batch.caller.nested.as_ref(),
                concealed: batch.caller.concealed,
                opening: None,
            };
            (draft, item.notify)
        };
        let drafts: Vec<_> = batch.items.iter().map(draft).collect();
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
            Err(error) => Poll::Ready(Err(with_timeout(error, timeout))),
        }
    }

    fn poll_answers(&mut self, into: &mut Answers, cx: &mut Context<'_>) -> Poll<()> {
        let Some(format) = self.caller.format() else { return Poll::Ready(()) };
        let Answers { answers, small, .. } = into;
        let mut waiting = false;
        // It goes from one call to the next, so that each has room for its own answer again.
        let mut scratch = Vec::new();
        for (id, answer) in self.ids.iter_mut().zip(answers) {
            let Some(number) = *id else { continue };
            match self.caller.calls.poll_answer(number, cx.waker(), &mut scratch) {
                None => waiting = true,
                Some(outcome) => {
                    *id = None;
                    *answer = Some(outcome.map(|body| match body {
                        Body::Scratch => {
                            let begin = small.len();
                            small.extend_from_slice(&scratch);
                            scratch.clear();
                            Found::Small(format, begin..small.len())
                        }
                        Body::Block(bytes) => Found::Block(Payload { format, bytes }),
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
    fn awaited(count: usize, errors: ErrorMap) -> Self {
        let mut answers = Vec::with_capacity(count);
        answers.resize_with(count, || None);
        Self { answers, small: Vec::new(), errors }
    }

    /// The answer to one call of the batch; each can be taken once.
    ///
    /// # Errors
    ///
    /// How the call failed.
    pub fn take<R: DeserializeOwned>(&mut self, item: BatchItem<R>) -> Result<R, Error> {
        let answer = self.answers.get_mut(item.index).and_then(Option::take);
        let foreign = || Err(Error::invalid("the item belongs to another batch"));
        let result = answer.unwrap_or_else(foreign).and_then(|found| self.decode(&found));
        result.map_err(|error| self.errors.map(error))
    }

    fn decode<R: DeserializeOwned>(&self, found: &Found) -> Result<R, Error> {
        let decoded = match found {
            // INVARIANT: the range is one of `small`.
            Found::Small(format, range) => {
                format.decode(self.small.get(range.clone()).unwrap_or_default())
            }
            Found::Block(payload) => payload.decode(),
        };
        decoded.map_err(|error| Error::Mismatch(error.under("result")))
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
