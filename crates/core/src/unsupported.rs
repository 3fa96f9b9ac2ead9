//! `Unsupported`: what a protocol or a transport cannot do, in words.

use std::fmt;

/// An ability that is missing, and who lacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The protocol or transport.
    pub who: &'static str,
    /// What it cannot do, as in "send a request".
    pub what: &'static str,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot {}", self.who, self.what)
    }
}

impl std::error::Error for Unsupported {}
