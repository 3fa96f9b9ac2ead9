//! `Gate`: requests that wait until somebody has decided about their peer.
//!
//! With [`Settings::gated`](super::Settings::gated) nothing is executed before that. Whoever
//! decides takes the oldest request ([`Session::ask`]) and says what becomes of it, by the number
//! that it got: [`Session::begin_asked`], [`Session::answer_asked`] or [`Session::refuse_asked`].
//! On a permanent connection one decision stands for all that comes later:
//! [`Session::open_gate`] or [`Session::turn_away`]. Over exchanges each request may come from
//! another peer, so each one is asked about.

use std::{convert::Infallible, mem};

use super::{Serve, Session, State, backlog::Waiting};
use crate::{FrameRef, Lane, Message, Reason, ReplyTo, Request, RpcError, Ticket};

/// The requests about which somebody is deciding.
#[derive(Debug)]
pub(super) struct Gate {
    is_closed: bool,
    last: u64,
    asked: Vec<(u64, Waiting)>,
    /// What requests are told that are being refused right now.
    refusal: Option<RpcError>,
}

impl Gate {
    pub(super) fn new(is_closed: bool) -> Self {
        Self { is_closed, last: 0, asked: Vec::new(), refusal: None }
    }

    /// True while nothing may begin.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// True when nobody decides about a request.
    pub(super) fn is_idle(&self) -> bool {
        self.asked.is_empty()
    }

    /// What requests are told that are being refused right now.
    pub(super) fn refusal(&self) -> Option<&RpcError> {
        self.refusal.as_ref()
    }

    /// Forgets what came on a lane that closed.
    pub(super) fn close_lane(&mut self, lane: Lane) {
        self.asked.retain(|(_, waiting)| waiting.lane != lane);
    }

    fn take(&mut self, number: u64) -> Option<Waiting> {
        let index = self.asked.iter().position(|(its, _)| *its == number)?;
        Some(self.asked.remove(index).1)
    }
}

impl Session {
    /// True while requests wait for a decision about their peer.
    pub fn is_gated(&self) -> bool {
        self.gate.is_closed
    }

    /// Takes the oldest request that waits and shows it; the number is what it goes by from now
    /// on. Of a batch the first request is shown, and stands for all of them.
    pub fn ask<R>(&mut self, show: impl FnOnce(&Request<'_>) -> R) -> Option<(u64, R)> {
        while self.can_ask() {
            let waiting = self.backlog.pop()?;
            self.speak_as(&waiting.frame);
            let link = self.links.get_mut(self.tongue)?;
            let Waiting { lane, frame, .. } = &waiting;
            let frame = FrameRef { lane: *lane, bytes: frame, block: Some(frame) };
            let message = link.decoder.decode(frame);
            if let Some(request) = message.as_ref().ok().and_then(first_request) {
                let shown = show(request);
                drop(message);
                self.gate.last += 1;
                self.gate.asked.push((self.gate.last, waiting));
                return Some((self.gate.last, shown));
            }
            drop(message);
            // Nothing that could be executed: it waited for room to be answered.
            self.start_kept(&waiting, &mut Nobody);
        }
        None
    }

    /// True when a request waits that may be asked about.
    pub fn can_ask(&self) -> bool {
        self.gate.is_closed
            && !self.backlog.is_empty()
            && !self.is_closing()
            && !matches!(self.state, State::Draining)
            && self.has_room(1 + self.gate.asked.len())
    }

    /// Executes a request that was asked about. Nothing happens where it is no longer known: its
    /// exchange is over.
    pub fn begin_asked<S: Serve>(&mut self, number: u64, serve: &mut S) {
        if let Some(waiting) = self.gate.take(number) {
            self.start_kept(&waiting, serve);
        }
    }

    /// Answers a request that was asked about, in place of executing it; false where it is a batch
    /// or no longer known, and then nothing was done.
    pub fn answer_asked(&mut self, number: u64, write: impl FnOnce(&mut ReplyTo<'_>)) -> bool {
        let Some(waiting) = self.gate.take(number) else { return false };
        self.speak_as(&waiting.frame);
        let Some(link) = self.links.get_mut(self.tongue) else { return false };
        let &Waiting { lane, ref frame, place, .. } = &waiting;
        let frame = FrameRef { lane, bytes: frame, block: Some(frame) };
        let Ok(Message::Request(request)) = link.decoder.decode(frame) else {
            self.gate.asked.push((number, waiting));
            return false;
        };
        self.close_channels(lane, request.id.as_ref());
        self.reply(request.id.as_ref(), lane, None, place, write);
        true
    }

    /// Refuses a request that was asked about.
    pub fn refuse_asked(&mut self, number: u64, error: &RpcError) {
        if let Some(waiting) = self.gate.take(number) {
            self.refuse_kept(&waiting, error);
        }
    }

    /// From now on requests begin as they come, those first that waited.
    pub fn open_gate(&mut self) {
        self.gate.is_closed = false;
    }

    /// Refuses every request that waits, and closes the connection.
    pub fn turn_away(&mut self, error: &RpcError, reason: Reason) {
        for (_, waiting) in mem::take(&mut self.gate.asked) {
            self.refuse_kept(&waiting, error);
        }
        while let Some(waiting) = self.backlog.pop() {
            self.refuse_kept(&waiting, error);
        }
        self.close(reason);
    }

    fn refuse_kept(&mut self, waiting: &Waiting, error: &RpcError) {
        self.gate.refusal = Some(error.clone());
        self.start_kept(waiting, &mut Nobody);
        self.gate.refusal = None;
    }
}

fn first_request<'m, 'f>(message: &'m Message<'f>) -> Option<&'m Request<'f>> {
    match message {
        Message::Request(request) => Some(request),
        Message::Batch(members) => members.iter().flatten().find_map(first_request),
        _ => None,
    }
}

/// Serves what is not executed.
struct Nobody;

impl Serve for Nobody {
    type Pending = Infallible;

    fn start(&mut self, _request: &Request<'_>, reply: &mut ReplyTo<'_>) -> Option<Infallible> {
        reply.error(&RpcError::refused("nobody serves it"));
        None
    }

    fn pending(&mut self, _ticket: Ticket, pending: Infallible) {
        match pending {}
    }

    fn cancelled(&mut self, _ticket: Ticket) {}
}
