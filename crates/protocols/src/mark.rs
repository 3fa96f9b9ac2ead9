//! `Mark`: which bytes a frame was found in.

/// Tells whether a frame that is to be decoded is the one that was just found, and so needs no
/// second walk.
///
/// A decoder is also given frames that waited elsewhere: their length alone would not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    address: usize,
    length: usize,
}

impl Mark {
    pub(crate) fn of(frame: &[u8]) -> Self {
        Self { address: frame.as_ptr().addr(), length: frame.len() }
    }
}
