//! `Error`: how a call ended for its caller, when it did not end with a result.

use std::{fmt, io, sync::Arc};

use crate::{FormatError, RpcError, Unsupported};

/// Why a call has no result.
///
/// There are exactly three outcomes, and [`Error::outcome`] tells which: the peer *answered*, the
/// call was *certainly not executed* (retrying is safe), or nobody can know (*unknown*: it was
/// handed to the transport and no answer came).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer answered with an error.
    Answered(RpcError),
    /// The peer answered, but with a value of another type than the caller asked for.
    Mismatch(FormatError),
    /// The call was certainly not executed.
    NotExecuted(Reason),
    /// The call may have been executed or not.
    Unknown(Reason),
    /// A subscription ended before its peer ended it.
    Interrupted(Reason),
}

/// What is known about the execution of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The peer executed it, or refused it with an error of its own.
    Answered,
    /// The peer certainly did not execute it: a retry is safe.
    NotExecuted,
    /// It was handed to the transport and no answer came.
    Unknown,
}

/// What went wrong on the way.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// No answer within this many milliseconds.
    Timeout(u64),
    /// The connection is closed, with the words of whoever closed it.
    Closed(Arc<str>),
    /// The connection could not be made.
    Connect(Arc<io::Error>),
    /// The transport failed.
    Io(Arc<io::Error>),
    /// The params could not be encoded.
    Encode(FormatError),
    /// A limit of this side stands in the way.
    Limit(LimitReached),
    /// Protocol or transport lack the ability.
    Unsupported(Unsupported),
    /// The peer refused the call before it began and said so.
    Refused(RpcError),
    /// The arguments of the call make no sense locally.
    Invalid(Arc<str>),
}

/// A limit that was reached, by its name in [`Limits`](crate::Limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// The field of `Limits`.
    pub name: &'static str,
    /// Its value.
    pub limit: u64,
}

impl Error {
    /// What is known about the execution of the call.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Answered(_) | Self::Mismatch(_) | Self::Interrupted(_) => Outcome::Answered,
            Self::NotExecuted(_) => Outcome::NotExecuted,
            Self::Unknown(_) => Outcome::Unknown,
        }
    }

    /// The error that the peer sent, if it sent one.
    pub fn as_rpc(&self) -> Option<&RpcError> {
        match self {
            Self::Answered(error) | Self::NotExecuted(Reason::Refused(error)) => Some(error),
            _ => None,
        }
    }

    /// True when the time ran out.
    pub fn is_timeout(&self) -> bool {
        let (Self::NotExecuted(reason) | Self::Unknown(reason)) = self else { return false };
        match reason {
            Reason::Timeout(_) => true,
            Reason::Connect(error) => error.kind() == io::ErrorKind::TimedOut,
            _ => false,
        }
    }

    /// An error as the peer sent it: an answer, or the promise that it executed nothing.
    pub(crate) fn from_peer(error: RpcError) -> Self {
        if error.is_not_executed() {
            return Self::NotExecuted(Reason::Refused(error));
        }
        Self::Answered(error)
    }

    /// The params did not encode: nothing was sent.
    pub fn encode(error: FormatError) -> Self {
        Self::NotExecuted(Reason::Encode(error))
    }

    /// A limit of this side stands in the way: nothing was sent.
    pub fn limit(name: &'static str, limit: u64) -> Self {
        Self::NotExecuted(Reason::Limit(LimitReached { name, limit }))
    }

    /// The call makes no sense locally: nothing was sent.
    pub fn invalid(why: impl Into<Arc<str>>) -> Self {
        Self::NotExecuted(Reason::Invalid(why.into()))
    }
}

impl From<Unsupported> for Reason {
    fn from(unsupported: Unsupported) -> Self {
        Self::Unsupported(unsupported)
    }
}

impl From<Unsupported> for Error {
    fn from(unsupported: Unsupported) -> Self {
        Self::NotExecuted(Reason::Unsupported(unsupported))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(error) => write!(f, "the peer answered with an error: {error}"),
            Self::Mismatch(error) => write!(f, "the result has another type: {error}"),
            Self::NotExecuted(reason) => write!(f, "the call was not executed: {reason}"),
            Self::Unknown(reason) => {
                write!(f, "no answer, the call may have been executed: {reason}")
            }
            Self::Interrupted(reason) => write!(f, "the subscription was interrupted: {reason}"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(millis) => write!(f, "timed out after {millis} ms"),
            Self::Closed(why) => write!(f, "the connection is closed: {why}"),
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Io(error) => write!(f, "the transport failed: {error}"),
            Self::Encode(error) => write!(f, "the params cannot be encoded: {error}"),
            Self::Limit(reached) => reached.fmt(f),
            Self::Unsupported(unsupported) => unsupported.fmt(f),
            Self::Refused(error) => write!(f, "refused by the peer: {error}"),
            Self::Invalid(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the limit `{}` of {} is reached", self.name, self.limit)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Answered(error) => Some(error),
            Self::Mismatch(error) => Some(error),
            Self::NotExecuted(reason) | Self::Unknown(reason) | Self::Interrupted(reason) => {
                match reason {
                    Reason::Connect(error) | Reason::Io(error) => Some(error),
                    Reason::Encode(error) => Some(error),
                    Reason::Unsupported(unsupported) => Some(unsupported),
                    Reason::Refused(error) => Some(error),
                    _ => None,
                }
            }
        }
    }
}
