//! [`Flaw`]: why a value is not accepted, and where the next one may begin.

use std::fmt;

use super::ScanLimits;

/// Why a value is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// These bytes are not JSON. Nobody knows where the value would have ended: drop everything up
    /// to and including the first newline at or behind `at`.
    Syntax {
        /// The first byte that cannot stand where it stands.
        at: usize,
        /// What was wrong with it.
        what: &'static str,
    },
    /// A value that is larger than the limits allow. Its end is known: drop `skip` bytes and go on.
    Excess {
        /// Which limit.
        bound: Bound,
        /// How much it allows.
        limit: u32,
        /// How many bytes of the buffer the value takes.
        skip: usize,
    },
}

/// A limit of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// [`ScanLimits::depth`].
    Depth,
    /// [`ScanLimits::values`].
    Values,
    /// [`ScanLimits::digits`].
    Digits,
}

impl Flaw {
    pub(super) fn excess(bound: Bound, limits: &ScanLimits, skip: usize) -> Self {
        let limit = match bound {
            Bound::Depth => limits.depth,
            Bound::Values => limits.values,
            Bound::Digits => limits.digits,
        };
        Self::Excess { bound, limit, skip }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { at, what } => write!(f, "{what} (at byte {at})"),
            Self::Excess { bound, limit, .. } => match bound {
                Bound::Depth => write!(f, "more than {limit} levels of nesting"),
                Bound::Values => write!(f, "more than {limit} values"),
                Bound::Digits => write!(f, "a number of more than {limit} characters"),
            },
        }
    }
}
