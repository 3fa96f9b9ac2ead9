//! [`Scanner`]: the one structural walk over a JSON message.
//!
//! Whoever must find the end of a message has to look at every byte of it anyway. This walk
//! therefore does, in the same pass, everything that must hold before a byte is believed: the
//! whole grammar of RFC 8259, strict UTF-8, the limits, and where the members of the envelope
//! stand. What comes after it may rely on all of that and parse only what it needs, typed.
//!
//! A message may arrive in pieces: the walk stops at the last byte it has and goes on from there,
//! so that a peer who sends one byte at a time costs no more than any other. Only a token of a few
//! bytes (a literal, an escape) is looked at again.

mod fast;
mod flaw;
mod outline;
mod parts;
mod skip;
mod token;
mod walk;

#[cfg(test)]
mod tests;

use memchr::memchr;

use self::{
    skip::Skip,
    walk::{Stop, Walk},
};

pub(crate) use self::{
    flaw::{Bound, Flaw},
    outline::{Kind, Member, Outline, Span},
    parts::{Elements, elements, key_is, member, members},
};

/// What one message may ask of whoever decodes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScanLimits {
    /// Levels of nesting. More than 64 are never walked: the kinds of the open containers are
    /// the bits of one word.
    pub(crate) depth: u32,
    /// Values of any kind; keys do not count. A value of two bytes takes more than thirty when
    /// decoded.
    pub(crate) values: u32,
    /// Bytes of one number: parsing a number is not linear for every parser.
    pub(crate) digits: u32,
}

impl Default for ScanLimits {
    fn default() -> Self {
        Self { depth: 64, values: 100_000, digits: 1024 }
    }
}

impl ScanLimits {
    /// The same limits within what a walk can do, and with room for one empty message.
    fn checked(self) -> Self {
        Self { depth: self.depth.clamp(1, 64), values: self.values.max(1), ..self }
    }
}

/// Walks one JSON value after the other, each once.
///
/// Use it where messages delimit themselves; for a frame that holds exactly one message
/// [`outline_of`] is shorter.
#[derive(Debug)]
pub(crate) struct Scanner {
    limits: ScanLimits,
    stage: Stage,
    outline: Outline,
}

/// How far the scan of a value came.
#[derive(Debug)]
enum Stage {
    /// Nothing was walked.
    Fresh,
    /// The value did not pass the fast walk: it is in pieces, or flawed.
    Walk(Walk),
    /// The value exceeds a limit, and its end is looked for.
    Skip(Bound, Skip),
}

impl Scanner {
    /// A scanner that stands before a value.
    pub(crate) fn new(limits: ScanLimits) -> Self {
        Self { limits: limits.checked(), stage: Stage::Fresh, outline: Outline::default() }
    }

    /// Goes back to before a value. To be called after each value, whole or flawed.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.stage = Stage::Fresh;
    }

    /// Walks on until the value ends, and answers its length; `None` asks for more bytes.
    ///
    /// `buffer` begins with the value (white space before it is allowed and counted) and holds
    /// at each call all bytes of the calls before. A number outside of any container ends only at
    /// a byte that cannot continue it: see [`Scanner::finish`].
    ///
    /// # Errors
    ///
    /// [`Flaw::Syntax`] at once; [`Flaw::Excess`] only when the end of the value was found, so
    /// that it can be dropped and the next one read.
    #[inline]
    pub(crate) fn resume(&mut self, buffer: &[u8]) -> Result<Option<usize>, Flaw> {
        if let Stage::Fresh = self.stage
            && !is_long(buffer)
            && let Some(end) = fast::walk(buffer, &self.limits, &mut self.outline)
        {
            return Ok(Some(end));
        }
        self.resume_slowly(buffer)
    }

    fn resume_slowly(&mut self, buffer: &[u8]) -> Result<Option<usize>, Flaw> {
        if let Stage::Fresh = self.stage {
            self.outline = Outline::default();
            self.stage = Stage::Walk(Walk::new(self.limits.values));
        }
        if let Stage::Walk(walk) = &mut self.stage {
            match walk.run(buffer, &self.limits, &mut self.outline) {
                Ok(end) => return Ok(Some(end)),
                Err(Stop::More) => return Ok(None),
                Err(Stop::Syntax { at, what }) => return Err(Flaw::Syntax { at, what }),
                Err(Stop::Excess(bound)) => {
                    let skip = walk.skip();
                    self.stage = Stage::Skip(bound, skip);
                }
            }
        }
        if let Stage::Skip(bound, skip) = &mut self.stage
            && let Some(end) = skip.run(buffer)
        {
            return Err(Flaw::excess(*bound, &self.limits, end));
        }
        Ok(None)
    }

    /// Walks on in a buffer that ends where the message ends: one value, and white space around it.
    ///
    /// # Errors
    ///
    /// As for [`Scanner::resume`]; what is missing or too much is a [`Flaw::Syntax`] as well.
    /// Either way the buffer is all that there is to drop.
    pub(crate) fn finish(&mut self, buffer: &[u8]) -> Result<(), Flaw> {
        let end = match (self.resume(buffer), &self.stage) {
            (Ok(Some(end)), _) => end,
            (Ok(None), Stage::Walk(walk)) if walk.may_end() => buffer.len(),
            (Ok(None), Stage::Skip(bound, _)) => {
                return Err(Flaw::excess(*bound, &self.limits, buffer.len()));
            }
            (Err(Flaw::Excess { bound, limit, .. }), _) => {
                return Err(Flaw::Excess { bound, limit, skip: buffer.len() });
            }
            (Ok(None), _) => {
                return Err(Flaw::Syntax { at: buffer.len(), what: "the value is not complete" });
            }
            (Err(flaw), _) => return Err(flaw),
        };
        let behind = buffer.get(end..).unwrap_or_default();
        match behind.iter().position(|byte| !token::is_space(*byte)) {
            None => Ok(()),
            Some(extra) => {
                Err(Flaw::Syntax { at: end + extra, what: "something stands behind the value" })
            }
        }
    }

    /// What stands at the top level of the value; whole once the value is.
    ///
    /// After [`Flaw::Excess`] it holds the members that ended before the limit was met: enough to
    /// answer a request whose id came first.
    #[inline]
    pub(crate) fn outline(&self) -> &Outline {
        &self.outline
    }
}

/// True where a buffer begins with a message so long that the first look would not find its end, and
/// be in vain: what was walked over slowly is not walked over again when more has come.
#[inline]
fn is_long(buffer: &[u8]) -> bool {
    buffer.len() >= 2 * LONG && buffer.get(..LONG).is_some_and(|head| memchr(b'}', head).is_none())
}

/// As much as is received at once without an end.
const LONG: usize = 16 << 10;

/// The outline of a frame that holds exactly one value, and white space around it.
///
/// # Errors
///
/// As for [`Scanner::finish`].
#[inline]
pub(crate) fn outline_of(frame: &[u8], limits: ScanLimits) -> Result<Outline, Flaw> {
    let mut outline = Outline::default();
    match fast::walk(frame, &limits.checked(), &mut outline) {
        Some(end) if end == frame.len() => Ok(outline),
        _ => {
            let mut scanner = Scanner::new(limits);
            scanner.finish(frame)?;
            Ok(scanner.outline)
        }
    }
}
