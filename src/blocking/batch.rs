//! `Batch`: several calls in one message.

use std::{fmt, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    park::park_on,
    wait::{Whom, begin},
};
use crate::{Answers, BatchItem, Error};

/// A batch under construction. See [`Caller::batch`](super::Caller::batch).
///
/// ```
/// # use tinyrpc::{Error, blocking::Caller};
/// # fn example(caller: Caller) -> Result<(), Error> {
/// let mut batch = caller.batch();
/// let sum = batch.call::<i64>("sum", (1, 2, 4))?;
/// batch.notify("log", ("hello",))?;
/// let mut answers = batch.send()?;
/// let sum = answers.take(sum)?;
/// # Ok(()) }
/// ```
pub struct Batch<'a> {
    batch: tinyrpc_core::Batch<'a>,
    whom: Whom,
}

impl<'a> Batch<'a> {
    pub(super) fn new(batch: tinyrpc_core::Batch<'a>, whom: Whom) -> Self {
        Self { batch, whom }
    }

    /// How long to wait for all answers; zero waits for ever.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { batch: self.batch.timeout(timeout), ..self }
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
        self.batch.call(method, params)
    }

    /// Adds a notification.
    ///
    /// # Errors
    ///
    /// As [`Batch::call`].
    pub fn notify(&mut self, method: impl AsRef<str>, params: impl Serialize) -> Result<(), Error> {
        self.batch.notify(method, params)
    }

    /// Sends the batch and waits until every call of it has ended.
    ///
    /// # Errors
    ///
    /// The batch could not be sent at all; how each call ended is in the [`Answers`].
    pub fn send(self) -> Result<Answers, Error> {
        let _waiting = begin(self.whom)?;
        park_on(None, self.batch.send())
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.batch.fmt(f)
    }
}
