//! `Backoff`: how long to wait before a connection is tried again.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

/// Times that double from try to try, each shortened at random, so that many who lost the same peer
/// do not come back together.
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// The time before the next try.
    pub(super) fn next(&mut self) -> Duration {
        let whole = FIRST.saturating_mul(1 << self.tries.min(16)).min(LAST);
        self.tries += 1;
        // Every state of a hasher has random keys.
        let chance = RandomState::new().build_hasher().finish() % 512;
        whole / 2 + whole * u32::try_from(chance).unwrap_or(0) / 1024
    }

    /// It worked.
    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }
}

/// A peer that is restarted is often there again in less.
const FIRST: Duration = Duration::from_millis(50);
/// A peer that comes back is found within it.
const LAST: Duration = Duration::from_secs(2);

#[test]
fn times_grow_up_to_a_bound() {
    let mut backoff = Backoff::default();
    let times: Vec<_> = (0..12).map(|_| backoff.next()).collect();
    assert!(times.iter().all(|time| (FIRST / 2..=LAST).contains(time)), "{times:?}");
    assert!(times.last() >= Some(&(LAST / 2)), "{times:?}");
    backoff.reset();
    assert!(backoff.next() <= FIRST);
}
