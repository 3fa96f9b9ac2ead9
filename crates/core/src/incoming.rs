//! `Incoming`: what a transport received and the session has not looked at yet.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use crate::{Error, Frame, Lane};

/// The mailbox between a [`RecvHalf`](crate::RecvHalf) and the session.
///
/// A stream of bytes appends to [`Incoming::buffer`]; any other transport pushes frames.
#[derive(Debug, Default)]
pub struct Incoming {
    bytes: BytesMut,
    frames: VecDeque<Arrived>,
    /// How many bytes to make room for before the next read.
    wanted: usize,
}

/// Something that came over a transport of messages.
#[derive(Debug)]
pub enum Arrived {
    /// A message.
    Frame(Frame),
    /// A lane is closed: no answer will come on it, and none can be sent.
    Closed(Lane),
    /// A lane of ours failed.
    Failed(Lane, Error),
}

impl Incoming {
    /// An empty mailbox; it allocates with the first read.
    pub fn new() -> Self {
        Self::default()
    }

    /// The buffer of a stream, with room for the next read behind its bytes.
    ///
    /// The room grows while reads fill it, never on the word of a peer: a length that was announced
    /// reserves nothing.
    pub fn buffer(&mut self) -> &mut BytesMut {
        let room = self.bytes.capacity() - self.bytes.len();
        if room == 0 && self.wanted < LARGEST_READ {
            self.wanted = (self.wanted * 2).clamp(FIRST_READ, LARGEST_READ);
        }
        if room < self.wanted.max(FIRST_READ) / 2 {
            self.bytes.reserve(self.wanted.max(FIRST_READ));
        }
        &mut self.bytes
    }

    /// Hands over a message.
    pub fn push(&mut self, frame: Frame) {
        self.frames.push_back(Arrived::Frame(frame));
    }

    /// Says that a lane is closed: no answer will come on it, and none can be sent.
    pub fn close_lane(&mut self, lane: Lane) {
        self.frames.push_back(Arrived::Closed(lane));
    }

    /// Says that a lane of ours failed, in the words of the transport, which knows better than the
    /// queue whether its message was executed.
    pub fn fail_lane(&mut self, lane: Lane, error: Error) {
        self.frames.push_back(Arrived::Failed(lane, error));
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.frames.is_empty()
    }

    /// How many bytes of a stream wait.
    pub fn buffered(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes that wait.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Drops `count` bytes.
    pub(crate) fn advance(&mut self, count: usize) {
        self.bytes.advance(count.min(self.bytes.len()));
    }

    /// Takes `count` bytes out as a block of their own, without a copy.
    pub(crate) fn take(&mut self, count: usize) -> Bytes {
        self.bytes.split_to(count.min(self.bytes.len())).freeze()
    }

    /// Takes the oldest message that waits. A session does this by itself; it is for programs that
    /// use a transport without one.
    pub fn pop(&mut self) -> Option<Arrived> {
        self.frames.pop_front()
    }
}

/// Room for the first read: an idle connection should cost little.
const FIRST_READ: usize = 4 << 10;
/// Room for one read of a busy connection: a thousand small messages.
const LARGEST_READ: usize = 64 << 10;
