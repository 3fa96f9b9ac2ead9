//! `Pace`: how long things take, on a clock of our own and on the wall's.

use std::time::Duration;

use fastrand::Rng;

use crate::seed::Chance;

/// Times of one kind of run, in milliseconds.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How long calls may take; 0 for as long as their connection lives.
    timeouts: &'static [u64],
    /// How long handlers take, mostly.
    work: u64,
    /// How long things are under way.
    latency: u64,
    /// An ordinary stall.
    stall: u64,
    /// A rare one, behind which deadlines and `write_stall` are over.
    long_stall: u64,
    /// `write_stall`.
    patience: &'static [u64],
    /// How long a connection lives at most.
    life: u64,
    /// How many connections live at the same time.
    pub(crate) beside: usize,
    /// How much later than its deadline a call may end.
    pub(crate) slack: Duration,
    /// What takes longer hangs.
    pub(crate) hang: Duration,
    /// It is the time of the wall.
    pub(crate) real: bool,
}

/// Time that moves when nothing else does.
pub(crate) const VIRTUAL: Pace = Pace {
    timeouts: &[20, 100, 1000, 10_000, 0],
    work: 50,
    latency: 30,
    stall: 300,
    long_stall: 30_000,
    patience: &[200, 2000, 10_000],
    life: 60_000,
    beside: 4,
    // Nothing but the clock's own step, which is one millisecond, makes a call late.
    slack: Duration::from_millis(3),
    hang: Duration::from_secs(3600),
    real: false,
};

/// The time of the wall.
pub(crate) const REAL: Pace = Pace {
    timeouts: &[30, 100, 300, 1000, 0],
    work: 10,
    latency: 4,
    stall: 20,
    long_stall: 400,
    patience: &[100, 300, 1000],
    life: 1500,
    beside: 32,
    slack: Duration::from_millis(500),
    hang: Duration::from_secs(30),
    real: true,
};

impl Pace {
    pub(crate) fn timeout(&self, rng: &mut Rng) -> Duration {
        Duration::from_millis(rng.pick(self.timeouts))
    }

    /// A time that is over soon.
    pub(crate) fn short(&self) -> Duration {
        Duration::from_millis(self.timeouts[0])
    }

    pub(crate) fn work(&self, rng: &mut Rng) -> Duration {
        Duration::from_millis(rng.spread(self.work))
    }

    pub(crate) fn latency(&self, rng: &mut Rng) -> Duration {
        Duration::from_millis(rng.u64(1..=self.latency))
    }

    pub(crate) fn stall(&self, rng: &mut Rng) -> Duration {
        let most = if rng.one_in(10) { self.long_stall } else { self.stall };
        Duration::from_millis(rng.spread(most))
    }

    pub(crate) fn patience(&self, rng: &mut Rng) -> Duration {
        Duration::from_millis(rng.pick(self.patience))
    }

    pub(crate) fn life(&self, rng: &mut Rng) -> Duration {
        Duration::from_millis(rng.u64(self.life / 50..=self.life))
    }
}
