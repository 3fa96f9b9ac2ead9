//! `Bench`: a serving session without any transport, fed by hand and without waiting.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use tinyrpc::{
    Limits, Scope, Service,
    protocols::{Framing, JsonRpc, MsgPackRpc, Protocol},
    transports::{Frame, Incoming, PeerAddress, Shape, Taken},
};
use tinyrpc_core::{Role, Session, Settings, Turn};
use tinyrpc_dispatch::Engine;

use super::wire::{self, Wire};

pub(crate) struct Bench {
    engine: Engine,
    incoming: Incoming,
    sent: Vec<u8>,
    shape: Shape,
}

/// Both protocols, as `auto` has them.
pub(crate) fn auto() -> Vec<Arc<dyn Protocol>> {
    vec![Arc::new(JsonRpc), Arc::new(MsgPackRpc)]
}

pub(crate) fn protocol(wire: Wire) -> Arc<dyn Protocol> {
    match wire {
        Wire::Json => Arc::new(JsonRpc),
        Wire::MessagePack => Arc::new(MsgPackRpc),
    }
}

impl Bench {
    /// A stream of bytes to a server that recognises protocols.
    pub(crate) fn stream(service: impl Service + 'static) -> Self {
        Self::new(service, auto(), Shape::Stream, None, Limits::default())
    }

    pub(crate) fn new(
        service: impl Service + 'static,
        protocols: Vec<Arc<dyn Protocol>>,
        shape: Shape,
        framing: Option<Arc<dyn Framing>>,
        limits: Limits,
    ) -> Self {
        let limits = Arc::new(limits);
        let settings = Settings::new(Role::Server, shape, protocols);
        let session = Session::new(Settings { framing, limits, ..settings });
        let scope = Arc::new(Scope::new(PeerAddress::Memory, session.caller(), None));
        let engine = Engine::new(session, Arc::new(service), scope);
        Self { engine, incoming: Incoming::new(), sent: Vec::new(), shape }
    }

    /// Takes bytes of the stream, or one message, and does all that can be done at once.
    pub(crate) fn give(&mut self, bytes: &[u8]) {
        match self.shape {
            Shape::Stream => self.incoming.buffer().extend_from_slice(bytes),
            _ => self.incoming.push(Frame::duplex(bytes.to_vec())),
        }
        let mut cx = Context::from_waker(Waker::noop());
        while self.engine.handle(&mut self.incoming, &mut cx) == Turn::More
            || self.engine.poll_running(&mut cx)
        {}
        self.engine.session().turn(0, Waker::noop());
        let outgoing = self.engine.session().outgoing();
        match self.shape {
            Shape::Stream => {
                while !outgoing.bytes().is_empty() {
                    let count = outgoing.bytes().len();
                    self.sent.extend_from_slice(outgoing.bytes());
                    outgoing.advance(count);
                }
            }
            _ => {
                while let Some(taken) = outgoing.pop() {
                    if let Taken::Frame(frame) = taken {
                        self.sent.extend(wire::with_length(&frame.bytes));
                    }
                }
            }
        }
    }

    /// The same in steps of a few bytes, as a slow peer writes them.
    pub(crate) fn give_in_steps(&mut self, bytes: &[u8], step: usize) {
        bytes.chunks(step).for_each(|chunk| self.give(chunk));
    }

    /// The messages that were sent since.
    pub(crate) fn take(&mut self) -> Vec<Vec<u8>> {
        let messages = wire::take_messages(&mut self.sent);
        assert!(self.sent.is_empty(), "half a message was sent: {:x?}", self.sent);
        messages
    }

    /// True when a driver would close the connection now.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.engine.session().wants_close()
    }

    pub(crate) fn session(&mut self) -> &mut Session {
        self.engine.session()
    }
}
