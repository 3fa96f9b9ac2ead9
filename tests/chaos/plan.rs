//! `Plan`: what happens to one connection, decided before it is made.

use std::{collections::VecDeque, fmt, time::Duration};

use fastrand::Rng;

use crate::{pace::Pace, seed::Chance};

/// Both directions of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// From the client to the server.
    pub(crate) there: Way,
    /// From the server to the client.
    pub(crate) back: Way,
    /// An end that leaves while something waits for it resets the connection, as sockets do, and
    /// an exchange that a client abandons is broken off.
    pub(crate) rude: bool,
}

/// One direction.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// How much moves in one step, at most.
    pub(crate) slice: usize,
    /// How much is under way, at most.
    pub(crate) room: usize,
    /// How long each step takes.
    pub(crate) latency: Duration,
    /// What happens, and behind how many bytes or messages.
    pub(crate) faults: VecDeque<(u64, Fault)>,
    /// How long its end is under way.
    pub(crate) parting: Duration,
    /// The sender is told to wait for that long, as by TLS.
    pub(crate) lingers: bool,
    /// What is flushed has arrived, as where a transport has a buffer of its own.
    pub(crate) flushes: bool,
    /// What the slices are drawn from.
    pub(crate) chance: Rng,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// Nothing moves for a while.
    Stall(Duration),
    /// Both directions are cut; what was under way is lost.
    Reset,
    /// This direction ends as if its sender had closed it; what follows is lost.
    End,
    /// Half open: this direction goes on to take everything and delivers nothing.
    Mute,
    /// Half open both ways: the other end has vanished.
    Vanish,
}

/// What the places of faults count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Messages,
}

impl Plan {
    pub(crate) fn draw(rng: &mut Rng, unit: Unit, pace: &Pace) -> Self {
        let mut plan =
            Self { there: way(rng, unit, pace), back: way(rng, unit, pace), rude: rng.bool() };
        // Most connections come to a bad end, in one of the two directions.
        if !rng.one_in(4) {
            let way = if rng.bool() { &mut plan.there } else { &mut plan.back };
            let at = unit.place(rng) * way.slice.min(64) as u64 / 64;
            let end = rng.pick(&[
                Fault::Reset,
                Fault::Reset,
                Fault::End,
                Fault::Mute,
                Fault::Vanish,
                Fault::Stall(FOR_EVER),
            ]);
            way.faults.retain(|(stall, _)| *stall <= at);
            way.faults.push_back((at, end));
        }
        plan
    }

    /// True where so little moves in a step that a call takes hundreds of them.
    pub(crate) fn is_slow(&self) -> bool {
        self.there.slice.min(self.back.slice).min(self.there.room).min(self.back.room) < 8
    }
}

fn way(rng: &mut Rng, unit: Unit, pace: &Pace) -> Way {
    let (slices, rooms): (&[usize], &[usize]) = match unit {
        Unit::Bytes => (
            &[1, 2, 7, 64, 500, 1500, 1500, 4096, 1 << 20, 1 << 20],
            &[1, 100, 4096, 16 << 10, 64 << 10, 64 << 10, 1 << 20],
        ),
        Unit::Messages => (&[1, 2, 7, 64, 1000], &[1, 2, 16, 1000, 1000]),
    };
    let stalls = if rng.bool() { rng.usize(0..4) } else { 0 };
    let mut faults: Vec<_> =
        (0..stalls).map(|_| (unit.place(rng), Fault::Stall(pace.stall(rng)))).collect();
    faults.sort_by_key(|(at, _)| *at);
    let (slice, room) = (rng.pick(slices), rng.pick(rooms));
    // Byte by byte it would take for ever.
    let has_latency = slice.min(room) > 100 && rng.one_in(4);
    Way {
        slice,
        room,
        latency: if has_latency { pace.latency(rng) } else { Duration::ZERO },
        faults: faults.into(),
        parting: if rng.one_in(4) { pace.stall(rng) } else { Duration::ZERO },
        lingers: rng.bool(),
        flushes: rng.one_in(3),
        chance: rng.fork(),
    }
}

impl Unit {
    /// Where something happens: anywhere, and at the first of all as often as late.
    fn place(self, rng: &mut Rng) -> u64 {
        // How far a direction comes at most, about.
        let reach = match self {
            Self::Bytes => 256 << 10,
            Self::Messages => 2 << 10,
        };
        if rng.bool() { rng.spread(reach) } else { rng.u64(0..reach) }
    }
}

impl Way {
    /// How much moves in the next step, at most.
    pub(crate) fn step(&mut self) -> usize {
        // From one byte up, or everything that there is: both matter.
        if self.slice > 1 && self.chance.bool() {
            return self.chance.usize(1..=self.slice);
        }
        self.slice
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rude = if self.rude { ", rude" } else { "" };
        write!(f, "there: {}; back: {}{rude}", self.there, self.back)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slice, room, latency, parting, lingers, flushes, .. } = self;
        write!(f, "slices of {slice}, room for {room}, {latency:?} each, parts in {parting:?}")?;
        if *lingers {
            f.write_str(" and waits for it")?;
        }
        if *flushes {
            f.write_str(", flushes")?;
        }
        for (at, fault) in &self.faults {
            write!(f, ", {fault:?} behind {at}")?;
        }
        Ok(())
    }
}

/// Longer than any connection lives.
const FOR_EVER: Duration = Duration::from_secs(1 << 20);
