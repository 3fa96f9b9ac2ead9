//! `Seed`: where all the chance of a run comes from, so that a run can be repeated.

use std::{
    env,
    hash::{BuildHasher, RandomState},
    io::{self, Write},
};

use fastrand::Rng;

/// The number that decides everything that is left to chance, in memory down to the last byte;
/// over sockets the system has a say, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The seed of `TINYRPC_CHAOS_SEED`, or a fresh one; printed also where the test passes.
    pub(crate) fn of(test: &str) -> Self {
        let seed = match env::var(SEED) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{SEED} is no number: {text}")),
            Err(_) => RandomState::new().hash_one(test),
        };
        Self::say(&format!("chaos: {test}: {SEED}={seed}"));
        Self(seed)
    }

    pub(crate) fn rng(self) -> Rng {
        Rng::with_seed(self.0)
    }

    /// Writes past the capturing of the test harness.
    pub(crate) fn say(line: &str) {
        // Nobody reads it where it cannot be written.
        _ = writeln!(io::stderr().lock(), "{line}");
    }
}

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{SEED}={}", self.0)
    }
}

/// How many calls a test makes: `TINYRPC_CHAOS_CALLS`, or its own number.
pub(crate) fn calls(usual: usize) -> usize {
    env::var(CALLS).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Draws.
pub(crate) trait Chance {
    /// True once in `count` times.
    fn one_in(&mut self, count: u32) -> bool;

    /// From 0 to `most`, every order of magnitude as likely as the others.
    fn spread(&mut self, most: u64) -> u64;

    /// One of them.
    fn pick<T: Clone>(&mut self, from: &[T]) -> T;
}

impl Chance for Rng {
    fn one_in(&mut self, count: u32) -> bool {
        self.u32(0..count) == 0
    }

    fn spread(&mut self, most: u64) -> u64 {
        let bits = u64::BITS - most.leading_zeros();
        let bits = self.u32(0..=bits);
        self.u64(0..=most.min((1 << bits) - 1))
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.usize(0..from.len())].clone()
    }
}

const SEED: &str = "TINYRPC_CHAOS_SEED";
const CALLS: &str = "TINYRPC_CHAOS_CALLS";
