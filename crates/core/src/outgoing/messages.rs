//! What transports of messages take: one after the other, with the ends of their exchanges between.

use bytes::Bytes;

use super::{Outgoing, Peeked, Taken};
use crate::{Frame, Lane};

impl Outgoing {
    /// Transports of messages: the next thing to do.
    pub fn pop(&mut self) -> Option<Taken> {
        if !self.withdrawn.is_empty() {
            self.skip_withdrawn();
        }
        let Some(cut) = self.cuts.front_mut() else {
            return self.pop_large();
        };
        if cut.end > self.head {
            let bytes = self.bytes.get(self.head..cut.end).unwrap_or_default();
            let frame =
                Frame { lane: cut.lane, bytes: Bytes::copy_from_slice(bytes), hint: cut.hint };
            self.head = cut.end;
            if cut.ended.is_none() {
                self.cuts.pop_front();
            }
            self.settle();
            return Some(Taken::Frame(frame));
        }
        let cut = self.cuts.pop_front()?;
        let how = cut.ended?;
        self.take_end();
        Some(Taken::Ended(cut.lane, how))
    }

    /// Transports of messages: the next thing to do, which stays in the queue until
    /// [`Outgoing::drop_first`]. What a transport has no room for is not taken by a look at it.
    pub fn peek(&mut self) -> Option<Peeked<'_>> {
        if !self.withdrawn.is_empty() {
            self.skip_withdrawn();
        }
        if let Some(cut) = self.cuts.front() {
            if cut.end > self.head {
                let bytes = self.bytes.get(self.head..cut.end).unwrap_or_default();
                return Some(Peeked::Frame { lane: cut.lane, bytes, hint: cut.hint });
            }
            return cut.ended.map(|how| Peeked::Ended(cut.lane, how));
        }
        let segment = self.large.front()?;
        if segment.begun {
            return segment.ended.map(|how| Peeked::Ended(segment.lane, how));
        }
        let bytes = segment.bytes.first();
        Some(Peeked::Frame { lane: segment.lane, bytes, hint: segment.hint })
    }

    /// Transports of messages: says that what [`Outgoing::peek`] showed is done.
    pub fn drop_first(&mut self) {
        let Some(cut) = self.cuts.front() else {
            self.pop_large();
            return;
        };
        if cut.end == self.head {
            self.cuts.pop_front();
            self.take_end();
            return;
        }
        self.head = cut.end;
        if cut.ended.is_none() {
            self.cuts.pop_front();
        }
        self.settle();
    }

    /// Has the message of a lane never be sent; it was not taken.
    pub(crate) fn withdraw(&mut self, lane: Lane) {
        self.withdrawn.insert(lane);
    }

    fn skip_withdrawn(&mut self) {
        while let Some(cut) = self.cuts.front() {
            if cut.end == self.head || !self.withdrawn.remove(&cut.lane) {
                return;
            }
            self.head = cut.end;
            if cut.ended.is_none() {
                self.cuts.pop_front();
            }
            self.settle();
        }
        while let Some(segment) = self.large.front()
            && !segment.begun
            && self.withdrawn.remove(&segment.lane)
        {
            self.pop_large();
        }
    }

    fn pop_large(&mut self) -> Option<Taken> {
        let segment = self.large.front_mut()?;
        if !std::mem::replace(&mut segment.begun, true) {
            self.large_begun = self.large_begun.max(segment.number + 1);
            let bytes = std::mem::take(&mut segment.bytes).whole();
            self.large_bytes -= bytes.len();
            self.large_taken += bytes.len() as u64;
            let (lane, hint) = (segment.lane, segment.hint);
            if segment.ended.is_none() {
                self.drop_segment();
            }
            return Some(Taken::Frame(Frame { lane, bytes, hint }));
        }
        let (lane, ended) = (segment.lane, segment.ended);
        self.drop_segment();
        let how = ended?;
        self.take_end();
        Some(Taken::Ended(lane, how))
    }
}
