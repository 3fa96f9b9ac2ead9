//! `Outgoing`: what waits to be taken by a transport, small frames first.

mod marks;
mod messages;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashSet, VecDeque},
    io::IoSlice,
};

use bytes::Bytes;

pub(crate) use self::marks::Mark;
use crate::{Ended, Frame, Hint, Lane, Shape, format::Pieces, rope::Rope};

/// The queue between the session and a [`SendHalf`](crate::SendHalf).
///
/// Small frames are encoded one behind the other into one buffer, so that a stream of bytes
/// writes them all at once. A large frame is a segment of its own, which is never copied; small
/// frames overtake it until its first byte is taken. Two counters say how much was taken: they
/// are what separates *certainly not executed* from *unknown* when a connection is lost.
///
/// INVARIANT: `bytes[head..]` is what was pushed and not taken; `cuts` (only kept when the
/// transport wants messages) holds the end of every frame in it, in order.
#[derive(Debug)]
pub struct Outgoing {
    shape: Shape,
    bytes: Vec<u8>,
    head: usize,
    /// The position in the stream of all small frames of `bytes[0]`.
    base: u64,
    cuts: VecDeque<Cut>,
    large: VecDeque<Segment>,
    large_bytes: usize,
    large_pushed: u64,
    large_begun: u64,
    /// Bytes of segments that were taken.
    large_taken: u64,
    /// Ends of lanes that were taken, and those that wait.
    ends_taken: u64,
    ends: u64,
    /// How many notifications are among the segments that were not sent whole: later ones must
    /// not overtake them.
    large_notifications: usize,
    /// What transports are told about the frames that come next.
    hint: Hint,
    /// From this size on a frame is a segment.
    least_large: usize,
    /// This queue is moved behind another one that holds such notifications.
    follows: bool,
    /// Lanes whose messages are not to be sent any more: nobody waits for them.
    withdrawn: HashSet<Lane>,
    /// There is nobody who could take anything.
    vacant: bool,
    /// Kept where somebody wants to see each message.
    marks: Option<Vec<Mark>>,
}

/// The end of one small frame, or of a lane.
#[derive(Debug)]
struct Cut {
    lane: Lane,
    end: usize,
    hint: Hint,
    ended: Option<Ended>,
}

#[derive(Debug)]
struct Segment {
    /// The how-manieth it was.
    number: u64,
    lane: Lane,
    bytes: Rope,
    hint: Hint,
    kind: Kind,
    ended: Option<Ended>,
    begun: bool,
}

/// What an outgoing frame is, for its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// May be overtaken by smaller frames.
    Call,
    /// Keeps its place among notifications.
    Notification,
    /// A part of a message that is sent in parts: never a segment, or it would be split again.
    Part,
}

/// Where a frame stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the stream of small frames.
    Small(u64),
    /// The how-manieth segment.
    Large(u64),
}

/// What a transport of messages takes.
#[derive(Debug)]
pub enum Taken {
    /// Send this message.
    Frame(Frame),
    /// The lane is done with, in this way; its frame, if there was one, was taken before.
    Ended(Lane, Ended),
}

/// What a transport of messages looks at before it takes it.
#[derive(Debug)]
pub enum Peeked<'a> {
    /// Send this message.
    Frame {
        /// The exchange that it belongs to.
        lane: Lane,
        /// The message without any framing.
        bytes: &'a [u8],
        /// What else is known of it.
        hint: Hint,
    },
    /// The lane is done with, in this way; its frame, if there was one, was taken before.
    Ended(Lane, Ended),
}

