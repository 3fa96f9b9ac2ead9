//! A burst of calls: when it ends, and what it counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// What callers did.
#[derive(Default)]
pub(crate) struct Tally {
    /// Calls answered rightly.
    pub(crate) calls: u64,
    /// Nanoseconds of each call, for sequential workloads.
    pub(crate) latencies: Vec<u64>,
    /// Bytes that moved beside the calls.
    pub(crate) moved: u64,
}

impl Tally {
    /// Counts one call, and its latency if its start is known.
    pub(crate) fn count(&mut self, started: Option<Instant>) {
        self.calls += 1;
        if let Some(started) = started {
            self.latencies.push(started.elapsed().as_nanos() as u64);
        }
    }

    /// Adds the calls of another caller.
    pub(crate) fn merge(&mut self, other: Self) {
        self.calls += other.calls;
        self.moved += other.moved;
        self.latencies.extend(other.latencies);
    }
}

/// When a burst ends: after a time, or after a number of calls.
pub(crate) struct Limit {
    stop: Arc<AtomicBool>,
    calls: u64,
}

impl Limit {
    /// Ends `time` from now. A thread of its own keeps time, so that no caller has to look at a clock.
    pub(crate) fn time(time: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let setter = Arc::clone(&stop);
        thread::spawn(move || {
            thread::sleep(time);
            setter.store(true, Ordering::Relaxed);
        });
        Self {
            stop,
            calls: u64::MAX,
        }
    }

    /// Ends after exactly `calls` calls.
    pub(crate) fn calls(calls: u64) -> Self {
        Self {
            stop: Arc::default(),
            calls,
        }
    }

    /// The part of caller `index` out of `callers`.
    pub(crate) fn share(&self, index: usize, callers: usize) -> Share {
        let (index, callers) = (index as u64, callers as u64);
        let quota = self.calls / callers + u64::from(index < self.calls % callers);
        Share {
            stop: Arc::clone(&self.stop),
            quota,
        }
    }
}

/// One caller's part of a [`Limit`].
pub(crate) struct Share {
    stop: Arc<AtomicBool>,
    quota: u64,
}

impl Share {
    /// How many more calls to make after `done`, if any.
    pub(crate) fn left(&self, done: u64) -> u64 {
        if self.stop.load(Ordering::Relaxed) {
            0
        } else {
            self.quota.saturating_sub(done)
        }
    }
}
