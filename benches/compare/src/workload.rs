//! The workloads: what is called, by how many callers, over how many connections.

use std::fmt;

use clap::ValueEnum;

/// A way to load a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Workload {
    /// One caller: `add(2, 3)`, the next call after the answer.
    Sequential,
    /// 16 callers on one connection.
    Pipelined16,
    /// 64 callers on one connection.
    Pipelined64,
    /// 1024 callers on one connection.
    Pipelined1024,
    /// Notifications as fast as the connection takes them, and a last call as barrier.
    Notify,
    /// 64 connections with 16 callers each, from one process.
    Fanin,
    /// One caller: `book(Book) -> Book`, a struct of about 1 KB.
    Struct,
    /// 64 callers of `book` on one connection.
    Struct64,
    /// One caller of `add` in batches of 64.
    Batch64,
    /// 64 MB in values of 64 KiB, as a stream; a call is one of these values.
    Stream,
    /// 64 MB in one result; a call is 64 KiB of it.
    Large,
    /// One caller of `add`, while 128 MB after 128 MB come as a stream on its connection.
    BesideStream,
    /// The same while they come as one result each.
    BesideResult,
    /// The same while they go as one request each.
    BesideRequest,
}

/// What one caller does over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Calls `add(2, 3)`.
    Add,
    /// Calls `book(Book)`.
    Book,
    /// Calls `add(2, 3)` many times in one batch.
    Batch,
    /// Sends a notification.
    Notify,
    /// Moves [`MOVED`] bytes.
    Move(Way),
    /// Calls `add(2, 3)` while [`BESIDE`] bytes after as many move on the connection.
    Beside(Way),
}

/// How much moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From server to client in values of [`VALUE`] bytes.
    Stream,
    /// From server to client at once.
    Result,
    /// From client to server at once.
    Request,
}

/// Bytes of one value of a stream.
pub(crate) const VALUE: usize = 64 << 10;
/// Bytes that move, where nothing else is done.
pub(crate) const MOVED: usize = 64 << 20;
/// Bytes that move beside small calls.
pub(crate) const BESIDE: usize = 128 << 20;

impl Workload {
    /// What each caller does.
    pub(crate) fn action(self) -> Action {
        match self {
            Self::Sequential
            | Self::Pipelined16
            | Self::Pipelined64
            | Self::Pipelined1024
            | Self::Fanin => Action::Add,
            Self::Struct | Self::Struct64 => Action::Book,
            Self::Batch64 => Action::Batch,
            Self::Notify => Action::Notify,
            Self::Stream => Action::Move(Way::Stream),
            Self::Large => Action::Move(Way::Result),
            Self::BesideStream => Action::Beside(Way::Stream),
            Self::BesideResult => Action::Beside(Way::Result),
            Self::BesideRequest => Action::Beside(Way::Request),
        }
    }

    /// How many connections the client opens.
    pub(crate) fn connections(self) -> usize {
        if self == Self::Fanin { 64 } else { 1 }
    }

    /// How many callers share one connection.
    pub(crate) fn callers_per_connection(self) -> usize {
        match self {
            Self::Sequential
            | Self::Struct
            | Self::Notify
            | Self::Batch64
            | Self::Stream
            | Self::Large
            | Self::BesideStream
            | Self::BesideResult
            | Self::BesideRequest => 1,
            Self::Pipelined16 | Self::Fanin => 16,
            Self::Pipelined64 | Self::Struct64 => 64,
            Self::Pipelined1024 => 1024,
        }
    }

    /// The least time in which it can be measured: several transfers beside the small calls.
    pub(crate) fn least_seconds(self) -> f64 {
        if matches!(self.action(), Action::Beside(_)) {
            2.0
        } else {
            0.0
        }
    }

    /// Whether each call's latency means anything: one caller that waits for its answers.
    pub(crate) fn is_sequential(self) -> bool {
        matches!(self, Self::Sequential | Self::Struct)
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_of(self, f)
    }
}

/// Writes the name by which `value` is known on the command line.
pub(crate) fn name_of(value: &impl ValueEnum, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value.to_possible_value() {
        Some(value) => f.pad(value.get_name()),
        None => Err(fmt::Error),
    }
}
