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

mod flaw;
mod outline;
mod parts;
mod skip;
mod token;
mod walk;

#[cfg(test)]
mod tests;

use self::{
    skip::Skip,
    walk::{Stop, Walk},
};

pub(crate) use self::{
    flaw::{Bound, Flaw},
    outline::{Kind, Member, Outline, Span},
    parts::{Elements, Members, elements, key_is, member, members},
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

/// Walks one JSON value after the other, each once.
///
/// Use it where messages delimit themselves; for a frame that holds exactly one message
/// [`outline_of`] is shorter.
#[derive(Debug)]
pub(crate) struct Scanner {
    limits: ScanLimits,
    walk: Walk,
    inside: walk::Inside,
    outline: Outline,
    /// Set once a limit was exceeded: which one, and the way to the end of the value.
    excess: Option<(Bound, Skip)>,
}

impl Scanner {
    /// A scanner that stands before a value.
    pub(crate) fn new(limits: ScanLimits) -> Self {
        let limits = ScanLimits {
            depth: limits.depth.clamp(1, 64),
            values: limits.values.max(1),
            ..limits
        };
        Self {
            limits,
            walk: Walk::new(limits.values),
            inside: walk::Inside::default(),
            outline: Outline::default(),
            excess: None,
        }
    }

    /// Goes back to before a value. To be called after each value, whole or flawed.
    #[inline]
    pub(crate) fn reset(&mut self) {
        self.walk = Walk::new(self.limits.values);
        self.outline = Outline::default();
        self.inside = walk::Inside::default();
        self.excess = None;
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
        if self.excess.is_none() {
            match self.walk.run(buffer, &self.limits, &mut self.inside, &mut self.outline) {
                Ok(end) => return Ok(Some(end)),
                Err(Stop::More) => return Ok(None),
                Err(Stop::Syntax { at, what }) => return Err(Flaw::Syntax { at, what }),
                Err(Stop::Excess(bound)) => {
                    self.excess = Some((bound, self.walk.skip()));
                }
            }
        }
        self.resume_excess(buffer)
    }

    /// Looks for the end of a value that exceeds a limit.
    #[cold]
    fn resume_excess(&mut self, buffer: &[u8]) -> Result<Option<usize>, Flaw> {
        let Some((bound, skip)) = &mut self.excess else { return Ok(None) };
        let bound = *bound;
        match skip.run(buffer) {
            Some(end) => Err(Flaw::excess(bound, &self.limits, end)),
            None => Ok(None),
        }
    }

    /// Walks a buffer that ends where the message ends: one value, and white space around it.
    ///
    /// # Errors
    ///
    /// As for [`Scanner::resume`], but a limit is told at once, and what is missing or too much is
    /// a [`Flaw::Syntax`] too. Either way the frame is all that there is to drop.
    #[inline]
    pub(crate) fn finish(&mut self, buffer: &[u8]) -> Result<(), Flaw> {
        let end = match self.walk.run(buffer, &self.limits, &mut self.inside, &mut self.outline) {
            Ok(end) => end,
            Err(stop) => return self.finish_early(buffer, stop),
        };
        match buffer.get(end..).and_then(|rest| rest.iter().position(|byte| !token::is_space(*byte)))
        {
            None => Ok(()),
            Some(extra) => {
                Err(Flaw::Syntax { at: end + extra, what: "something stands behind the value" })
            }
        }
    }

    #[cold]
    fn finish_early(&mut self, buffer: &[u8], stop: Stop) -> Result<(), Flaw> {
        match stop {
            Stop::More if self.walk.ends_in_number() => Ok(()),
            Stop::More => Err(Flaw::Syntax { at: buffer.len(), what: "the value is not complete" }),
            Stop::Syntax { at, what } => Err(Flaw::Syntax { at, what }),
            Stop::Excess(bound) => Err(Flaw::excess(bound, &self.limits, buffer.len())),
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

/// The outline of a frame that holds exactly one value.
///
/// # Errors
///
/// As for [`Scanner::finish`].
#[inline]
pub(crate) fn outline_of(frame: &[u8], limits: ScanLimits) -> Result<Outline, Flaw> {
    let mut scanner = Scanner::new(limits);
    scanner.finish(frame)?;
    Ok(scanner.outline)
}
