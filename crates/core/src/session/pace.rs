//! Pace: how much of its large messages a peer may have on the way.
//!
//! A window of some dozens of KiB keeps small messages quick where a round trip is short. Where no
//! small messages come, it is larger. Where a round trip is long, the window would be all that moves
//! in one, and it grows to what comes in two of the shortest: nothing waits longer than it travels.

/// The window of a peer, and what is known of the way to it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Its first size.
    window: u32,
    /// Bytes that were granted beyond that.
    more: u32,
    /// What comes in two of the shortest round trips.
    fits: u32,
    /// Something else came since the last turn.
    disturbed: bool,
    /// Until when other messages are likely to come.
    busy: u64,
    /// When the last turn was.
    now: u64,
    /// Bytes that came and were not granted again yet.
    owed: u32,
    /// Bytes that ever came.
    came: u64,
    trip: Option<Trip>,
    /// When the last round trip was over, and what had come by then.
    last: Option<(u64, u64)>,
    /// How many round trips were measured, and the shortest in microseconds.
    trips: u32,
    shortest: u64,
}

/// From a grant to the first byte that was sent for its sake.
#[derive(Debug)]
struct Trip {
    began: u64,
    /// It is over when more than this has come.
    until: u64,
}

impl Pace {
    /// Notes what came of a peer with this first window; false where it is more than was granted.
    pub(super) fn take(&mut self, bytes: usize, window: u32) -> bool {
        self.window = window;
        self.came += bytes as u64;
        self.owed = self.owed.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.owed <= self.size()
    }

    /// Nothing more is about to come: from here on time says nothing of the way.
    pub(super) fn rest(&mut self) {
        (self.trip, self.last) = (None, None);
    }

    /// Notes that a message came that does not stand in chunks.
    pub(super) fn disturb(&mut self) {
        self.disturbed = true;
    }

    /// True where it is time to grant more: half of the window has come.
    pub(super) fn is_due(&self) -> bool {
        self.owed > 0 && self.owed >= self.size() / 2
    }

    /// Notes the time of what came since the last turn.
    pub(super) fn turn(&mut self, now: u64) {
        self.now = now;
        if std::mem::take(&mut self.disturbed) {
            self.busy = now.saturating_add(CALM);
        }
        if let Some(trip) = self.trip.take_if(|trip| self.came > trip.until) {
            self.measure(&trip, now);
        }
    }

    /// How much to grant now, where it is time for that.
    pub(super) fn grant(&mut self) -> Option<u32> {
        if !self.is_due() {
            return None;
        }
        let (size, owed) = (self.size(), self.owed);
        let open = size.saturating_sub(owed);
        // It shrinks by what is not granted again, and grows by as much as came.
        let next = self.wanted().clamp(self.window.max(open), size.saturating_add(owed));
        (self.owed, self.more) = (0, next - self.window);
        if next == open {
            return None;
        }
        let until = self.came + u64::from(open);
        self.trip.get_or_insert(Trip { began: self.now, until });
        Some(next - open)
    }

    /// What the peer may have on the way, and what came of it.
    fn size(&self) -> u32 {
        self.window.saturating_add(self.more)
    }

    /// What its size should be.
    fn wanted(&self) -> u32 {
        if self.trips < TRIPS {
            self.window
        } else if self.shortest >= LONG {
            self.fits.min(self.window.saturating_mul(MOST))
        } else if self.now < self.busy {
            self.window
        } else {
            self.window.saturating_mul(MOST_CALM)
        }
    }

    fn measure(&mut self, trip: &Trip, now: u64) {
        let took = now.saturating_sub(trip.began).max(1);
        self.shortest = if self.trips == 0 { took } else { took.min(self.shortest) };
        self.trips = self.trips.saturating_add(1);
        if let Some((then, had)) = self.last.replace((now, self.came))
            && now > then
        {
            let came = u128::from(self.came - had);
            let fits = came * u128::from(2 * self.shortest) / u128::from(now - then);
            self.fits = u32::try_from(fits).unwrap_or(u32::MAX);
        }
    }
}

