//! `WireTrace`: sees every message of a connection as the bytes that travel.
//!
//! For whoever wants to show or record what two peers say to each other.

use std::fmt;

use crate::PeerAddress;

/// Is told every message of a connection, on its way in or out.
///
/// | | what it is given |
/// |---|---|
/// | received | each message as it came, before anything is done about it |
/// | sent | each message as it is queued for the transport; on a stream a small one may overtake a large one that was queued before it |
///
/// A message is whole and without its framing: no length before it and no line feed behind it. One
/// that travels in chunks is given once, when its last chunk has come or before the first one
/// leaves. A batch is one message where the protocol has batches. Bytes that are no message are
/// given as they came, in as many pieces as they are given up in.
///
/// It is called by the task of the connection and under no lock, so it holds up that connection
/// while it runs. One that panics is not called again for the same connection, which lives on.
///
/// Params and results are given as they are, whatever secrets they hold, but for two: there are
/// asterisks over what a peer sends before it is known who it is ([`Settings::gated`]), methods
/// and ids excepted, and over what is sent by [`Caller::concealed`], as a login is.
///
/// [`Settings::gated`]: crate::Settings::gated
/// [`Caller::concealed`]: crate::Caller::concealed
///
/// ```
/// use tinyrpc_core::{Direction, PeerAddress, WireTrace};
///
/// let trace = |direction: Direction, peer: &PeerAddress, message: &[u8]| {
///     println!("{peer} {direction} {} bytes", message.len());
/// };
/// # fn check(_: impl WireTrace) {}
/// # check(trace);
/// ```
pub trait WireTrace: Send + Sync {
    /// One message came from the peer, or goes to it.
    fn message(&self, direction: Direction, peer: &PeerAddress, message: &[u8]);
}

impl<F> WireTrace for F
where
    F: Fn(Direction, &PeerAddress, &[u8]) + Send + Sync,
{
    fn message(&self, direction: Direction, peer: &PeerAddress, message: &[u8]) {
        self(direction, peer, message);
    }
}

impl fmt::Debug for dyn WireTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WireTrace")
    }
}

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the peer to this side.
    Received,
    /// From this side to the peer.
    Sent,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Received => "received",
            Self::Sent => "sent",
        })
    }
}
