//! `Subscription`: the items of a subscription, for a thread that waits for them.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;
use tinyrpc_core::{Error, SubscriptionId};

use super::{
    each::Each,
    park::park_on,
    round::Round,
    wait::{Whom, begin},
};

/// The items of a subscription: an iterator that waits for each of them. See
/// [`Subscription`](crate::Subscription) for what its errors mean.
///
/// Dropping it unsubscribes.
#[must_use = "dropping it unsubscribes"]
pub struct Subscription<T> {
    items: crate::Subscription<T>,
    each: Each,
}

impl<T> Subscription<T> {
    pub(super) fn new(
        items: crate::Subscription<T>,
        whom: Whom,
        round: Option<Arc<Round>>,
    ) -> Self {
        Self { items, each: Each::new(whom, round) }
    }

    /// Its id, as the peer gave it.
    pub fn id(&self) -> &SubscriptionId {
        self.items.id()
    }

    /// How many items were dropped on this side so far, because too many waited.
    pub fn missed(&self) -> u64 {
        self.items.missed()
    }

    /// Unsubscribes, and says whether the peer knew the subscription.
    ///
    /// # Errors
    ///
    /// Those of a call. The subscription is forgotten on this side in any case.
    pub fn unsubscribe(self) -> Result<bool, Error> {
        let _waiting = begin(self.each.whom)?;
        park_on(self.each.round.as_ref(), self.items.unsubscribe())
    }
}

impl<T: DeserializeOwned> Iterator for Subscription<T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Result<T, Error>> {
        self.each.next(self.items.next())
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(f)
    }
}
