//! `Code`: the number of an error, with the standard ones by name.

use std::fmt;

/// The code of an [`RpcError`](crate::RpcError).
///
/// JSON-RPC reserves -32768 to -32000; applications are free to use any other number.
/// Source: JSON-RPC 2.0, section 5.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub i64);

impl Code {
    /// What was received is not an encoded value at all.
    pub const PARSE_ERROR: Self = Self(-32700);
    /// What was received is not a request.
    pub const INVALID_REQUEST: Self = Self(-32600);
    /// There is no such method.
    pub const METHOD_NOT_FOUND: Self = Self(-32601);
    /// The params do not fit the method.
    pub const INVALID_PARAMS: Self = Self(-32602);
    /// The method failed without saying why, or panicked.
    pub const INTERNAL_ERROR: Self = Self(-32603);
    /// The general error of an application; also the code of peers that send only a text.
    pub const SERVER_ERROR: Self = Self(-32000);
    /// Refused before it began: a limit or a shutdown. It was not executed.
    pub const REFUSED: Self = Self(-32010);
    /// The time for the call ran out on the serving side.
    pub const DEADLINE: Self = Self(-32011);
    /// The call was cancelled.
    pub const CANCELLED: Self = Self(-32012);
    /// The peer has not proved who it is. It was not executed.
    pub const UNAUTHENTICATED: Self = Self(-32014);
    /// A subscription has ended because there is nothing more to come.
    pub const ENDED: Self = Self(-32015);
    /// A subscription was closed because its subscriber takes too little.
    pub const TOO_SLOW: Self = Self(-32016);
    /// The answer cannot be sent: it does not encode, or is over a limit.
    pub const UNSENDABLE: Self = Self(-32013);
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<i64> for Code {
    fn from(number: i64) -> Self {
        Self(number)
    }
}
