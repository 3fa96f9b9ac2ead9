//! The parts of a connection, for event loops that are not ours.
//!
//! Whoever has a loop already (a game, a GUI, an embedded system, another language's runtime) drives
//! an [`Engine`] for each connection: bytes in, bytes out, and time as a number. It needs neither
//! runtime nor threads, and nothing in here waits. `examples/foreign_loop.rs` drives a server and
//! its client in one thread with nothing but sockets of `std`.
//!
//! Where each message is an exchange of its own, as with HTTP or ZeroMQ's REP, the serving side is
//! simpler still: an [`Endpoint`](crate::Endpoint). The side that calls is an [`Engine`] here too;
//! see `examples/zmq_by_hand.rs`.

pub use tinyrpc_core::{
    Counters, Ended, Frame, Hint, Incoming, Lane, Outgoing, Role, Session, Settings, Taken, Turn,
};
pub use tinyrpc_dispatch::Engine;
pub use tinyrpc_transports::{PeerAddress, Shape};
