//! [`Outline`]: what stands at the top level of a message.

use super::parts::key_is;

/// A piece of the scanned bytes; empty where there is nothing.
///
/// 32 bits are enough, because no message of more than 4 GiB is walked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// True where there is nothing: every value has at least one byte.
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.end == 0
    }

    /// These bytes of `frame`; `None` where there is nothing.
    #[inline]
    pub(crate) fn of(self, frame: &[u8]) -> Option<&[u8]> {
        if self.is_empty() {
            return None;
        }
        frame.get(self.start as usize..self.end as usize)
    }
}

/// What kind of value stands at the top level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Anything but a container. No message is one.
    #[default]
    Scalar,
    /// A message.
    Object,
    /// A batch.
    Array,
}

/// A member of the JSON-RPC envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
}

impl Member {
    pub(crate) const ALL: [Self; 6] =
        [Self::Jsonrpc, Self::Id, Self::Method, Self::Params, Self::Result, Self::Error];

    /// Its key.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Jsonrpc => "jsonrpc",
            Self::Id => "id",
            Self::Method => "method",
            Self::Params => "params",
            Self::Result => "result",
            Self::Error => "error",
        }
    }

    /// The member with this key, which is given as it was written, without its quotes.
    #[inline]
    pub(super) fn of_key(key: &[u8]) -> Option<Self> {
        match key {
            b"id" => Some(Self::Id),
            b"error" => Some(Self::Error),
            b"method" => Some(Self::Method),
            b"params" => Some(Self::Params),
            b"result" => Some(Self::Result),
            b"jsonrpc" => Some(Self::Jsonrpc),
            _ => Self::of_escaped_key(key),
        }
    }

    /// A peer may write any letter as an escape; one that does so must not slip past the check for
    /// duplicates.
    #[cold]
    fn of_escaped_key(key: &[u8]) -> Option<Self> {
        memchr::memchr(b'\\', key)?;
        Self::ALL.into_iter().find(|member| key_is(key, member.name()))
    }
}

/// What stands at the top level of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// Object, array, or neither.
    pub(crate) kind: Kind,
    /// The first member of the envelope that came twice. Parsers differ about which one counts,
    /// so no such message may be believed; the spans are those of the first.
    pub(crate) duplicate: Option<Member>,
    /// True when a member stands there that is none of the envelope's.
    pub(crate) unknown: bool,
    members: [Span; 6],
}

impl Outline {
    /// Where the value of a member stands; a string with its quotes.
    #[inline]
    pub(crate) fn span(&self, member: Member) -> Span {
        self.members.get(member as usize).copied().unwrap_or_default()
    }

    /// Notes a member whose value ended.
    #[inline]
    pub(super) fn note(&mut self, member: Member, span: Span) {
        match self.members.get_mut(member as usize) {
            Some(known) if known.is_empty() => *known = span,
            _ => self.duplicate = self.duplicate.or(Some(member)),
        }
    }
}
