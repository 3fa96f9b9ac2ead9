//! `Settings`: what a session is made from.

use std::sync::Arc;

use super::ReplyOrder;
use crate::{Framing, Limits, PeerAddress, Protocol, Shape, WireTrace};

/// Which end of a connection a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It was connected to.
    Server,
    /// It connected.
    Client,
}

/// What a session is made from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which end it is.
    pub role: Role,
    /// What the transport carries.
    pub shape: Shape,
    /// The transport may lose messages without anybody knowing: see
    /// [`Connection::is_lossy`](crate::Connection::is_lossy).
    pub is_lossy: bool,
    /// Over exchanges, the serving side can call: see
    /// [`Connection::calls_back`](crate::Connection::calls_back).
    pub calls_back: bool,
    /// Over exchanges, calls can stream: see [`Connection::streams`](crate::Connection::streams).
    pub streams: bool,
    /// Over exchanges, calls of ours may be answered by streams: see
    /// [`Connection::takes_streams`](crate::Connection::takes_streams).
    pub takes_streams: bool,
    /// The protocol, or several of which the peer's first bytes choose one.
    pub protocols: Vec<Arc<dyn Protocol>>,
    /// A framing in place of the protocol's own.
    pub framing: Option<Arc<dyn Framing>>,
    /// The bounds.
    pub limits: Arc<Limits>,
    /// In which order the requests of the peer are answered.
    pub reply_order: ReplyOrder,
    /// Requests wait until somebody has decided about the peer: see [`Session::ask`](crate::Session::ask).
    pub gated: bool,
    /// Where the peer is; only told to the trace.
    pub peer: PeerAddress,
    /// Sees every message.
    pub trace: Option<Arc<dyn WireTrace>>,
}

impl Settings {
    /// One end of a connection of which nothing else is known: nothing is lost, no framing but the
    /// protocol's own, the default limits, answers as they are ready, no gate, a peer in this
    /// process, no trace.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tinyrpc_core::{Limits, Role, Settings, Shape};
    ///
    /// let limits = Arc::new(Limits::smallest());
    /// let settings = Settings { limits, ..Settings::new(Role::Server, Shape::Stream, Vec::new()) };
    /// ```
    pub fn new(role: Role, shape: Shape, protocols: Vec<Arc<dyn Protocol>>) -> Self {
        Self {
            role,
            shape,
            is_lossy: false,
            calls_back: false,
            streams: false,
            takes_streams: false,
            protocols,
            framing: None,
            limits: Arc::default(),
            reply_order: ReplyOrder::default(),
            gated: false,
            peer: PeerAddress::Memory,
            trace: None,
        }
    }
}
