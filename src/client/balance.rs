//! `Balance`: over which of its connections a client makes a call, and `Budget`: how often again.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Over which of its connections a client over several addresses makes its next call. Those that
/// are lost or whose server shuts down are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Balance {
    /// One after the other, evenly.
    #[default]
    RoundRobin,
    /// The one with the fewest calls of this client in flight; among equals one after the other.
    /// For calls that differ in what they cost, and for servers that differ in what they can.
    LeastLoaded,
    /// The first, in the order in which the addresses were given, that is connected: the others
    /// stand by, and when the first is back it has all calls again.
    FirstAlive,
}

/// How many calls may be repeated.
#[derive(Debug)]
pub(super) struct Budget {
    /// Tenths of a repetition.
    tenths: AtomicUsize,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { tenths: AtomicUsize::new(MOST) }
    }

    /// A call is made for the first time.
    pub(super) fn earn(&self) {
        // Two that earn at the same time may earn one: it is a bound, and not a count.
        let tenths = self.tenths.load(Relaxed);
        if tenths < MOST {
            self.tenths.store(tenths + 1, Relaxed);
        }
    }

    /// A call is to be repeated; false where it may not.
    pub(super) fn spend(&self) -> bool {
        let spend = |tenths: usize| tenths.checked_sub(10);
        self.tenths.fetch_update(Relaxed, Relaxed, spend).is_ok()
    }
}

/// A client that makes few calls may repeat so many of them when they are lost at once, in tenths.
const MOST: usize = 10 * 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_repeated_beyond_the_first_few() {
        let budget = Budget::new();
        let repeated = (0..1000).filter(|_| {
            budget.earn();
            budget.spend()
        });
        assert_eq!(repeated.count(), 10 + 100 - 1);
    }
}
