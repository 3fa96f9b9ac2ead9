//! `ContentLength`: each message behind a header that has its length, as editors and language
//! servers speak.

use super::{Decimal, bad, settle};
use crate::{FrameReader, Framing, Scan};

/// `Content-Length: N`, an empty line, and N bytes: the base protocol of LSP.
///
/// Names of header fields are accepted in any case, other fields (`Content-Type`) are ignored, and a
/// line feed alone ends a line, too. A line of the header may have [`ContentLength::MAX_LINE`]
/// bytes, the whole of it [`ContentLength::MAX_HEADER`]. A header without a length, with two of
/// them, or with one that is not a plain decimal number, ends the stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContentLength;

impl ContentLength {
    /// Bytes of one line of the header, its end not counted: 1 KiB. Real ones have about thirty.
    pub const MAX_LINE: usize = 1 << 10;
    /// Bytes of a header with all its lines: 8 KiB, as HTTP servers have it.
    pub const MAX_HEADER: usize = 8 << 10;
}

impl Framing for ContentLength {
    fn name(&self) -> &'static str {
        "content-length"
    }

    fn reader(&self, max_message: usize) -> Box<dyn FrameReader> {
        Box::new(HeaderReader { line: 0, searched: 0, length: None, ended: false, max_message })
    }

    fn head(&self) -> usize {
        ROOM
    }

    fn close(&self, start: usize, out: &mut Vec<u8>) {
        let length = Decimal::new(out.len() - start - ROOM);
        settle(start, ROOM, &[FIELD, length.as_bytes(), END], out);
    }
}

#[derive(Debug)]
struct HeaderReader {
    /// Where the first line begins that was not read yet; behind the header, the message.
    line: usize,
    /// How far this line is known to have no end.
    searched: usize,
    length: Option<usize>,
    /// The whole header was read.
    ended: bool,
    max_message: usize,
}

impl HeaderReader {
    /// Reads the rest of the header; false where it goes on beyond the buffer.
    fn read_header(&mut self, buffer: &[u8]) -> Result<bool, Scan> {
        while !self.ended {
            let fresh = buffer.get(self.searched..).unwrap_or_default();
            let found = memchr::memchr(b'\n', fresh).map(|offset| self.searched + offset);
            let line = buffer.get(self.line..found.unwrap_or(buffer.len())).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > ContentLength::MAX_LINE {
                return Err(bad(format!(
                    "a line of the header is longer than the limit of {} bytes",
                    ContentLength::MAX_LINE
                )));
            }
            let end = found.map_or(buffer.len(), |end| end + 1);
            if end > ContentLength::MAX_HEADER {
                return Err(bad(format!(
                    "the header is longer than the limit of {} bytes",
                    ContentLength::MAX_HEADER
                )));
            }
            self.searched = end;
            if found.is_none() {
                return Ok(false);
            }
            self.ended = line.is_empty();
            if !self.ended {
                self.read_field(line)?;
            }
            self.line = end;
        }
        Ok(true)
    }

    fn read_field(&mut self, line: &[u8]) -> Result<(), Scan> {
        let Some(colon) = memchr::memchr(b':', line) else {
            return Err(bad("a line of the header has no `:`"));
        };
        let (name, value) = line.split_at(colon);
        // No request line of HTTP passes: it has a blank before any colon.
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || TOKEN.contains(byte);
        if name.is_empty() || !name.iter().all(is_token) {
            return Err(bad("the name of a header field is empty, or has what no name may have"));
        }
        let value = value.get(1..).unwrap_or_default();
        if value.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
            return Err(bad("a header field has control characters in it"));
        }
        if !name.eq_ignore_ascii_case(NAME) {
            return Ok(());
        }
        if self.length.is_some() {
            return Err(bad("the header has Content-Length twice"));
        }
        self.length = Some(self.read_length(value.trim_ascii())?);
        Ok(())
    }

    fn read_length(&self, digits: &[u8]) -> Result<usize, Scan> {
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(bad("Content-Length is not a decimal number without sign"));
        }
        if digits.len() > MOST_DIGITS {
            return Err(bad(format!("Content-Length has more than {MOST_DIGITS} digits")));
        }
        let length = digits.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0'));
        match usize::try_from(length) {
            Ok(length) if length <= self.max_message => Ok(length),
            _ => Err(Scan::too_large(self.max_message)),
        }
    }
}

impl FrameReader for HeaderReader {
    fn find(&mut self, buffer: &[u8]) -> Scan {
        match self.read_header(buffer) {
            Ok(true) => {}
            Ok(false) => return Scan::Need(1),
            Err(scan) => return scan,
        }
        let Some(length) = self.length else {
            return bad("the header has no Content-Length");
        };
        let (start, rest) = (self.line, buffer.len() - self.line);
        if length > rest {
            return Scan::Need(length - rest);
        }
        (self.line, self.searched, self.length, self.ended) = (0, 0, None, false);
        Scan::frame(start, start + length)
    }
}

/// What names of header fields may have beside letters and digits (RFC 9110, section 5.6.2).
const TOKEN: &[u8] = b"!#$%&'*+-.^_`|~";
const NAME: &[u8] = b"Content-Length";
/// What is written before the length, and behind it.
const FIELD: &[u8] = b"Content-Length: ";
const END: &[u8] = b"\r\n\r\n";
/// The header with the longest length.
const ROOM: usize = FIELD.len() + Decimal::MOST + END.len();
/// What any length has that fits into 32 bits, as the largest message does.
const MOST_DIGITS: usize = 10;
