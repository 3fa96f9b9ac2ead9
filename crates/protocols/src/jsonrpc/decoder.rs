//! [`JsonDecoder`]: frames from a stream of bytes, and messages from frames.

use std::mem;

use memchr::memchr;
use tinyrpc_core::{Answer, Code, Decoder, FrameRef, Id, Invalid, Limits, Message, RpcError, Scan};

use super::{
    Dialect, envelope,
    scan::{Bound, Flaw, Kind, Outline, ScanLimits, Scanner, outline_of},
};
use crate::mark::Mark;

/// The decoder of one connection.
#[derive(Debug)]
pub(super) struct JsonDecoder {
    scanner: Scanner,
    bounds: Bounds,
    place: Place,
    /// A syntax error was answered, and nothing has parsed since.
    noisy: bool,
    /// The frame whose outline the scanner holds.
    found: Mark,
}

/// The version and the limits that concern a decoder.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) dialect: Dialect,
    pub(super) scan: ScanLimits,
    pub(super) max_message: usize,
    pub(super) max_method: usize,
    pub(super) max_id: usize,
    pub(super) max_batch: usize,
}

/// Where in the stream the decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before a message, or before white space.
    Before,
    /// In a message that has not ended.
    Inside,
    /// In the rest of a line that is dropped.
    Dropping,
    /// Behind a message after which nothing may be believed.
    Dead,
}

impl JsonDecoder {
    pub(super) fn new(limits: &Limits, dialect: Dialect) -> Self {
        let scan = ScanLimits {
            depth: limits.max_depth,
            values: limits.max_values,
            digits: limits.max_digits,
        };
        Self {
            scanner: Scanner::new(scan),
            bounds: Bounds {
                dialect,
                scan,
                max_message: limits.max_message,
                max_method: limits.max_method,
                max_id: limits.max_id,
                max_batch: limits.max_batch,
            },
            place: Place::Before,
            noisy: false,
            found: Mark::default(),
        }
    }

    /// What stands before a message; `None` where the message begins.
    fn begin(&mut self, buffer: &[u8]) -> Option<Scan> {
        match self.place {
            Place::Inside | Place::Before => {}
            Place::Dropping => {
                let Some(newline) = memchr(b'\n', buffer) else {
                    return Some(skip(buffer.len()));
                };
                self.place = Place::Before;
                return Some(Scan::Skip(newline + 1));
            }
            Place::Dead => {
                return Some(Scan::Bad { consumed: buffer.len(), error: None, fatal: true });
            }
        }
        match white_space(buffer) {
            0 if !buffer.is_empty() => None,
            blanks => Some(skip(blanks)),
        }
    }

    fn too_large(&mut self) -> Scan {
        self.place = Place::Dead;
        Scan::too_large(self.bounds.max_message)
    }

    /// Bytes that are no JSON: the rest of the line is dropped, the connection lives.
    #[cold]
    fn syntax(&mut self, buffer: &[u8], at: usize, flaw: &Flaw) -> Scan {
        self.place = Place::Before;
        let error = (!self.noisy).then(|| parse_error(flaw));
        match request_line(buffer) {
            None => return Scan::Need(1),
            Some(true) => {
                self.place = Place::Dead;
                return Scan::Bad { consumed: buffer.len(), error, fatal: true };
            }
            Some(false) => {}
        }
        self.noisy = true;
        let rest = buffer.get(at..).unwrap_or_default();
        let consumed = match memchr(b'\n', rest) {
            Some(newline) => at + newline + 1,
            None => {
                self.place = Place::Dropping;
                buffer.len()
            }
        };
        Scan::Bad { consumed, error, fatal: false }
    }

    /// Decodes a frame that this decoder did not find.
    #[inline(never)]
    fn decode_other<'f>(&self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>> {
        let flaw = match whole(frame.bytes, self.bounds.scan) {
            Ok(outline) => return envelope::message(frame, &outline, &self.bounds),
            Err(flaw) => flaw,
        };
        if let Flaw::Excess { bound, limit, .. } = flaw {
            let answer = Answer::Error(Id::Null);
            return Err(Invalid { error: over_limit(bound, limit), answer });
        }
        // Lines of a stream come here too. An exchange is never a stream, and must not end those
        // beside it.
        let http = request_line(frame.bytes.trim_ascii_start()) == Some(true);
        let answer = if http && frame.lane.is_duplex() {
            Answer::Close(Id::Null)
        } else {
            Answer::Error(Id::Null)
        };
        Err(Invalid { error: parse_error(&flaw), answer })
    }
}

