//! `Backoff`: how long to wait before a lost connection is made again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// How a connection that was lost, or could not be made, is tried again: after a random time with
/// full jitter, within bounds that double with each failure.
///
/// ```
/// use std::time::Duration;
/// use tinyrpc::Backoff;
///
/// let quick = Backoff { longest: Duration::from_secs(1), ..Backoff::default() };
/// assert!(quick.shortest < quick.longest);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The shortest wait. Default 100 ms: an address where nobody listens is refused at once, and
    /// is not asked in a loop.
    pub shortest: Duration,
    /// The longest wait before the first attempt. Default 2 s: a server loses all its clients in
    /// the same moment, and of a thousand no more than a tenth come back in any 100 ms.
    pub first: Duration,
    /// The longest wait of all. Default 5 s: a server that was gone for long has all of its clients
    /// back within that time, and of a thousand no more than a tenth in any 100 ms. Where there are
    /// very many, each should wait longer.
    pub longest: Duration,
    /// How long a connection must have lasted to end a row of failures. Default 10 s: a server
    /// that accepts and fails is not healthy.
    pub healthy: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            shortest: Duration::from_millis(100),
            first: Duration::from_secs(2),
            longest: Duration::from_secs(5),
            healthy: Duration::from_secs(10),
        }
    }
}

impl Backoff {
    /// How long to wait after so many failures in a row; 0 is a connection that was healthy.
    pub(crate) fn wait(&self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.min(MOST_DOUBLINGS));
        let longest = doubled.min(self.longest).max(self.shortest);
        let range = longest.saturating_sub(self.shortest).as_micros();
        let range = u64::try_from(range).unwrap_or(u64::MAX).saturating_add(1);
        // The keys of a hasher are random, and that is all that is needed here.
        self.shortest + Duration::from_micros(RandomState::new().hash_one(()) % range)
    }
}

/// The failures in a row of one address, as time goes by.
#[derive(Debug)]
pub(crate) struct Failures {
    backoff: Backoff,
    count: u32,
}

impl Failures {
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self { backoff, count: 0 }
    }

    /// An attempt failed: how long to wait before the next one.
    pub(crate) fn failed(&mut self) -> Duration {
        let wait = self.backoff.wait(self.count);
        self.count = self.count.saturating_add(1);
        wait
    }

    /// A connection ended that lasted so many microseconds: how long to wait before the next one.
    pub(crate) fn ended(&mut self, lasted: u64) -> Duration {
        if u128::from(lasted) >= self.backoff.healthy.as_micros() {
            self.count = 0;
        }
        self.failed()
    }
}

/// Enough for any bound, from a millisecond to a month.
const MOST_DOUBLINGS: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_within_bounds_and_spread() {
        let backoff = Backoff::default();
        for (failures, longest) in [(0, 2_000), (1, 4_000), (2, 5_000), (3, 5_000), (99, 5_000)] {
            let waits: Vec<_> = (0..1000).map(|_| backoff.wait(failures).as_millis()).collect();
            assert!(waits.iter().all(|wait| (100..=longest).contains(wait)), "{failures}");
            // Neither half of the range is empty, nor has it all.
            let early = waits.iter().filter(|wait| **wait < longest / 2).count();
            assert!((300..700).contains(&early), "{failures}: {early} of 1000");
        }
    }

    #[test]
    fn only_health_ends_a_row_of_failures() {
        let exact = |millis| Duration::from_millis(millis);
        let backoff = Backoff {
            shortest: exact(1),
            first: exact(1),
            longest: exact(1_000),
            healthy: exact(10),
        };
        let mut failures = Failures::new(backoff);
        (0..5).for_each(|_| _ = failures.failed());
        assert_eq!(failures.count, 5);
        failures.ended(9_999);
        assert_eq!(failures.count, 6);
        assert_eq!(failures.ended(10_000), exact(1));
        assert_eq!(failures.count, 1);
    }

    #[test]
    fn bounds_that_contradict_each_other_wait_all_the_same() {
        let second = Duration::from_secs(1);
        let backoff = Backoff { shortest: second, longest: Duration::ZERO, ..Backoff::default() };
        assert_eq!(backoff.wait(7), second);
    }
}
