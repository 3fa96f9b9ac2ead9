//! `Lane` and `Frame`: one message of a transport and the exchange that it belongs to.

use bytes::Bytes;

/// The exchange that a frame belongs to.
///
/// A connection that carries messages both ways at any time has one lane, [`Lane::DUPLEX`]. A
/// transport of exchanges (an HTTP request, a REQ/REP turn, an AMQP delivery, a datagram) opens a
/// lane for each exchange and numbers it as it likes, from 1 up, below [`Lane::BACK`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane(pub u64);

impl Lane {
    /// The one lane of a permanent connection, which never ends before the connection.
    pub const DUPLEX: Self = Self(0);

    /// The first lane of the exchanges that the serving side begins, where it can: both sides number
    /// theirs by themselves.
    pub const BACK: Self = Self(1 << 63);

    /// True for the exchanges that the serving side begins.
    pub fn is_back(self) -> bool {
        self >= Self::BACK
    }

    /// True for the lane of a permanent connection.
    pub fn is_duplex(self) -> bool {
        self == Self::DUPLEX
    }
}

/// What a transport knows about a frame beside its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hint {
    /// Nothing.
    #[default]
    None,
    /// The transport says that it is text.
    Text,
    /// The transport says that it is binary.
    Binary,
    /// It is text, and its sender takes several messages as the answer on its exchange: the values of
    /// a stream, and the response behind them.
    Streams,
    /// It is a request in text, on an exchange that its streams have for themselves
    /// ([`Connection::streams`](crate::Connection::streams)).
    StreamingText,
    /// The same in binary.
    StreamingBinary,
    /// It is a further message on the exchange of a call, in the format of its request: a value of a
    /// stream, or what is said about one.
    Within,
}

/// One whole message as a transport hands it over or takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The exchange that it belongs to.
    pub lane: Lane,
    /// The message without any framing.
    pub bytes: Bytes,
    /// What else the transport knows.
    pub hint: Hint,
}

impl Frame {
    /// A frame on the one lane of a permanent connection.
    pub fn duplex(bytes: impl Into<Bytes>) -> Self {
        Self { lane: Lane::DUPLEX, bytes: bytes.into(), hint: Hint::None }
    }
}

/// How a lane ended, as the session tells the transport.
///
/// HTTP turns it into a status (200, 204, 503, 500), AMQP into an acknowledgement or a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Ended {
    /// The answer was handed over as a frame on this lane.
    Answered,
    /// All was done and there is nothing to say: notifications only. On the calling side: no answer
    /// is waited for.
    Silent,
    /// Nothing was executed, and the lane's frame (if there was one) says why.
    Refused,
    /// Nothing was executed, as somebody decided against this peer; the lane's frame (if there was
    /// one) says why.
    TurnedAway,
    /// The message could not be followed, or its answer not be given.
    Failed,
    /// On the calling side: nobody waits for the answer any more, so the exchange may be broken off.
    Abandoned,
}
