//! `Items`: the values of a stream, for a thread that waits for them.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;
use tinyrpc_core::Error;

use super::{each::Each, round::Round, wait::Whom};

/// The values of a stream: an iterator that waits for each of them. See
/// [`Caller::stream`](super::Caller::stream), and [`tinyrpc::Items`](crate::Items) for what its errors
/// mean.
///
/// Dropping it cancels the call.
#[must_use = "dropping it cancels the call"]
pub struct Items<T> {
    items: crate::Items<T>,
    each: Each,
}

impl<T> Items<T> {
    pub(super) fn new(items: crate::Items<T>, whom: Whom, round: Option<Arc<Round>>) -> Self {
        Self { items, each: Each::new(whom, round) }
    }

    /// How many values were forgotten because they came faster than they were read; only of a stream
    /// that keeps the [`newest`](crate::Streaming::newest).
    pub fn missed(&self) -> u64 {
        self.items.missed()
    }
}

impl<T: DeserializeOwned> Iterator for Items<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Result<T, Error>> {
        self.each.next(self.items.next())
    }
}

/// A stream that was begun elsewhere, such as one with a window of its own.
impl<T> From<crate::Items<T>> for Items<T> {
    fn from(items: crate::Items<T>) -> Self {
        Self::new(items, Whom::Others, None)
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(f)
    }
}