impl Outgoing {
    /// An empty queue.
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            bytes: Vec::new(),
            head: 0,
            base: 0,
            cuts: VecDeque::new(),
            large: VecDeque::new(),
            large_bytes: 0,
            large_pushed: 0,
            large_begun: 0,
            large_taken: 0,
            ends_taken: 0,
            ends: 0,
            large_notifications: 0,
            hint: Hint::None,
            least_large: LARGE,
            follows: false,
            withdrawn: HashSet::new(),
            vacant: false,
            marks: None,
        }
    }

    /// True when all was taken.
    pub fn is_empty(&self) -> bool {
        self.head == self.bytes.len() && self.large.is_empty() && self.cuts.is_empty()
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.head + self.large_bytes
    }

    /// Streams: the bytes to write next, empty when there are none.
    pub fn bytes(&self) -> &[u8] {
        match self.large.front() {
            Some(segment) if segment.begun || self.head == self.bytes.len() => {
                segment.bytes.first()
            }
            _ => self.bytes.get(self.head..).unwrap_or_default(),
        }
    }

    /// Streams: true where there is more than [`Outgoing::bytes`] to write.
    pub fn is_scattered(&self) -> bool {
        !self.large.is_empty()
    }

    /// Streams: the same and what comes behind it, for a write of several parts at once; gives how
    /// many of `slices` were set.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let small = self.bytes.get(self.head..).unwrap_or_default();
        let begun = self.large.front().is_some_and(|segment| segment.begun);
        let mut segments = self.large.iter();
        let first = if begun { segments.next() } else { None };
        let parts = |segment: &'a Segment| segment.bytes.parts().map(|part| &**part);
        let all = first
            .into_iter()
            .flat_map(parts)
            .chain(std::iter::once(small))
            .chain(segments.flat_map(parts))
            .filter(|part| !part.is_empty());
        let mut count = 0;
        for (slice, part) in slices.iter_mut().zip(all) {
            *slice = IoSlice::new(part);
            count += 1;
        }
        count
    }

    /// Streams: says that `count` of [`Outgoing::bytes`], or of [`Outgoing::slices`], were written.
    pub fn advance(&mut self, mut count: usize) {
        while count > 0 && !self.bytes().is_empty() {
            let first = count.min(self.bytes().len());
            self.advance_first(first);
            count -= first;
        }
    }

    fn advance_first(&mut self, count: usize) {
        let small = self.head == self.bytes.len();
        if let Some(segment) = self.large.front_mut()
            && (segment.begun || small)
        {
            if !std::mem::replace(&mut segment.begun, true) {
                self.large_begun = self.large_begun.max(segment.number + 1);
            }
            let count = segment.bytes.split_to(count).len();
            self.large_bytes -= count;
            self.large_taken += count as u64;
            if segment.bytes.is_empty() {
                self.drop_segment();
            }
            return;
        }
        self.head = (self.head + count).min(self.bytes.len());
        self.settle();
    }

    /// Appends a message as it is. A session does this by itself; it is for programs that use a
    /// transport without one.
    pub fn push(&mut self, frame: Frame) {
        self.set_hint(frame.hint);
        self.push_segment(frame.bytes.into(), frame.lane, Kind::Call, None);
    }

    /// A transport says whether there is anybody at the other end who could take something: a
    /// worker may come later. Nobody there is no stall, and what waits is kept.
    pub fn set_vacant(&mut self, vacant: bool) {
        self.vacant = vacant;
    }

    /// True where a transport said that nobody is there.
    pub(crate) fn is_vacant(&self) -> bool {
        self.vacant
    }

    fn take_end(&mut self) {
        self.ends -= 1;
        self.ends_taken += 1;
    }

    /// The other side takes no more than so many bytes whole: larger messages are to be cut, however
    /// small they are.
    pub(crate) fn set_whole(&mut self, most: usize) {
        self.least_large = LARGE.min(most.saturating_add(1));
    }

    /// What transports are told about the frames that come next.
    pub(crate) fn set_hint(&mut self, hint: Hint) {
        self.hint = hint;
    }

    /// The same, for whoever changes it for a while.
    pub(crate) fn hint(&self) -> Hint {
        self.hint
    }

    /// The buffer into which the next small frame is encoded; [`Outgoing::commit`] completes it.
    pub(crate) fn encode(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Completes the frame that was encoded from `start` on.
    pub(crate) fn commit(&mut self, start: usize, lane: Lane, kind: Kind, ended: Option<Ended>) {
        let size = self.bytes.len() - start;
        let follows = self.follows || self.large_notifications > 0;
        let behind = kind == Kind::Notification && follows && size > 0;
        if (size >= self.least_large && kind != Kind::Part) || behind {
            // An idle connection gives its whole buffer away instead of copying it.
            let bytes = if start == 0 && size >= LARGE {
                std::mem::take(&mut self.bytes)
            } else {
                self.bytes.split_off(start)
            };
            self.push_segment(Bytes::from(bytes).into(), lane, kind, ended);
            if self.bytes.is_empty() {
                self.head = 0;
            }
        } else {
            self.mark(self.bytes.len());
            if self.shape != Shape::Stream {
                self.ends += u64::from(ended.is_some());
                self.cuts.push_back(Cut { lane, end: self.bytes.len(), hint: self.hint, ended });
            }
        }
    }

    /// The same of a frame in which `pieces` are missing, on a stream of bytes.
    pub(crate) fn commit_pieces(&mut self, start: usize, kind: Kind, pieces: Pieces) {
        let parts = pieces.cut(start, &mut self.bytes);
        self.push_segment(parts.into_iter().collect(), Lane::DUPLEX, kind, None);
    }

    /// Appends a frame that is encoded already and never copied.
    pub(crate) fn push_segment(
        &mut self,
        mut bytes: Rope,
        lane: Lane,
        kind: Kind,
        ended: Option<Ended>,
    ) {
        if self.marks.is_some() || self.shape != Shape::Stream {
            // Whoever looks at messages looks at whole ones.
            bytes = bytes.whole().into();
        }
        if self.marks.is_some() {
            self.mark_large(bytes.first());
        }
        let (number, hint) = (self.large_pushed, self.hint);
        self.large_bytes += bytes.len();
        self.large_pushed += 1;
        self.ends += u64::from(ended.is_some());
        self.large_notifications += usize::from(kind == Kind::Notification);
        self.large.push_back(Segment { number, lane, bytes, hint, kind, ended, begun: false });
    }

    /// Takes the first segment away that is to be sent in chunks, with its number: one that was not
    /// begun, and that `stays` does not leave where it is. It still counts as waiting to be begun,
    /// and a notification keeps later ones behind it.
    pub(crate) fn take_segment(
        &mut self,
        stays: impl Fn(usize, Kind) -> bool,
    ) -> Option<(u64, Rope, Kind)> {
        let goes = |segment: &Segment| !segment.begun && !stays(segment.bytes.len(), segment.kind);
        let at = self.large.iter().position(goes)?;
        let segment = self.large.remove(at)?;
        self.large_bytes -= segment.bytes.len();
        Some((segment.number, segment.bytes, segment.kind))
    }

    /// The number of the first segment, where there is one.
    pub(crate) fn first_segment(&self) -> Option<u64> {
        self.large.front().map(|segment| segment.number)
    }

    /// True where a part of a segment was not taken.
    pub(crate) fn holds(&self, number: u64) -> bool {
        self.large.iter().any(|segment| segment.number == number)
    }

    /// Takes a segment back that was not begun, on a stream of bytes; false where there is none.
    pub(crate) fn take_back(&mut self, number: u64) -> bool {
        let is_it = |segment: &Segment| segment.number == number && !segment.begun;
        let Some(segment) = self.large.iter().position(is_it).and_then(|at| self.large.remove(at))
        else {
            return false;
        };
        self.large_bytes -= segment.bytes.len();
        self.segment_sent(segment.kind);
        true
    }

    /// True while a notification stands among the segments.
    pub(crate) fn has_large_notification(&self) -> bool {
        self.large.iter().any(|segment| segment.kind == Kind::Notification)
    }

    /// Bytes that wait in small frames.
    pub(crate) fn small_len(&self) -> usize {
        self.bytes.len() - self.head
    }

    /// Says that a segment is being sent. Those before it count as begun, too: a call that may
    /// have been is never *certainly not executed*.
    pub(crate) fn segment_begun(&mut self, number: u64) {
        self.large_begun = self.large_begun.max(number + 1);
    }

    /// Says that a segment that was taken away is sent whole.
    pub(crate) fn segment_sent(&mut self, kind: Kind) {
        self.large_notifications -= usize::from(kind == Kind::Notification);
    }

    /// Says that a lane ended without a frame.
    pub(crate) fn end_lane(&mut self, lane: Lane, how: Ended) {
        if !lane.is_duplex() {
            self.ends += 1;
            self.cuts.push_back(Cut {
                lane,
                end: self.bytes.len(),
                hint: self.hint,
                ended: Some(how),
            });
        }
    }

    /// Moves everything from `other` behind what is here; gives where it now stands.
    pub(crate) fn append(&mut self, other: &mut Self) -> Base {
        let offset = self.bytes.len();
        let base = Base { small: self.base + offset as u64, large: self.large_pushed };
        if offset == 0 {
            // The two buffers change places: nothing is copied and both keep their capacity.
            std::mem::swap(&mut self.bytes, &mut other.bytes);
        } else {
            self.bytes.extend_from_slice(&other.bytes);
            other.bytes.clear();
        }
        for cut in other.cuts.drain(..) {
            self.ends += u64::from(cut.ended.is_some());
            self.cuts.push_back(Cut { end: cut.end + offset, ..cut });
        }
        let own = self.hint;
        for Segment { lane, bytes, hint, kind, ended, .. } in other.large.drain(..) {
            self.hint = hint;
            let nothing_before = self.large_begun == self.large_pushed
                && self.large.is_empty()
                && self.large_notifications == 0;
            if bytes.len() >= self.least_large || !nothing_before {
                self.push_segment(bytes, lane, kind, ended);
                continue;
            }
            // A small notification that kept behind a large one, which is gone: as any other.
            self.bytes.extend_from_slice(bytes.first());
            self.large_pushed += 1;
            self.large_begun += 1;
            self.cut(self.bytes.len(), lane, ended);
        }
        self.hint = own;
        (other.large_bytes, other.large_notifications, other.large_pushed) = (0, 0, 0);
        other.ends = 0;
        other.follows = self.large_notifications > 0;
        base
    }

    /// Where the next frame of `size` bytes will stand.
    pub(crate) fn place(&self, start: usize, segments: u64) -> Place {
        if self.large_pushed > segments {
            Place::Large(segments)
        } else {
            Place::Small(self.base + start as u64)
        }
    }

    /// Marks the end of a frame whose neighbours are committed with it.
    pub(crate) fn cut(&mut self, end: usize, lane: Lane, ended: Option<Ended>) {
        self.mark(end);
        if self.shape != Shape::Stream {
            self.ends += u64::from(ended.is_some());
            self.cuts.push_back(Cut { lane, end, hint: self.hint, ended });
        }
    }

    /// Forgets everything; what callers and peers are told is the session's affair.
    pub(crate) fn clear(&mut self) {
        self.head = self.bytes.len();
        self.cuts.clear();
        self.rewind();
        self.large.clear();
        self.withdrawn.clear();
        self.take_marks();
        (self.large_bytes, self.large_notifications, self.ends) = (0, 0, 0);
    }

    /// How many bytes and ends of lanes were ever taken.
    pub(crate) fn taken(&self) -> u64 {
        self.base + self.head as u64 + self.large_taken + self.ends_taken
    }

    /// How many bytes and ends of lanes wait.
    pub(crate) fn waiting(&self) -> u64 {
        self.len() as u64 + self.ends
    }

    /// How many segments were ever pushed.
    pub(crate) fn segments(&self) -> u64 {
        self.large_pushed
    }

    /// True when the first byte of the frame at `place` was taken by the transport.
    pub(crate) fn was_taken(&self, place: Place) -> bool {
        match place {
            Place::Small(at) => at < self.base + self.head as u64,
            Place::Large(number) => number < self.large_begun,
        }
    }

    /// True when everything up to `base` was taken and `segments` were begun.
    pub(crate) fn is_past(&self, small: u64, segments: u64) -> bool {
        self.base + self.head as u64 >= small && self.large_begun >= segments
    }

    #[inline]
    fn mark(&mut self, end: usize) {
        if self.marks.is_some() {
            self.mark_small(end);
        }
    }

    fn drop_segment(&mut self) {
        if let Some(segment) = self.large.pop_front() {
            self.large_notifications -= usize::from(segment.kind == Kind::Notification);
        }
    }

    /// Gives back the room of what was taken: where all was, and where it is much. Behind a peer
    /// that is always a little late the buffer would grow by everything that it is ever sent.
    #[inline]
    fn settle(&mut self) {
        let rest = self.bytes.len() - self.head;
        if rest == 0 || self.head >= MOVED.max(rest / 2) {
            self.rewind();
        }
    }

    fn rewind(&mut self) {
        self.base += self.head as u64;
        for cut in &mut self.cuts {
            cut.end -= self.head;
        }
        self.bytes.drain(..self.head);
        self.head = 0;
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT {
            self.bytes = Vec::new();
        }
    }
}

/// Where appended frames begin.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Base {
    pub(crate) small: u64,
    pub(crate) large: u64,
}

/// From this size on a frame is a segment: copying one costs about as much as a system call.
pub(crate) const LARGE: usize = 32 << 10;
/// What was taken is not moved out of the way for less.
const MOVED: usize = 16 << 10;
/// A buffer that once grew beyond this is given back when it is empty.
const KEPT: usize = 256 << 10;
