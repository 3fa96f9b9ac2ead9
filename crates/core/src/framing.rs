//! `Framing`: where messages begin and end in a stream of bytes, when the protocol does not say it.

mod length;
mod lines;

use std::fmt;

use crate::{Code, Format, RpcError};

pub use self::{length::Length, lines::Lines};

/// A framing that is independent of the protocol.
pub trait Framing: Send + Sync + fmt::Debug {
    /// Its name in URLs.
    fn name(&self) -> &'static str;

    /// True when messages of this format can be told apart by the framing. The default can carry
    /// anything.
    fn carries(&self, format: Format) -> bool {
        let _ = format;
        true
    }

    /// A reader for one connection.
    fn reader(&self, max_message: usize) -> Box<dyn FrameReader>;

    /// Begins a frame at the end of `out`; what it returns is given to [`Framing::close`].
    fn open(&self, out: &mut Vec<u8>) -> usize {
        out.len()
    }

    /// Ends the frame that was opened at `start`.
    fn close(&self, start: usize, out: &mut Vec<u8>);
}

/// The receiving half of a framing.
pub trait FrameReader: Send + fmt::Debug {
    /// Finds the first frame in `buffer`, which begins where the last frame ended.
    fn find(&mut self, buffer: &[u8]) -> Scan;
}

/// What stands at the beginning of a stream of bytes.
#[derive(Debug)]
pub enum Scan {
    /// Not yet a whole frame: at least this many bytes are missing (1 where that is not known).
    Need(usize),
    /// A frame.
    Frame {
        /// Where it begins.
        start: usize,
        /// Where it ends.
        end: usize,
        /// How many bytes of the stream are done with, the frame included.
        consumed: usize,
    },
    /// Bytes that are not part of any frame: white space between messages.
    Skip(usize),
    /// Bytes that cannot be a message.
    Bad {
        /// How many bytes are done with.
        consumed: usize,
        /// What the peer is told, under a null id; `None` where it was told already.
        error: Option<RpcError>,
        /// True when the stream cannot be followed any further.
        fatal: bool,
    },
}

impl Scan {
    /// The whole of `buffer[start..end]`, with nothing behind it.
    pub fn frame(start: usize, end: usize) -> Self {
        Self::Frame { start, end, consumed: end }
    }

    /// A message over the limit: it is told, and the stream ends.
    pub fn too_large(max_message: usize) -> Self {
        Self::Bad { consumed: 0, error: Some(too_large(max_message)), fatal: true }
    }
}

/// What the sender of a message over the limit is told.
pub(crate) fn too_large(max_message: usize) -> RpcError {
    RpcError::new(
        Code::INVALID_REQUEST,
        format!("the message is larger than the limit `max_message` of {max_message} bytes"),
    )
}
