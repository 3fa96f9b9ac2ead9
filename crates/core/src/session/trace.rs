//! What the session tells a [`WireTrace`], and when.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::Session;
use crate::{Direction, Ended, Lane, PeerAddress, WireTrace, calls::Collected, outgoing::Kind};

/// Who is told, and whose messages they are.
pub(super) struct Trace {
    hook: Arc<dyn WireTrace>,
    peer: PeerAddress,
}

impl Trace {
    pub(super) fn new(hook: Arc<dyn WireTrace>, peer: PeerAddress) -> Self {
        Self { hook, peer }
    }
}

impl Session {
    /// Puts the frame that was encoded from `start` on into the queue.
    #[inline]
    pub(super) fn queue(&mut self, start: usize, lane: Lane, kind: Kind, ended: Option<Ended>) {
        // The message that a chunk is a part of was told as a whole.
        if self.trace.is_some() && kind != Kind::Part {
            self.trace_queued(start);
        }
        self.outgoing.commit(start, lane, kind, ended);
    }

    /// A message came, or bytes that are none.
    #[cold]
    pub(super) fn trace_received(&mut self, message: &[u8]) {
        let Some(trace) = self.trace.take_if(|_| !message.is_empty()) else { return };
        self.trace = tell(trace, Direction::Received, message);
    }

    /// An answer is encoded in the queue, from `start` on.
    #[cold]
    fn trace_queued(&mut self, start: usize) {
        let Some(link) = self.links.get(self.tongue) else { return };
        let Some(trace) = self.trace.take() else { return };
        let frame = self.outgoing.encode().get(start..).unwrap_or_default();
        let message = frame.get(link.wire.unframe(frame)).unwrap_or_default();
        self.trace = tell(trace, Direction::Sent, message);
    }

    /// What callers wrote was moved into the queue.
    #[cold]
    pub(super) fn trace_collected(&mut self, collected: &Collected) {
        let Some(link) = self.links.get(self.tongue) else { return };
        for frame in self.outgoing.marked(collected.base, &collected.marks) {
            let Some(trace) = self.trace.take() else { return };
            let message = frame.get(link.wire.unframe(frame)).unwrap_or_default();
            self.trace = tell(trace, Direction::Sent, message);
        }
    }
}

/// Calls the hook, and gives it back unless it panicked.
fn tell(trace: Trace, direction: Direction, message: &[u8]) -> Option<Trace> {
    let told = catch_unwind(AssertUnwindSafe(|| {
        trace.hook.message(direction, &trace.peer, message);
    }));
    // What it panicked with is a value of the user, which may panic again when it is dropped.
    told.map_err(std::mem::forget).is_ok().then_some(trace)
}
