//! `Roster`: the connections among which the calls of one caller are shared out.

use std::{sync::Arc, task::Waker, time::Duration};

use crate::{Caller, Format, Reason, Runtime};

/// Says over which of several connections each call goes.
///
/// For authors of clients over several addresses; `tinyrpc` has one. A caller over a roster
/// ([`Caller::over`]) asks it once for each attempt, and again where the connection that it chose
/// is gone. A call that may have been executed is repeated only if it was marked idempotent and
/// [`Roster::may_repeat`] says so.
pub trait Roster: Send + Sync {
    /// Chooses a connection.
    fn choose(&self, wanted: &Wanted<'_>) -> Choice;

    /// Has a caller woken when [`Roster::choose`] may have another answer. `place` is its place
    /// among those who wait, where it has one; it gets one here.
    fn wait(&self, place: &mut Option<u64>, waker: &Waker);

    /// The caller of this place waits no longer.
    fn leave(&self, place: u64);

    /// The peer of this connection has said that it shuts down: it is not chosen any more.
    fn leaving(&self, caller: &Caller);

    /// A call found nobody over this connection, which goes on: each of its exchanges goes by a way
    /// of its own. It is not chosen any more, or not before it was looked after.
    fn unreachable(&self, caller: &Caller);

    /// Takes one repetition out of the budget, which bounds the load that they add; false where
    /// nothing is left of it.
    fn may_repeat(&self) -> bool;

    /// Why nobody was there for so long.
    fn absence(&self, waited: Duration) -> Reason;

    /// Why no more calls can be made; `None` while they can.
    fn closed(&self) -> Option<Reason>;

    /// The format in which a batch is encoded before its connection is chosen.
    fn format(&self) -> Option<Format>;

    /// How many calls are in flight, over all connections.
    fn in_flight(&self) -> usize;

    /// Time, for calls that wait until somebody is there.
    fn runtime(&self) -> &Arc<dyn Runtime>;
}

/// What a call wants of a connection.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Wanted<'a> {
    /// Its params are encoded already, in this format.
    pub format: Option<Format>,
    /// It was tried over this connection last: another one is better.
    pub avoid: Option<&'a Caller>,
    /// It was tried over none.
    pub first: bool,
}

impl Wanted<'_> {
    /// Any connection.
    pub(crate) fn any(format: Option<Format>) -> Self {
        Self { format, avoid: None, first: true }
    }
}

/// What a roster says.
#[derive(Clone, Debug)]
pub enum Choice {
    /// Over this connection.
    Over(Caller),
    /// Nobody is there at the moment.
    Nobody,
    /// Nobody will be there any more.
    Closed(Reason),
}
