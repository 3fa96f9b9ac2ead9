//! `Ledger`: what was promised and what was done, call by call.
//!
//! A call travels with its number in the ledger. The caller notes when it was made and how it
//! ended, the handler that it was begun and finished; [`check`](crate::check) compares the two.

use std::{
    collections::HashMap,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tinyrpc::{Error, Reason};
use tokio::time::Instant;

/// The book of all calls of one server's time.
#[derive(Debug)]
pub(crate) struct Ledger {
    start: Instant,
    entries: Mutex<Vec<Entry>>,
    /// What happens to the connections, by the numbers that their clients have as makers.
    stories: Mutex<HashMap<usize, String>>,
    /// Handlers that were begun and neither finished nor dropped.
    alive: AtomicUsize,
}

/// One call or notification.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) method: &'static str,
    pub(crate) maker: Maker,
    pub(crate) made: Duration,
    /// Zero for none.
    pub(crate) timeout: Duration,
    pub(crate) begun: u32,
    pub(crate) first_begun: Duration,
    pub(crate) finished: u32,
    pub(crate) last_finished: Duration,
    pub(crate) ended: Option<(Ending, Duration)>,
}

/// Who made a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Maker {
    /// The client of the connection that is the how-manieth.
    Client(usize),
    /// The server, on the connection that it accepted as the how-manieth.
    Server(usize),
    /// A handler, during the call of this number.
    Handler(usize),
}

/// How a call ended for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With the result that belongs to it.
    Result,
    /// With a result that belongs to another call, or to none.
    Wrong,
    /// With an error of this code.
    Error(i64),
    NotExecuted(&'static str),
    Unknown(&'static str),
    /// The caller dropped the future.
    Dropped,
    /// A notification was sent, as far as its sender knows.
    Sent,
}

impl Ledger {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            entries: Mutex::default(),
            stories: Mutex::default(),
            alive: AtomicUsize::new(0),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// When the book was opened.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// Notes what is going to happen to a connection.
    pub(crate) fn tell(&self, number: usize, story: String) {
        self.stories.lock().unwrap_or_else(PoisonError::into_inner).insert(number, story);
    }

    /// What happened to the connection of a client.
    pub(crate) fn story(&self, number: usize) -> String {
        let stories = self.stories.lock().unwrap_or_else(PoisonError::into_inner);
        stories.get(&number).cloned().unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    /// How many handlers are neither done nor dropped.
    pub(crate) fn alive(&self) -> usize {
        self.alive.load(SeqCst)
    }

    /// Notes that a call is about to be made.
    pub(crate) fn make(
        self: &Arc<Self>,
        method: &'static str,
        maker: Maker,
        timeout: Duration,
    ) -> Made {
        let mut entries = self.lock();
        let number = entries.len();
        entries.push(Entry {
            method,
            maker,
            made: self.now(),
            timeout,
            begun: 0,
            first_begun: Duration::ZERO,
            finished: 0,
            last_finished: Duration::ZERO,
            ended: None,
        });
        Made { ledger: Arc::clone(self), number, open: true }
    }

    /// Notes that a handler has begun.
    pub(crate) fn begin(self: &Arc<Self>, number: u64) -> Execution {
        let number = number as usize;
        self.alive.fetch_add(1, SeqCst);
        let now = self.now();
        // A number that was never given out is noticed by the call that misses its execution.
        if let Some(entry) = self.lock().get_mut(number) {
            if entry.begun == 0 {
                entry.first_begun = now;
            }
            entry.begun += 1;
        }
        Execution { ledger: Arc::clone(self), number }
    }

    fn end(&self, number: usize, ending: Ending) {
        let now = self.now();
        let entry = &mut self.lock()[number];
        assert!(entry.ended.is_none(), "call {number} ended twice: {entry:?}, then {ending:?}");
        entry.ended = Some((ending, now));
    }
}

/// A call that was made; dropping it notes that its future was dropped.
#[derive(Debug)]
pub(crate) struct Made {
    ledger: Arc<Ledger>,
    number: usize,
    open: bool,
}

impl Made {
    /// What the call carries.
    pub(crate) fn number(&self) -> u64 {
        self.number as u64
    }

    /// Notes how the call ended; breaks off where no other one can be made.
    pub(crate) fn end(self, answer: &Result<u64, Error>) -> ControlFlow<()> {
        let ending = match answer {
            Ok(stamp) if *stamp == self::stamp(self.number()) => Ending::Result,
            Ok(_) | Err(Error::Mismatch(_)) => Ending::Wrong,
            Err(Error::Answered(error)) => Ending::Error(error.code.0),
            Err(Error::NotExecuted(reason)) => Ending::NotExecuted(word(reason)),
            Err(Error::Unknown(reason)) => Ending::Unknown(word(reason)),
            Err(_) => Ending::Wrong,
        };
        self.close(ending);
        match ending {
            Ending::NotExecuted("closed" | "lost" | "unsupported")
            | Ending::Unknown("closed" | "lost") => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    /// Notes how a notification ended.
    pub(crate) fn sent(self, sent: &Result<(), Error>) -> ControlFlow<()> {
        match sent {
            Ok(()) => {
                self.close(Ending::Sent);
                ControlFlow::Continue(())
            }
            Err(error) => self.end(&Err(error.clone())),
        }
    }

    fn close(mut self, ending: Ending) {
        self.open = false;
        self.ledger.end(self.number, ending);
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if self.open {
            self.ledger.end(self.number, Ending::Dropped);
        }
    }
}

/// A handler at work.
#[derive(Debug)]
pub(crate) struct Execution {
    ledger: Arc<Ledger>,
    number: usize,
}

impl Execution {
    /// The handler is done; gives what it answers.
    pub(crate) fn finish(self) -> u64 {
        let now = self.ledger.now();
        if let Some(entry) = self.ledger.lock().get_mut(self.number) {
            entry.finished += 1;
            entry.last_finished = now;
        }
        stamp(self.number as u64)
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.ledger.alive.fetch_sub(1, SeqCst);
    }
}

/// The one right answer to a call.
fn stamp(number: u64) -> u64 {
    // It fits into 53 bits, and no two calls have the same.
    number * 1_000_003 + 17
}

fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::Timeout(_) => "timeout",
        Reason::Closed(_) => "closed",
        Reason::Connect(_) => "connect",
        Reason::Io(_) => "lost",
        Reason::Encode(_) => "encode",
        Reason::Limit(reached) => reached.name,
        Reason::Unsupported(_) => "unsupported",
        Reason::Refused(_) => "refused",
        Reason::Invalid(_) => "invalid",
        _ => "another reason",
    }
}
