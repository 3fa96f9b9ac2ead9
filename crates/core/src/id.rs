//! `Id`: what ties a response to its request.
//!
//! Ids of the peer are echoed exactly as they came and never interpreted; ids that we give out are
//! plain integers, counted up.

use std::borrow::Cow;

/// The id of a request, borrowed from its frame or owned.
///
/// Protocols have different kinds of ids: JSON-RPC numbers and strings, MessagePack-RPC unsigned
/// integers, zerorpc byte strings. A decoder picks the narrowest variant that loses nothing, so
/// that the encoder can write back the very same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Id<'a> {
    /// JSON's `null`. It is an id, not a notification.
    Null,
    /// An integer from zero up, the only kind that this crate sends.
    Number(u64),
    /// A negative integer.
    Negative(i64),
    /// Text, without the quotes and escapes of its encoding.
    Text(Cow<'a, str>),
    /// A byte string.
    Binary(Cow<'a, [u8]>),
    /// One token in the wire's own encoding, echoed byte for byte: a number of 40 digits, a text
    /// with escapes.
    Token(Cow<'a, [u8]>),
}

impl Id<'_> {
    /// The same id without a borrow.
    pub fn into_owned(self) -> Id<'static> {
        match self {
            Self::Null => Id::Null,
            Self::Number(number) => Id::Number(number),
            Self::Negative(number) => Id::Negative(number),
            Self::Text(text) => Id::Text(Cow::Owned(text.into_owned())),
            Self::Binary(bytes) => Id::Binary(Cow::Owned(bytes.into_owned())),
            Self::Token(token) => Id::Token(Cow::Owned(token.into_owned())),
        }
    }

    /// The number, where the id is one that we could have given out.
    pub fn as_number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl From<u64> for Id<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}
