//! `Stall`: since when nothing moves, and for how long that is borne.

use super::{Session, State};
use crate::{Reason, caller::micros};

/// Since when the transport took nothing although there was something to take.
#[derive(Debug, Default)]
pub(super) struct Stall {
    taken: u64,
    /// `None` while nothing waits, and until the first turn in which something does.
    since: Option<u64>,
    /// The time of the last turn.
    looked: u64,
    /// Where what waited at the last turn ends.
    end: u64,
    /// The time was over at the last turn. The transport has one more chance behind it: it may not
    /// have been asked for as long, because the whole process stood still.
    over: bool,
}

impl Session {
    /// Loses a connection whose peer takes nothing; gives the time by which it is to be looked at.
    pub(super) fn watch_stall(&mut self, now: u64) -> u64 {
        let taken = self.outgoing.taken();
        // A window that the peer never opens again is a stall, too.
        let vacant = self.outgoing.is_vacant();
        if vacant && matches!(self.state, State::Closing(_)) {
            self.lose(self.reason());
            return u64::MAX;
        }
        let idle = self.outgoing.is_empty() && !self.is_splitting()
            || vacant && matches!(self.state, State::Open);
        let Stall { since, looked, end, over, .. } = self.stall;
        let since = if idle || taken >= end {
            // Nothing waited until now, whatever the clock did meanwhile.
            None
        } else if taken != self.stall.taken {
            // It was taken right behind the last turn, however long ago that was.
            since.map(|_| looked)
        } else {
            since
        };
        let end = match self.is_splitting() {
            true => u64::MAX,
            false => taken + self.outgoing.waiting(),
        };
        let over = over && since.is_some() && taken == self.stall.taken;
        self.stall = Stall { taken, since, looked: now, end, over };
        if idle {
            return u64::MAX;
        }
        let patience = micros(self.settings.limits.write_stall);
        let deadline = self.stall.since.get_or_insert(now).saturating_add(patience);
        if deadline > now {
            return deadline;
        }
        if !std::mem::replace(&mut self.stall.over, true) {
            return now;
        }
        let reason = "the peer took nothing for the time of `write_stall`";
        self.lose(Reason::Closed(reason.into()));
        u64::MAX
    }

    /// Closes a connection that is not read for too long; gives the time, as above.
    pub(super) fn watch_pause(&mut self, now: u64) -> u64 {
        if !self.is_paused() {
            self.paused = None;
            return u64::MAX;
        }
        let patience = micros(self.settings.limits.read_stall);
        let deadline = self.paused.get_or_insert(now).saturating_add(patience);
        if deadline <= now {
            let reason = "nothing of what the peer sent could begin for the time of `read_stall`";
            self.close(Reason::Closed(reason.into()));
            return u64::MAX;
        }
        deadline
    }
}
