//! [`Ledger`]: every call, how often it was executed and how it ended.

use tinyrpc_core::{Error, Outcome};

use super::script::End;

/// All calls and notifications, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) caller: End,
    /// When it must have ended; `None` where nobody said.
    pub(super) deadline: Option<u64>,
    executed: u32,
    is_notification: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Waiting,
    Ended(Result<(), Error>),
    GivenUp,
}

impl Entry {
    pub(super) fn call(caller: End, deadline: Option<u64>) -> Self {
        Self { caller, deadline, executed: 0, is_notification: false, state: State::Waiting }
    }

    pub(super) fn notification(caller: End) -> Self {
        Self { is_notification: true, ..Self::call(caller, None) }
    }
}

impl Ledger {
    pub(super) fn open(&mut self, entry: Entry) -> usize {
        self.entries.push(entry);
        self.entries.len() - 1
    }

    pub(super) fn execute(&mut self, number: usize) {
        self.entries[number].executed += 1;
    }

    /// A call ended, which it does once.
    pub(super) fn end(&mut self, number: usize, result: Result<(), Error>) {
        let entry = &mut self.entries[number];
        assert!(matches!(entry.state, State::Waiting), "{entry:?} ends again: {result:?}");
        entry.state = State::Ended(result);
    }

    pub(super) fn give_up(&mut self, number: usize) {
        let state = &mut self.entries[number].state;
        if matches!(state, State::Waiting) {
            *state = State::GivenUp;
        }
    }

    pub(super) fn entry(&self, number: usize) -> &Entry {
        &self.entries[number]
    }

    /// A call that has not ended.
    pub(super) fn waiting(&self) -> Option<usize> {
        self.entries.iter().position(|entry| matches!(entry.state, State::Waiting))
    }

    /// A call that should have ended by now.
    pub(super) fn overdue(&self, now: u64) -> Option<usize> {
        self.entries.iter().position(|entry| {
            matches!(entry.state, State::Waiting) && entry.deadline.is_some_and(|time| time <= now)
        })
    }

    /// The first deadline of a call of one end.
    pub(super) fn deadline(&self, end: End) -> Option<u64> {
        let waiting = |entry: &&Entry| matches!(entry.state, State::Waiting) && entry.caller == end;
        self.entries.iter().filter(waiting).filter_map(|entry| entry.deadline).min()
    }

    /// How a call ended says how often it was executed.
    pub(super) fn check(&self) {
        for (number, entry) in self.entries.iter().enumerate() {
            let times = match &entry.state {
                State::Waiting => panic!("call {number} has no end: {entry:?}"),
                State::GivenUp => 0..=1,
                State::Ended(Ok(())) if entry.is_notification => 0..=1,
                State::Ended(Ok(())) => 1..=1,
                State::Ended(Err(error)) => match error.outcome() {
                    Outcome::Answered => 1..=1,
                    Outcome::NotExecuted => 0..=0,
                    Outcome::Unknown => 0..=1,
                },
            };
            assert!(times.contains(&entry.executed), "call {number}: {entry:?}");
        }
    }
}
