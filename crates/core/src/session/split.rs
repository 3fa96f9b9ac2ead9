//! Splitting: a large message travels in chunks, between which small ones find their way.
//!
//! Only to a peer that has said that it takes chunks. A chunk is sent when everything before it
//! has left, one of each message in turn, and only as far as the peer's window allows: window
//! over throughput is how long a small message can be held up.

use std::collections::VecDeque;

use super::Session;
use crate::{Chunk, Message, Reason, outgoing::Kind, rope::Rope, streams::Terms};

/// What is being sent in chunks.
#[derive(Debug, Default)]
pub(super) struct Splits {
    /// Messages that must not be begun yet.
    waiting: VecDeque<Sending>,
    /// The size of `waiting`: as much as any other bytes that wait to be sent.
    held: usize,
    /// Messages of which parts are sent in turn.
    sending: VecDeque<Sending>,
    /// How many bytes `sending` had at first: what the peer may have to keep.
    admitted: usize,
    last: u32,
    /// Bytes that may be sent before the peer grants more; `None` before the first.
    window: Option<u32>,
    /// The number of the last whole message beside which a chunk was sent.
    beside: Option<u64>,
}

#[derive(Debug)]
struct Sending {
    message: u32,
    /// Which segment of the queue it was.
    number: u64,
    kind: Kind,
    size: usize,
    /// What is left of it.
    bytes: Rope,
}

impl Splits {
    /// Bytes of messages that wait to be begun.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// The first segment of which a part was not sent.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.iter().chain(&self.sending).map(|sending| sending.number).min()
    }

    /// True where a part of a segment was not sent.
    pub(super) fn holds(&self, number: u64) -> bool {
        self.waiting.iter().chain(&self.sending).any(|sending| sending.number == number)
    }

    /// Takes a segment out of which nothing was sent; false where there is none.
    fn take_waiting(&mut self, number: u64) -> Option<Sending> {
        let at = self.waiting.iter().position(|sending| sending.number == number)?;
        let taken = self.waiting.remove(at)?;
        self.held -= taken.size;
        Some(taken)
    }

    /// Forgets what was to be sent.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.sending.clear();
        (self.held, self.admitted) = (0, 0);
    }

    /// True while a notification or a value of a stream is among them: later ones keep behind it.
    fn has_notification(&self) -> bool {
        let mut all = self.waiting.iter().chain(&self.sending);
        all.any(|sending| sending.kind == Kind::Notification)
    }

    /// Lets messages begin for as long as the peer can keep the parts of all of them. Of
    /// notifications only one is sent at a time, and none where one that goes whole is `ahead`.
    fn admit(&mut self, terms: &Terms, ahead: bool) {
        let mut at = 0;
        while let Some(next) = self.waiting.get(at) {
            let is_notification = |other: &Sending| other.kind == Kind::Notification;
            if is_notification(next) && (ahead || self.sending.iter().any(is_notification)) {
                at += 1;
                continue;
            }
            let fits =
                self.sending.len() < terms.splits && self.admitted + next.size <= terms.split;
            if !fits && !self.sending.is_empty() {
                return;
            }
            self.held -= next.size;
            self.admitted += next.size;
            self.sending.extend(self.waiting.remove(at));
        }
    }
}

impl Session {
    /// Takes those messages from the queue that are to be sent in chunks.
    pub(super) fn cut(&mut self) {
        let Some(terms) = self.calls.terms().filter(|terms| terms.chunk > 0).copied() else {
            return;
        };
        let native = self.links.get(self.tongue).and_then(|link| link.wire.profile.chunk);
        if native.is_none()
            && let Some(most) = terms.whole()
        {
            self.outgoing.set_whole(most);
        }
        let whole = match terms.whole() {
            Some(most) if native.is_none() => WHOLE.min(most),
            _ => 0,
        };
        // A value that is short enough is not cut: that would cost it two more copies.
        while let Some((number, segment, kind)) = self.outgoing.take_segment(|size, kind| {
            size <= whole && kind == Kind::Notification && !self.splits.has_notification()
        }) {
            self.splits.last = self.splits.last.wrapping_add(1);
            let (message, bytes) = (self.splits.last, self.unframe(segment));
            self.splits.held += bytes.len();
            let size = bytes.len();
            self.splits.waiting.push_back(Sending { message, number, kind, size, bytes });
        }
        self.splits.admit(&terms, self.outgoing.has_large_notification());
    }