/// A shorter round trip, in microseconds, is filled by the first window.
const LONG: u64 = 1_000;
/// Round trips that are measured before anything is made of them.
const TRIPS: u32 = 4;
/// How many times the first window it is at most where round trips are long, and where nothing else
/// comes.
const MOST: u32 = 16;
const MOST_CALM: u32 = 4;
/// For how long, in microseconds, other messages are expected behind one.
const CALM: u64 = 10_000;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const WINDOW: u32 = 48 << 10;
    const PART: u32 = 16 << 10;

    /// What became of a transfer of some MiB from a sender that sends all that it may.
    struct Moved {
        /// How many times its first size the window was at last.
        times: u32,
        /// The longest that anything stood before the link, in microseconds.
        waited: u64,
        took: u64,
    }

    /// Over a link with such a round trip in microseconds, that carries so many bytes in each of
    /// them, while something else comes every so many microseconds.
    fn moved(round_trip: u64, rate: u64, disturbed: u64) -> Moved {
        let (mut pace, mut open, mut now, mut free) = (Pace::default(), WINDOW, 0, 0);
        // When each grant is with the sender, and when something else comes.
        let (mut grants, mut other) = (VecDeque::new(), 0);
        let mut waited = 0;
        for _ in 0..(16 << 20) / PART {
            while open < PART {
                let (at, amount) = grants.pop_front().expect("whoever waits was granted more");
                now = at;
                open += amount;
            }
            open -= PART;
            let begins = free.max(now);
            waited = waited.max(begins - now);
            free = begins + u64::from(PART) / rate;
            let came = free + round_trip / 2;
            assert!(pace.take(PART as usize, WINDOW), "no more was sent than granted");
            if came >= other {
                pace.disturb();
                other = came.saturating_add(disturbed);
            }
            pace.turn(came);
            if let Some(amount) = pace.grant() {
                grants.push_back((came + round_trip / 2, amount));
            }
        }
        Moved { times: pace.size() / WINDOW, waited, took: free }
    }

    const OFTEN: u64 = 1_000;
    const NEVER: u64 = u64::MAX;

    #[test]
    fn the_window_grows_with_the_way_and_not_with_the_queue() {
        // Nearby, however fast the link is: as it began, or as large as it gets where nobody minds.
        for rate in [100, 10_000] {
            assert_eq!(moved(100, rate, OFTEN).times, 1, "{rate}");
        }
        assert_eq!(moved(900, 10_000, NEVER).times, MOST_CALM);
        // Far away and fast: as large as it gets.
        for round_trip in [5_000, 100_000] {
            let Moved { times, waited, took } = moved(round_trip, 10_000, OFTEN);
            assert!(times == MOST && waited < 100, "{round_trip}: {times} times, {waited} us");
            let windows = (16 << 20) / u64::from(WINDOW);
            assert!(took < windows * round_trip / 8, "it took {took} us");
        }
        // A slow link: what stands before it waits for one window more, or for as long as it
        // travels.
        let first = u64::from(WINDOW);
        for round_trip in [100, 20_000, 60_000, 200_000] {
            let Moved { times, waited, .. } = moved(round_trip, 1, NEVER);
            let most = (2 * first).max(round_trip + first);
            assert!(waited <= most, "{round_trip}: {times} times, {waited} us");
        }
    }

    #[test]
    fn whoever_sends_more_than_it_was_granted_is_found_out() {
        let mut pace = Pace::default();
        assert!(pace.take(WINDOW as usize, WINDOW));
        assert!(!pace.take(1, WINDOW));
    }

    /// Takes in all that was granted again and again; gives the size of the window at last.
    fn filled(pace: &mut Pace, now: &mut u64, took: u64, disturbed: bool) -> u32 {
        for _ in 0..20 {
            *now += took;
            let all = pace.size().max(WINDOW) as usize;
            assert!(pace.take(all, WINDOW));
            if disturbed {
                pace.disturb();
            }
            pace.turn(*now);
            assert!(pace.grant().is_some_and(|amount| amount > 0));
        }
        pace.size()
    }

    #[test]
    fn the_window_shrinks_again() {
        let (mut pace, mut now) = (Pace::default(), 0);
        assert_eq!(filled(&mut pace, &mut now, 10_000, true), MOST * WINDOW);
        // The link became slow.
        assert_eq!(filled(&mut pace, &mut now, 1_000_000, true), WINDOW);
        let (mut pace, mut now) = (Pace::default(), 0);
        assert_eq!(filled(&mut pace, &mut now, 100, true), WINDOW);
        assert_eq!(filled(&mut pace, &mut now, 900, false), MOST_CALM * WINDOW);
        // Others have come.
        assert_eq!(filled(&mut pace, &mut now, 900, true), WINDOW);
    }
}
