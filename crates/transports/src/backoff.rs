//! `Backoff`: how long to wait before a broker or a peer is tried again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Times of which the longest possible one doubles from try to try; each is drawn between nothing
/// and that, so that the many who lost the same peer do not come back together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The time before the next try.
    pub(crate) fn next(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.tries.min(16)).min(LAST);
        self.tries += 1;
        let parts = u32::try_from(random() % u64::from(PARTS)).unwrap_or(0);
        longest / PARTS * parts
    }
}

/// A number that nobody guesses.
pub(crate) fn random() -> u64 {
    // Every state of a hasher has random keys.
    RandomState::new().hash_one(())
}

/// A peer that closed a connection is often there again at once.
const FIRST: Duration = Duration::from_millis(100);
/// A peer that comes back, after however long, has everybody back within it.
const LAST: Duration = Duration::from_secs(2);
const PARTS: u32 = 1024;

#[test]
fn times_are_bounded_and_differ() {
    let mut backoff = Backoff::default();
    let times: Vec<_> = (0..64).map(|_| backoff.next()).collect();
    assert!(times.iter().all(|time| *time <= LAST), "{times:?}");
    assert!(times[..3].iter().all(|time| *time <= FIRST * 4), "{times:?}");
    // 61 draws out of 2 s: that all of them are below a quarter has a chance of 1 in 10^36.
    assert!(times[3..].iter().any(|time| *time > LAST / 4), "{times:?}");
}
