//! `Resend`: a call that is sent again, because its message or the answer may have been lost.

use std::hash::{BuildHasher, RandomState};

use super::{Caller, ErrorMap, micros};
use crate::{Error, Reason};

/// The attempts of one call over one connection that loses messages.
#[derive(Debug)]
pub(super) struct Resend {
    /// Of the connection, whose errors are those of one attempt.
    caller: Caller,
    /// Attempts until now.
    count: u32,
    /// Microseconds that they may take in all.
    spent: u64,
    /// Of these, those of the last one; 0 for ever.
    current: u64,
    /// An attempt may have been executed.
    doubtful: bool,
}

impl Resend {
    /// No attempt yet, over the connection of a caller.
    pub(super) fn over(caller: &Caller) -> Self {
        let caller = Caller { errors: ErrorMap::default(), ..caller.clone() };
        Self { caller, count: 0, spent: 0, current: 0, doubtful: false }
    }

    /// The caller of one attempt.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// How long the attempt that begins waits, in microseconds, where the call has `left` of its
    /// time (0: for ever): [`Limits::resend`](crate::Limits::resend), and twice as long with each
    /// further one. Up to half as much is added by chance, so that those whose messages were lost
    /// together do not come back together (as in RFC 7252 section 4.2).
    pub(super) fn begin(&mut self, left: u64) -> u64 {
        let first = micros(self.caller.calls.limits.resend);
        let wait = first.saturating_mul(1 << self.count.min(MOST_DOUBLINGS));
        // The keys of a hasher are random, and that is all that is needed here.
        let chance = RandomState::new().hash_one(()) % (wait / 2 + 1);
        let wait = wait.saturating_add(chance);
        self.count = self.count.saturating_add(1);
        self.current = if left == 0 { wait } else { wait.min(left) };
        self.spent = self.spent.saturating_add(self.current);
        self.current
    }

    /// How long the attempt that has begun waits.
    pub(super) fn current(&self) -> u64 {
        self.current
    }

    /// What is left of the call's time after the attempts until now; 0 for ever.
    pub(super) fn left(&self, timeout: u64) -> u64 {
        if timeout == 0 { 0 } else { timeout.saturating_sub(self.spent).max(1) }
    }

    /// True where an attempt failed because nothing was heard, and there is time for another one.
    pub(super) fn is_due(&mut self, error: &Error, left: u64) -> bool {
        match error {
            Error::Unknown(Reason::Timeout(_)) => self.doubtful = true,
            Error::NotExecuted(Reason::Timeout(_)) => {}
            _ => return false,
        }
        left == 0 || left >= SHORTEST
    }

    /// What the caller is told. Where an attempt may have been executed, the call may have been.
    pub(super) fn ended(&self, error: Error, timeout: u64) -> Error {
        let whole = |reason| match reason {
            Reason::Timeout(_) => Reason::Timeout(timeout / 1000),
            other => other,
        };
        match error {
            Error::NotExecuted(reason) if self.doubtful => Error::Unknown(whole(reason)),
            Error::NotExecuted(reason) => Error::NotExecuted(whole(reason)),
            Error::Unknown(reason) => Error::Unknown(whole(reason)),
            other => other,
        }
    }
}

/// Enough for any time.
const MOST_DOUBLINGS: u32 = 20;
/// Microseconds for which another attempt is worth it.
const SHORTEST: u64 = 1000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::calls::{Calls, Line};

    const SECOND: u64 = 1_000_000;

    fn fresh() -> Resend {
        Resend::over(&Caller::new(Calls::new(Line::DUPLEX, Arc::default())))
    }

    #[test]
    fn attempts_wait_twice_as_long_and_no_longer_than_the_call() {
        let mut resend = fresh();
        let timeout = 10 * SECOND;
        let lost = Error::Unknown(Reason::Timeout(1));
        for (least, most) in [(1, 1.5), (2, 3.0), (4, 6.0)] {
            let wait = resend.begin(resend.left(timeout));
            let (least, most) = (least * SECOND, (most * SECOND as f64) as u64);
            assert!(wait <= most && wait >= least.min(timeout), "{wait} of {least}..={most}");
            assert_eq!(resend.current(), wait);
            assert!(
                resend.is_due(&lost, resend.left(timeout)) || resend.spent >= timeout - SHORTEST
            );
        }
        while resend.left(timeout) > 1 {
            resend.begin(resend.left(timeout));
        }
        assert_eq!(resend.spent, timeout);
        assert!(!resend.is_due(&lost, resend.left(timeout)));
    }

    #[test]
    fn who_was_in_doubt_stays_in_doubt() {
        let not_executed = || Error::NotExecuted(Reason::Timeout(1));
        let mut resend = fresh();
        assert!(resend.is_due(&not_executed(), 0));
        let ended = resend.ended(not_executed(), 3 * SECOND);
        assert!(matches!(ended, Error::NotExecuted(Reason::Timeout(3000))), "{ended}");
        assert!(resend.is_due(&Error::Unknown(Reason::Timeout(1)), 0));
        let ended = resend.ended(not_executed(), 3 * SECOND);
        assert!(matches!(ended, Error::Unknown(Reason::Timeout(3000))), "{ended}");
        let closed = Error::Unknown(Reason::Closed("gone".into()));
        assert!(!resend.is_due(&closed, 0), "the connection is no more");
    }
}
