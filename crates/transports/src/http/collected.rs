//! `Collected`: the pieces of a body, put together up to a limit.

use bytes::{Bytes, BytesMut};

/// Most bodies have one piece, which is not copied. Nothing is reserved on the word of a peer.
#[derive(Debug)]
pub(crate) struct Collected {
    first: Bytes,
    all: BytesMut,
    max: usize,
}

impl Collected {
    /// A body without any piece, which may become `max` bytes long.
    pub(crate) fn new(max: usize) -> Self {
        Self { first: Bytes::new(), all: BytesMut::new(), max }
    }

    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    /// Adds a piece; false where the body is too large with it.
    pub(crate) fn push(&mut self, piece: Bytes) -> bool {
        if self.len() + piece.len() > self.max {
            return false;
        }
        if self.len() == 0 {
            self.first = piece;
            return true;
        }
        let first = std::mem::take(&mut self.first);
        self.all.extend_from_slice(&first);
        self.all.extend_from_slice(&piece);
        true
    }

    /// The whole body.
    pub(crate) fn take(&mut self) -> Bytes {
        let first = std::mem::take(&mut self.first);
        if self.all.is_empty() { first } else { std::mem::take(&mut self.all).freeze() }
    }
}
