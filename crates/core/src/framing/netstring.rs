//! `NetString`: each message behind its length in decimal digits, and a comma behind it.

use super::{Decimal, bad, settle};
use crate::{FrameReader, Framing, Scan};

/// `LEN:bytes,`: the netstrings of D. J. Bernstein.
///
/// The length is a plain decimal number without sign, blanks or superfluous zeros; anything else,
/// and a message without its comma, ends the stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetString;

impl Framing for NetString {
    fn name(&self) -> &'static str {
        "netstring"
    }

    fn reader(&self, max_message: usize) -> Box<dyn FrameReader> {
        Box::new(NetStringReader { digits: 0, length: 0, max_message })
    }

    fn head(&self) -> usize {
        ROOM
    }

    fn close(&self, start: usize, out: &mut Vec<u8>) {
        let length = Decimal::new(out.len() - start - ROOM);
        settle(start, ROOM, &[length.as_bytes(), b":"], out);
        out.push(b',');
    }
}

#[derive(Debug)]
struct NetStringReader {
    /// How many digits of the unfinished frame's length were read.
    digits: usize,
    /// What they say. INVARIANT: at most `max_message`, so that nothing overflows.
    length: usize,
    max_message: usize,
}

impl NetStringReader {
    /// Reads the rest of the length; false where it goes on beyond the buffer.
    fn read_length(&mut self, buffer: &[u8]) -> Result<bool, Scan> {
        for &byte in buffer.get(self.digits..).unwrap_or_default() {
            match byte {
                b':' if self.digits > 0 => return Ok(true),
                b'0'..=b'9' if self.digits > 0 && self.length == 0 => {
                    return Err(bad("the length of a netstring begins with a zero"));
                }
                b'0'..=b'9' => {
                    let length = self.length as u64 * 10 + u64::from(byte - b'0');
                    if length > self.max_message as u64 {
                        return Err(Scan::too_large(self.max_message));
                    }
                    self.length = length as usize;
                    self.digits += 1;
                }
                _ => {
                    return Err(bad(
                        "a netstring begins with its length in decimal digits and `:`",
                    ));
                }
            }
        }
        Ok(false)
    }
}

impl FrameReader for NetStringReader {
    fn find(&mut self, buffer: &[u8]) -> Scan {
        match self.read_length(buffer) {
            Ok(true) => {}
            Ok(false) => return Scan::Need(1),
            Err(scan) => return scan,
        }
        let start = self.digits + 1;
        let rest = buffer.get(start..).unwrap_or_default();
        match rest.get(self.length) {
            Some(b',') => {}
            Some(_) => return bad("there is no comma behind a netstring"),
            // The comma counts.
            None => return Scan::Need(self.length - rest.len() + 1),
        }
        let end = start + self.length;
        (self.digits, self.length) = (0, 0);
        Scan::Frame { start, end, consumed: end + 1 }
    }
}

/// The longest length, and the colon.
const ROOM: usize = Decimal::MOST + 1;
