//! What the session tells a [`WireTrace`], and when.

use std::{
    borrow::Cow,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::Session;
use crate::{
    Direction, Ended, Invalid, Lane, Message, PayloadRef, PeerAddress, WireTrace,
    outgoing::Kind,
    outgoing::{Base, Mark},
};

/// Who is told, and whose messages they are.
pub(super) struct Trace {
    hook: Arc<dyn WireTrace>,
    peer: PeerAddress,
}

impl Trace {
    pub(super) fn new(hook: Arc<dyn WireTrace>, peer: PeerAddress) -> Self {
        Self { hook, peer }
    }

    /// Calls the hook, and gives it back unless it panicked.
    fn tell(self, direction: Direction, message: &[u8], hidden: &[Range<usize>]) -> Option<Self> {
        if message.is_empty() {
            return Some(self);
        }
        let shown = without(message, hidden);
        let told = catch_unwind(AssertUnwindSafe(|| {
            self.hook.message(direction, &self.peer, &shown);
        }));
        // What it panicked with is a value of the user, which may panic again when it is dropped.
        told.map_err(std::mem::forget).is_ok().then_some(self)
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

    /// A message came.
    #[cold]
    pub(super) fn trace_message(
        &mut self,
        frame: &[u8],
        message: &Result<Message<'_>, Invalid<'_>>,
    ) {
        if matches!(message, Ok(Message::Chunk(_))) {
            return;
        }
        let hidden = match self.gate.is_closed() {
            true => secrets(frame, message),
            false => [0..0, 0..0],
        };
        self.trace =
            self.trace.take().and_then(|trace| trace.tell(Direction::Received, frame, &hidden));
    }

    /// Bytes came that are no message.
    #[cold]
    pub(super) fn trace_nonsense(&mut self, bytes: &[u8]) {
        let hidden = if self.gate.is_closed() { 0..bytes.len() } else { 0..0 };
        self.trace =
            self.trace.take().and_then(|trace| trace.tell(Direction::Received, bytes, &[hidden]));
    }

    /// An answer is encoded in the queue, from `start` on.
    #[cold]
    fn trace_queued(&mut self, start: usize) {
        let Some(link) = self.links.get(self.tongue) else { return };
        let Some(trace) = self.trace.take() else { return };
        let frame = self.outgoing.encode().get(start..).unwrap_or_default();
        let message = frame.get(link.wire.unframe(frame)).unwrap_or_default();
        self.trace = trace.tell(Direction::Sent, message, &[]);
    }

    /// What callers wrote was moved into the queue.
    #[cold]
    pub(super) fn trace_collected(&mut self, base: Base, marks: &[Mark]) {
        let Some(link) = self.links.get(self.tongue) else { return };
        for (frame, hidden) in self.outgoing.marked(base, marks) {
            let Some(trace) = self.trace.take() else { return };
            let place = link.wire.unframe(frame);
            let start = |at: usize| at.saturating_sub(place.start);
            let hidden = start(hidden.start)..start(hidden.end);
            let message = frame.get(place).unwrap_or_default();
            self.trace = trace.tell(Direction::Sent, message, &[hidden]);
        }
    }
}

/// What is not shown of a message of a peer about which nobody has decided: the params by which it
/// proves who it is, and whatever might be such params.
fn secrets(frame: &[u8], message: &Result<Message<'_>, Invalid<'_>>) -> [Range<usize>; 2] {
    let all = [0..frame.len(), 0..0];
    let place = |params: Option<PayloadRef<'_>>| match params {
        Some(params) if !params.bytes.is_empty() => place(frame, params.bytes),
        _ => Some(0..0),
    };
    match message {
        Ok(Message::Request(request)) => {
            match (place(Some(request.params)), place(request.named)) {
                (Some(params), Some(named)) => [params, named],
                _ => all,
            }
        }
        Ok(Message::Batch(_)) | Err(_) => all,
        Ok(_) => [0..0, 0..0],
    }
}

/// Where a slice of `whole` is.
fn place(whole: &[u8], part: &[u8]) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start..end)
}

/// A message with asterisks over some parts of it.
fn without<'m>(message: &'m [u8], hidden: &[Range<usize>]) -> Cow<'m, [u8]> {
    let mut shown = Cow::Borrowed(message);
    for range in hidden {
        let range = range.start..range.end.min(message.len());
        if !range.is_empty()
            && let Some(part) = shown.to_mut().get_mut(range)
        {
            part.fill(b'*');
        }
    }
    shown
}
