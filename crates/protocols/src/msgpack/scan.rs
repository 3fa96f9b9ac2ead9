//! [`Scanner`]: where a MessagePack value ends.
//!
//! A length in MessagePack is a promise by the peer, and most damage done through such decoders was
//! done by believing one. The scan therefore allocates nothing, checks each announced length and
//! count at its header, before a single byte of what it announces has come, and follows nesting
//! with an array of counters instead of a call stack. What comes after it may rely on that.
//!
//! A value may arrive in pieces: the scan goes on at the header at which it stopped, and the bytes
//! of strings are never looked at. Whether text is UTF-8 is for whoever decodes it: the names and
//! values of old peers are raw bytes, and those must survive.

mod header;
mod reader;

#[cfg(test)]
mod tests;

use std::fmt;

use self::header::{Header, leaf_size};

pub(crate) use self::reader::{Kind, Reader};

/// What one message may ask of whoever decodes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanLimits {
    /// Levels of nesting, at most [`ScanLimits::DEEPEST`].
    pub(crate) depth: u32,
    /// Values of any kind; keys do not count, as in JSON. Those in a container are charged when it
    /// announces them.
    pub(crate) values: u32,
    /// Bytes of one string, binary or extension value.
    pub(crate) length: usize,
}

impl ScanLimits {
    /// The most levels that a scan can follow: one counter each is kept.
    pub(crate) const DEEPEST: u32 = 64;
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self { depth: Self::DEEPEST, values: 100_000, length: 4 << 20 }
    }
}

/// Why a value is not accepted. Nobody knows where the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// More levels of nesting than [`ScanLimits::depth`].
    Depth { limit: u32 },
    /// More values than [`ScanLimits::values`].
    Values { limit: u32 },
    /// A longer string, binary or extension value than [`ScanLimits::length`].
    Length { limit: usize },
    /// The byte 0xc1, which begins no value.
    Reserved { at: usize },
    /// A frame that ends before its value.
    Truncated { missing: usize },
    /// A frame that goes on behind its value.
    Trailing { at: usize },
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth { limit } => write!(f, "more than {limit} levels of nesting"),
            Self::Values { limit } => write!(f, "more than {limit} values"),
            Self::Length { limit } => write!(f, "a string of more than {limit} bytes"),
            Self::Reserved { at } => write!(f, "the reserved byte 0xc1 (at byte {at})"),
            Self::Truncated { missing } => {
                write!(f, "the value is not complete (at least {missing} bytes are missing)")
            }
            Self::Trailing { at } => write!(f, "something stands behind the value (at byte {at})"),
        }
    }
}

/// Finds the end of one MessagePack value after the other.
#[derive(Debug)]
pub(crate) struct Scanner {
    limits: ScanLimits,
    place: Place,
    /// How many values must still come in each container around the innermost; only the first
    /// `place.depth` of them mean something.
    outer: [u32; ScanLimits::DEEPEST as usize],
    missing: usize,
}

/// Where a scan stands.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The next header. It may lie behind the end of the buffer.
    at: usize,
    /// How many values must still come in the innermost container, or at the top level.
    left: u32,
    /// How many containers are open.
    depth: u32,
    /// How many more values may come.
    values: u32,
}

impl Scanner {
    /// A scanner that stands before a value.
    pub(crate) fn new(limits: ScanLimits) -> Self {
        let limits = ScanLimits {
            depth: limits.depth.clamp(1, ScanLimits::DEEPEST),
            values: limits.values.max(1),
            ..limits
        };
        Self {
            limits,
            place: Place::first(&limits),
            outer: [0; ScanLimits::DEEPEST as usize],
            missing: 1,
        }
    }