impl Decoder for JsonDecoder {
    fn find(&mut self, buffer: &[u8]) -> Scan {
        self.found = Mark::default();
        match (self.place, buffer.first()) {
            (Place::Inside, _) => {}
            (Place::Before, Some(b'{' | b'[')) => self.scanner.reset(),
            _ => match self.begin(buffer) {
                Some(scan) => return scan,
                None => self.scanner.reset(),
            },
        }
        let max = self.bounds.max_message;
        let head = buffer.get(..max.saturating_add(1)).unwrap_or(buffer);
        let end = match self.scanner.resume(head) {
            Ok(Some(end)) if end <= max => end,
            Ok(None) if head.len() <= max => {
                self.place = Place::Inside;
                return Scan::Need(1);
            }
            Ok(_) => return self.too_large(),
            Err(Flaw::Excess { skip, .. }) if skip > max => return self.too_large(),
            Err(Flaw::Excess { bound, limit, skip }) => {
                self.place = Place::Before;
                let error = Some(over_limit(bound, limit));
                return Scan::Bad { consumed: skip, error, fatal: false };
            }
            Err(flaw @ Flaw::Syntax { at, .. }) => return self.syntax(buffer, at, &flaw),
        };
        self.place = Place::Before;
        if self.noisy {
            // The rest of one bad message of many lines is full of scalars: they are not
            // answered one by one.
            if self.scanner.outline().kind == Kind::Scalar {
                return Scan::Skip(end);
            }
            self.noisy = false;
        }
        let (frame, rest) = buffer.split_at_checked(end).unwrap_or((buffer, &[]));
        self.found = Mark::of(frame);
        Scan::Frame { start: 0, end, consumed: end + white_space(rest) }
    }

    fn decode<'f>(&mut self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>> {
        // No slice is at the address 0 of the mark that is none.
        if mem::take(&mut self.found) != Mark::of(frame.bytes) {
            return self.decode_other(frame);
        }
        envelope::message(frame, self.scanner.outline(), &self.bounds)
    }
}

/// The outline of a frame that holds exactly one value.
pub(super) fn whole(frame: &[u8], limits: ScanLimits) -> Result<Outline, Flaw> {
    // Where nothing is wrong this is the faster of two ways.
    let mut scanner = Scanner::new(limits);
    if let Ok(Some(end)) = scanner.resume(frame)
        && end + white_space(frame.get(end..).unwrap_or_default()) == frame.len()
    {
        return Ok(*scanner.outline());
    }
    outline_of(frame, limits)
}

/// Whether `bytes` begin with an upper-case word and a blank, as every HTTP request does and no
/// JSON; `None` where the word has not ended.
///
/// Nothing behind such a line may be executed: it may be the body of a form that some web page
/// posts to this connection.
fn request_line(bytes: &[u8]) -> Option<bool> {
    match bytes.iter().position(|byte| !matches!(byte, b'A'..=b'Z' | b'-')) {
        Some(length) => {
            let word = (1..=LONGEST_WORD).contains(&length);
            Some(word && bytes.get(length) == Some(&b' '))
        }
        None if bytes.len() > LONGEST_WORD => Some(false),
        None => None,
    }
}

/// How many of `bytes` are white space before anything else.
#[inline]
fn white_space(bytes: &[u8]) -> usize {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len())
}

/// Drops `count` bytes; with none there are none to look at.
fn skip(count: usize) -> Scan {
    if count == 0 { Scan::Need(1) } else { Scan::Skip(count) }
}

fn parse_error(flaw: &Flaw) -> RpcError {
    RpcError::new(Code::PARSE_ERROR, flaw.to_string())
}

fn over_limit(bound: Bound, limit: u32) -> RpcError {
    let (what, name, unit) = match bound {
        Bound::Depth => ("nests deeper than", "max_depth", "levels"),
        Bound::Values => ("holds more values than", "max_values", "values"),
        Bound::Digits => ("holds a number longer than", "max_digits", "characters"),
    };
    let text = format!("the message {what} the limit `{name}` of {limit} {unit}");
    RpcError::new(Code::INVALID_REQUEST, text)
}

/// No method of HTTP and its extensions is longer than 17 letters.
const LONGEST_WORD: usize = 32;
