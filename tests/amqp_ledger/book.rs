//! `Book`: how every attempt of every call ended for its caller, and the promises that are checked
//! against what the workers did.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tinyrpc::{Error, Reason};

use crate::store::Done;

/// All calls of a run.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    /// How each attempt of each call ended.
    calls: BTreeMap<u64, Entry>,
    /// Notifications that were sent with a confirmation of the broker.
    confirmed: Vec<u64>,
    /// How many were sent of which nobody knows.
    lost: usize,
    latest: Duration,
}

/// One call, which is tried again where that is safe.
#[derive(Clone, Debug, Default)]
struct Entry {
    key: Option<String>,
    attempts: Vec<Ending>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With the result that belongs to it.
    Answered,
    /// Certainly not executed.
    NotExecuted(&'static str),
    /// Perhaps executed.
    Unknown(&'static str),
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    calls: usize,
    attempts: usize,
    endings: BTreeMap<String, usize>,
    answered: usize,
    executions: u32,
    repeated: u32,
    keys: usize,
    /// How often an effect was there already when a call with its key came again.
    spared: u32,
    confirmed: usize,
    unconfirmed: usize,
    latest: Duration,
}

impl Book {
    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how an attempt of a call ended, and how much later than its deadline.
    pub(crate) fn end(&self, number: u64, key: Option<&str>, ending: Ending, late: Duration) {
        let mut pages = self.lock();
        pages.latest = pages.latest.max(late);
        let entry = pages.calls.entry(number).or_default();
        entry.key = key.map(str::to_owned);
        entry.attempts.push(ending);
    }

    /// Notes a message that the broker has taken over.
    pub(crate) fn confirm(&self, number: u64) {
        self.lock().confirmed.push(number);
    }

    /// Notes that nobody knows whether the broker has taken a message over.
    pub(crate) fn lose(&self) {
        self.lock().lost += 1;
    }

    /// Compares it with what was done; panics where a promise is broken.
    pub(crate) fn check(&self, calls: u64, done: &Done) -> Tally {
        let pages = self.lock();
        let mut tally = Tally {
            keys: done.keys.len(),
            spared: done.spared,
            unconfirmed: pages.lost,
            latest: pages.latest,
            ..Tally::default()
        };
        assert_eq!(pages.calls.len() as u64, calls, "calls without an end");
        for (&number, Entry { key, attempts }) in &pages.calls {
            tally.calls += 1;
            for (attempt, ending) in attempts.iter().enumerate() {
                let executed = done.executions.get(&(number, attempt as u32));
                let (begun, ended) = executed.copied().unwrap_or_default();
                let what =
                    || format!("call {number}, attempt {attempt}: {attempts:?}, {begun} begun");
                match ending {
                    Ending::Answered => assert!(ended > 0, "answered and not done: {}", what()),
                    Ending::NotExecuted(_) => assert_eq!(begun, 0, "executed: {}", what()),
                    Ending::Unknown(_) => {}
                }
                tally.attempts += 1;
                tally.executions += begun;
                tally.repeated += begun.saturating_sub(1);
                *tally.endings.entry(ending.to_string()).or_default() += 1;
            }
            let answered = attempts.iter().filter(|ending| **ending == Ending::Answered).count();
            assert!(answered <= 1, "call {number} was answered twice: {attempts:?}");
            tally.answered += answered;
            if let Some(key) = key {
                assert_eq!(answered, 1, "call {number} with a key was not answered: {attempts:?}");
                assert_eq!(done.keys.get(key), Some(&number), "the effect of {key}");
            }
        }
        let keyed = pages.calls.values().filter(|entry| entry.key.is_some()).count();
        assert_eq!(done.keys.len(), keyed, "effects of nobody's key");
        for number in &pages.confirmed {
            tally.confirmed += 1;
            let executed = done.executions.get(&(*number, 0)).copied().unwrap_or_default();
            assert!(executed.1 > 0, "message {number} was confirmed and is lost: {executed:?}");
        }
        tally
    }
}

impl Tally {
    /// How much later than its deadline a call ended, at most.
    pub(crate) fn latest(&self) -> Duration {
        self.latest
    }
}

impl Ending {
    /// Of a call with this number.
    pub(crate) fn of(number: u64, answer: &Result<u64, Error>) -> Self {
        match answer {
            Ok(stamp) if *stamp == self::stamp(number) => Self::Answered,
            Err(Error::NotExecuted(reason)) => Self::NotExecuted(word(reason)),
            Err(Error::Unknown(reason)) => Self::Unknown(word(reason)),
            other => panic!("call {number} ended with {other:?}"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => f.write_str("answered"),
            Self::NotExecuted(why) => write!(f, "not executed ({why})"),
            Self::Unknown(why) => write!(f, "unknown ({why})"),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, attempts, endings, answered, executions, .. } = self;
        write!(f, "{calls} calls in {attempts} attempts, {answered} calls answered; attempts: ")?;
        for (ending, count) in endings {
            write!(f, "{count} {ending}, ")?;
        }
        let Self { repeated, keys, spared, confirmed, unconfirmed, latest, .. } = self;
        write!(
            f,
            "{executions} executions, {repeated} of them again; {keys} effects by key, each once, \
             {spared} of them asked for again; {confirmed} notifications confirmed, 0 lost, \
             {unconfirmed} unconfirmed; at most {latest:?} later than a deadline"
        )
    }
}

/// The one right answer to a call.
pub(crate) fn stamp(number: u64) -> u64 {
    number * 1_000_003 + 17
}

fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::Timeout(_) => "timeout",
        Reason::Closed(_) => "closed",
        Reason::Connect(_) => "connect",
        Reason::Io(_) => "lost",
        Reason::Limit(reached) => reached.name,
        Reason::Refused(_) => "refused",
        _ => "another reason",
    }
}