    /// Goes back to before a value. To be called after each value.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.place = Place::first(&self.limits);
        self.missing = 1;
    }

    /// Goes on until the value ends, and answers its length; `None` asks for more bytes.
    ///
    /// `buffer` begins with the value and holds at each call all bytes of the calls before.
    ///
    /// # Errors
    ///
    /// At the first header that exceeds a limit or is none.
    #[inline]
    pub(crate) fn resume(&mut self, buffer: &[u8]) -> Result<Option<usize>, Flaw> {
        // A copy, so that the compiler may keep it in registers.
        let mut place = self.place;
        let result = place.walk(buffer, &self.limits, &mut self.outer);
        self.place = place;
        match result {
            Ok(end) => Ok(Some(end)),
            Err(Stop::More) => {
                self.missing = self.count_missing(buffer);
                Ok(None)
            }
            Err(Stop::Flaw(flaw)) => Err(flaw),
        }
    }

    /// Goes on in a buffer that ends where the message ends.
    ///
    /// # Errors
    ///
    /// As for [`Scanner::resume`], and when the buffer does not hold exactly one value.
    #[inline]
    pub(crate) fn finish(&mut self, buffer: &[u8]) -> Result<(), Flaw> {
        match self.resume(buffer)? {
            Some(end) if end == buffer.len() => Ok(()),
            Some(at) => Err(Flaw::Trailing { at }),
            None => Err(Flaw::Truncated { missing: self.missing }),
        }
    }

    /// How many bytes the value needs at least, beyond those of the last call that asked for more.
    ///
    /// Never 0, and never more than all limits together allow: a peer cannot make anybody reserve
    /// much with it. Every value that must still come has at least one byte.
    #[inline]
    pub(crate) fn missing(&self) -> usize {
        self.missing
    }

    #[cold]
    fn count_missing(&self, buffer: &[u8]) -> usize {
        let outer = self.outer.iter().take(self.place.depth as usize);
        let values = outer.fold(self.place.left as usize, |sum, left| sum + *left as usize);
        match self.place.at.checked_sub(buffer.len()) {
            Some(bytes) => bytes + values,
            // The header of one of these values stands here in part.
            None => values.max(1),
        }
    }
}

/// The check of a frame that holds exactly one value.
///
/// # Errors
///
/// As for [`Scanner::finish`].
#[inline]
pub(crate) fn check(frame: &[u8], limits: ScanLimits) -> Result<(), Flaw> {
    Scanner::new(limits).finish(frame)
}

/// Why a scan stopped before the end of the value.
enum Stop {
    /// The buffer ended first.
    More,
    Flaw(Flaw),
}

impl Place {
    fn first(limits: &ScanLimits) -> Self {
        Self { at: 0, left: 1, depth: 0, values: limits.values.saturating_sub(1) }
    }

    #[inline(always)]
    fn walk(
        &mut self,
        buffer: &[u8],
        limits: &ScanLimits,
        outer: &mut [u32; ScanLimits::DEEPEST as usize],
    ) -> Result<usize, Stop> {
        loop {
            while self.left == 0 {
                let Some(depth) = self.depth.checked_sub(1) else {
                    // What was announced last may not be here yet.
                    return if self.at <= buffer.len() { Ok(self.at) } else { Err(Stop::More) };
                };
                self.depth = depth;
                self.left = outer.get(depth as usize).copied().unwrap_or_default();
            }
            let Some(first) = buffer.get(self.at) else { return Err(Stop::More) };
            let size = leaf_size(*first);
            if size != 0 {
                self.at += size;
                self.left -= 1;
                continue;
            }
            let rest = buffer.get(self.at..).unwrap_or_default();
            let Some(header) = Header::read(*first, rest) else { return Err(Stop::More) };
            match header {
                Header::Bytes { size, length } => {
                    let length = length as usize;
                    match self.at.checked_add(size).and_then(|at| at.checked_add(length)) {
                        Some(end) if length <= limits.length => self.at = end,
                        _ => return Err(Stop::Flaw(Flaw::Length { limit: limits.length })),
                    }
                    self.left -= 1;
                }
                Header::Container { size, count, each } => {
                    let slot = match outer.get_mut(self.depth as usize) {
                        Some(slot) if self.depth < limits.depth => slot,
                        _ => return Err(Stop::Flaw(Flaw::Depth { limit: limits.depth })),
                    };
                    // The product fails only for maps of more entries than any limit makes sense.
                    let charged = self.values.checked_sub(count).zip(count.checked_mul(each));
                    let Some((values, left)) = charged else {
                        return Err(Stop::Flaw(Flaw::Values { limit: limits.values }));
                    };
                    *slot = self.left - 1;
                    self.depth += 1;
                    self.left = left;
                    self.values = values;
                    self.at += size;
                }
                Header::Reserved => return Err(Stop::Flaw(Flaw::Reserved { at: self.at })),
            }
        }
    }
}
