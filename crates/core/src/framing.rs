//! `Framing`: where messages begin and end in a stream of bytes, when the protocol does not say it.

mod content_length;
mod decimal;
mod length;
mod lines;
mod netstring;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use self::decimal::Decimal;
pub use self::{content_length::ContentLength, length::Length, lines::Lines, netstring::NetString};
use crate::{Code, Format, RpcError};

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

    /// How many bytes [`Framing::open`] leaves before a message for what announces it. They do not
    /// count against the limit of the message. The default is none.
    fn head(&self) -> usize {
        0
    }

    /// Begins a frame at the end of `out`; what it returns is given to [`Framing::close`].
    fn open(&self, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        out.resize(start + self.head(), 0);
        start
    }

    /// Ends the frame that was opened at `start`: fills its head in, which may then be shorter.
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

/// Puts the parts of a head into the room that was left for it, and the message right behind them.
fn settle(start: usize, room: usize, parts: &[&[u8]], out: &mut Vec<u8>) {
    let mut at = start;
    for part in parts {
        if let Some(place) = out.get_mut(at..at + part.len()) {
            place.copy_from_slice(part);
        }
        at += part.len();
    }
    out.drain(at..start + room);
}

/// A stream that cannot be followed any further, and why.
fn bad(why: impl Into<Cow<'static, str>>) -> Scan {
    Scan::Bad { consumed: 0, error: Some(RpcError::new(Code::PARSE_ERROR, why)), fatal: true }
}

/// What the sender of a message over the limit is told.
pub(crate) fn too_large(max_message: usize) -> RpcError {
    RpcError::new(
        Code::INVALID_REQUEST,
        format!("the message is larger than the limit `max_message` of {max_message} bytes"),
    )
}
