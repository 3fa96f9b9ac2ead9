//! What a ledger must show when all is over, and the table of calls that broke a promise.

use std::{
    fmt::{self, Write},
    time::Duration,
};

use tinyrpc_core::Code;

use crate::{
    control::Control,
    ledger::{Ending, Entry, Ledger, Maker},
};

/// What the calls of a ledger came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: usize,
    pub(crate) answered: usize,
    pub(crate) not_executed: usize,
    pub(crate) unknown: usize,
    pub(crate) dropped: usize,
    pub(crate) sent: usize,
    /// The call that ended latest behind its deadline.
    pub(crate) latest: Duration,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.answered += other.answered;
        self.not_executed += other.not_executed;
        self.unknown += other.unknown;
        self.dropped += other.dropped;
        self.sent += other.sent;
        self.latest = self.latest.max(other.latest);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { calls, answered, not_executed, unknown, dropped, sent, latest } = self;
        write!(
            f,
            "{calls} calls: {answered} answered, {not_executed} not executed, {unknown} unknown, \
             {dropped} dropped, {sent} notifications; at most {latest:?} late"
        )
    }
}

/// Checks every promise.
///
/// # Errors
///
/// How many were broken, and the first of them in full.
pub(crate) fn check(ledger: &Ledger, slack: Duration, control: &Control) -> Result<Tally, String> {
    let entries = ledger.entries();
    let mut tally = Tally { calls: entries.len(), ..Tally::default() };
    let mut broken = Vec::new();
    for (number, entry) in entries.iter().enumerate() {
        match entry.ended.map(|(ending, _)| ending) {
            Some(Ending::Result | Ending::Error(_) | Ending::Wrong) => tally.answered += 1,
            Some(Ending::NotExecuted(_)) => tally.not_executed += 1,
            Some(Ending::Unknown(_)) => tally.unknown += 1,
            Some(Ending::Dropped) => tally.dropped += 1,
            Some(Ending::Sent) => tally.sent += 1,
            None => {}
        }
        let late = entry.late();
        tally.latest = tally.latest.max(late);
        if let Some(why) = entry.broken() {
            broken.push((number, why));
        } else if late > slack + control.lateness(entry.deadline(), entry.end()) {
            broken.push((number, "it was pending for too long behind its deadline"));
        }
    }
    if broken.is_empty() {
        return Ok(tally);
    }
    let mut report = format!("{} of {} calls broke a promise\n", broken.len(), entries.len());
    for (number, why) in broken.into_iter().take(SHOWN) {
        _ = writeln!(report, "\ncall {number}: {why}");
        report.push_str(&history(ledger, &entries, number));
    }
    Err(report)
}

/// The calls that have not ended, for who waits for them in vain.
pub(crate) fn pending(ledger: &Ledger) -> String {
    let entries = ledger.entries();
    let open = entries.iter().enumerate().filter(|(_, entry)| entry.ended.is_none());
    let mut report = format!("{} calls are pending\n", open.clone().count());
    for (number, _) in open.take(SHOWN) {
        report.push_str(&history(ledger, &entries, number));
    }
    report
}

impl Entry {
    /// The promise that was broken.
    fn broken(&self) -> Option<&'static str> {
        let Some((ending, _)) = self.ended else { return Some("it never ended") };
        match ending {
            _ if self.begun > 1 => Some("it was executed more than once"),
            Ending::Wrong => Some("it was answered with the answer to another call"),
            Ending::NotExecuted(_) if self.begun > 0 => Some("it was not executed, and it was"),
            Ending::Result | Ending::Error(_) if self.begun == 0 => {
                Some("it was answered and never executed")
            }
            Ending::Result if self.finished != 1 => Some("it was answered before it was done"),
            Ending::Result if self.fails().is_some() => Some("it failed and has a result"),
            // The answer was over a limit of the side that gave it.
            Ending::Error(code) if code == Code::UNSENDABLE.0 && self.finished == 1 => None,
            Ending::Error(code) if Some(code) != self.fails() => Some("it has a strange error"),
            _ => None,
        }
    }

    /// The code that the method fails with, where it fails.
    fn fails(&self) -> Option<i64> {
        match self.method {
            "panic" | "panic_later" => Some(Code::INTERNAL_ERROR.0),
            "fail" => Some(FAILURE),
            _ => None,
        }
    }

    fn deadline(&self) -> Duration {
        if self.timeout.is_zero() { Duration::MAX } else { self.made + self.timeout }
    }

    fn end(&self) -> Duration {
        self.ended.map_or(Duration::MAX, |(_, at)| at)
    }

    /// How long behind its deadline it ended.
    fn late(&self) -> Duration {
        match self.ended {
            // The caller drops a future when it likes.
            None | Some((Ending::Dropped, _)) => Duration::ZERO,
            Some((_, at)) => at.saturating_sub(self.deadline()),
        }
    }
}

/// What is known about one call, about the one that it was made in, and about their connection.
fn history(ledger: &Ledger, entries: &[Entry], number: usize) -> String {
    let Some(entry) = entries.get(number) else { return String::new() };
    let mut lines = vec![(
        entry.made,
        format!("{:?} makes `{}`, for {:?}", entry.maker, entry.method, entry.timeout),
    )];
    if entry.begun > 0 {
        lines.push((entry.first_begun, format!("its handler is begun, {} in all", entry.begun)));
    }
    if entry.finished > 0 {
        lines.push((entry.last_finished, format!("its handler is done, {}", entry.finished)));
    }
    if let Some((ending, at)) = entry.ended {
        lines.push((at, format!("it ends: {ending:?}")));
    }
    lines.sort_by_key(|(at, _)| *at);
    let mut table = String::new();
    for (at, what) in lines {
        _ = writeln!(table, "{:>14.3} ms | {number:>7} | {what}", at.as_secs_f64() * 1000.0);
    }
    match entry.maker {
        Maker::Handler(outer) => table.push_str(&history(ledger, entries, outer)),
        Maker::Client(connection) => _ = writeln!(table, "{}", ledger.story(connection)),
        Maker::Server(_) => {}
    }
    table
}

/// The code of an error of the application.
pub(crate) const FAILURE: i64 = 17;
/// How many calls are shown in full.
const SHOWN: usize = 5;