    /// Sends the next chunks, as far as the queue is empty and the window open.
    pub(super) fn split(&mut self) {
        let Some(terms) = self.calls.terms().filter(|terms| terms.chunk > 0).copied() else {
            return;
        };
        let size = terms.chunk;
        // The queue holds at most two chunks: what comes after them waits no longer than that.
        while self.outgoing.len() < size as usize || self.may_stand_beside(size) {
            let Some(length) = self.next_part(&terms) else { return };
            let window = *self.splits.window.get_or_insert(terms.window);
            let Some(sending) = self.splits.sending.front_mut() else { return };
            self.outgoing.segment_begun(sending.number);
            let part = sending.bytes.take(length);
            let last = sending.bytes.is_empty();
            self.splits.window = Some(window - part.len() as u32);
            let chunk = Chunk { message: sending.message, last, bytes: part.as_ref().into() };
            if self.say(&Message::Chunk(chunk)).is_err() {
                let why = "the protocol has a chunk size but no chunks";
                return self.close(Reason::Closed(why.into()));
            }
            if !last {
                self.splits.sending.rotate_left(1);
            } else if let Some(sent) = self.splits.sending.pop_front() {
                self.outgoing.segment_sent(sent.kind);
                self.splits.admitted -= sent.size;
                self.splits.admit(&terms, self.outgoing.has_large_notification());
            }
        }
    }

    /// True where a chunk may go beside a whole message that waits: one for each, so that neither
    /// holds up the other for long.
    fn may_stand_beside(&mut self, size: u32) -> bool {
        let Some(number) = self.outgoing.first_segment() else { return false };
        self.outgoing.small_len() < size as usize
            && self.splits.beside.replace(number) != Some(number)
    }

    /// True while a part of a message waits for the queue or the window, or all of it for its turn.
    pub(super) fn is_splitting(&self) -> bool {
        !self.splits.sending.is_empty() || !self.splits.waiting.is_empty()
    }

    /// True when the queue and the window have room for another part.
    pub(super) fn can_split(&self) -> bool {
        let Some(terms) = self.calls.terms() else { return false };
        // What may not begin yet waits for the queue.
        let ready = !self.splits.sending.is_empty() || self.outgoing.is_empty();
        let goes = self.splits.sending.is_empty() || self.next_part(terms).is_some();
        self.is_splitting() && ready && goes && self.outgoing.len() < terms.chunk as usize
    }

    /// How long the next chunk is; `None` where there is none, or the window is too small for it.
    fn next_part(&self, terms: &Terms) -> Option<usize> {
        let window = self.splits.window.unwrap_or(terms.window);
        let left = self.splits.sending.front()?.bytes.len();
        let native = self.links.get(self.tongue)?.wire.profile.chunk.is_some();
        // Of our own chunks only the last of a message is shorter than the others.
        let most = if native { terms.chunk.min(window) } else { terms.part() };
        let length = left.min(most as usize);
        (length > 0 && length <= window as usize).then_some(length)
    }

    /// The peer took in what was sent.
    pub(super) fn split_credit(&mut self, amount: u32) {
        if let Some(window) = &mut self.splits.window {
            *window = window.saturating_add(amount);
        }
    }

    /// Takes back a message of which nothing was sent; false where there is none.
    pub(super) fn take_back(&mut self, number: u64) -> bool {
        if self.outgoing.take_back(number) {
            return true;
        }
        let Some(taken) = self.splits.take_waiting(number) else { return false };
        self.outgoing.segment_sent(taken.kind);
        true
    }

    /// The message without the framing that it was encoded with. What stands in several parts has
    /// none.
    fn unframe(&self, segment: Rope) -> Rope {
        match (self.links.get(self.tongue), segment.alone()) {
            (Some(link), Some(bytes)) => bytes.slice(link.wire.unframe(bytes)).into(),
            _ => segment,
        }
    }
}

/// The largest value of a stream that is sent whole: small messages wait for it no longer than for
/// the largest window of chunks between neighbours, and it is spared the copies.
const WHOLE: usize = 128 << 10;
