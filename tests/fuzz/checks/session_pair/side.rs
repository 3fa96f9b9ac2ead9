//! [`Side`]: one session, its transport and its handlers.

#[path = "../../../../crates/core/tests/support/identity.rs"]
pub(super) mod identity;

use std::{
    cell::RefCell,
    collections::{BTreeSet, VecDeque},
    rc::Rc,
    sync::Arc,
    task::Waker,
};

use bytes::BytesMut;
use tinyrpc_core::{Ended, Frame, Incoming, Lane, Role, Session, Settings, Shape, Taken, Turn};

use super::{
    Ledger, Tasks,
    script::{End, Setup, Size},
    serving::Serving,
};

/// One end of the connection.
pub(super) struct Side {
    end: End,
    shape: Shape,
    pub(super) session: Session,
    pub(super) incoming: Incoming,
    pub(super) serving: Serving,
    /// What its transport took and the peer has not received.
    pub(super) transit: Transit,
    /// Exchanges that the transport of the client has begun and not ended.
    pub(super) lanes: BTreeSet<Lane>,
    /// The peer closed the connection.
    pub(super) ended: bool,
    /// When the session wants its next turn.
    next: Option<u64>,
}

/// What is on its way.
#[derive(Debug, Default)]
pub(super) struct Transit {
    bytes: BytesMut,
    frames: VecDeque<Parcel>,
}

#[derive(Debug)]
enum Parcel {
    Frame(Frame),
    /// Nothing more comes on this lane.
    Closed(Lane),
}

impl Transit {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.frames.is_empty()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Drops what belongs to a lane; true if there was a message.
    pub(super) fn forget(&mut self, forgotten: Lane) -> bool {
        let before = self.frames.len();
        self.frames.retain(|parcel| match parcel {
            Parcel::Frame(frame) => frame.lane != forgotten,
            Parcel::Closed(lane) => *lane != forgotten,
        });
        self.frames.len() < before
    }
}

impl Side {
    pub(super) fn new(
        end: End,
        setup: &Setup,
        tasks: &Rc<RefCell<Tasks>>,
        ledger: &Rc<RefCell<Ledger>>,
    ) -> Self {
        let shape = Shape::from(setup.shape);
        let role = match end {
            End::Client => Role::Client,
            End::Server => Role::Server,
        };
        let session = Session::new(Settings {
            framing: setup.framing(),
            limits: Arc::new(setup.limits()),
            reply_order: setup.order(end),
            ..Settings::new(role, shape, vec![setup.protocol()])
        });
        // Answers in order wait for handlers that call back, on either side.
        let nests = shape != Shape::Exchange
            && End::BOTH.iter().all(|&end| setup.order(end) != tinyrpc_core::ReplyOrder::InOrder);
        let serving = Serving::new(end, session.caller(), nests, tasks, ledger);
        Self {
            end,
            shape,
            session,
            incoming: Incoming::new(),
            serving,
            transit: Transit::default(),
            lanes: BTreeSet::new(),
            ended: false,
            next: None,
        }
    }

    /// One turn of a driver without its transport; true if a handler went on.
    pub(super) fn turn(&mut self, now: u64) -> bool {
        self.serving.now = now;
        while self.session.handle(&mut self.incoming, &mut self.serving) == Turn::More {}
        let nesting = std::mem::take(&mut self.serving.nesting);
        let (waiting, done): (Vec<_>, _) =
            nesting.into_iter().partition(|(_, nested)| nested.is_pending());
        self.serving.nesting = waiting;
        let busy = !done.is_empty() || self.session.can_start() && !self.session.is_closing();
        for (ticket, nested) in done {
            match nested.take() {
                Ok(()) => self.session.finish(ticket, |reply| reply.result(&())),
                Err(error) => {
                    let error = tinyrpc_core::RpcError::internal(error);
                    self.session.finish(ticket, |reply| reply.error(&error));
                }
            }
        }
        self.next = self.session.turn(now, Waker::noop());
        busy
    }

    /// The handler that waits at a place among the others answers.
    pub(super) fn answer(&mut self, which: u8, size: Size) {
        if self.serving.held.is_empty() {
            return;
        }
        let ticket = self.serving.held.remove(usize::from(which) % self.serving.held.len());
        self.session.finish(ticket, |reply| reply.result(&"z".repeat(size.bytes())));
    }

    /// All handlers that wait answer; true if there were any.
    pub(super) fn answer_all(&mut self) -> bool {
        let held = std::mem::take(&mut self.serving.held);
        let any = !held.is_empty();
        for ticket in held {
            self.session.finish(ticket, |reply| reply.result(&1));
        }
        any
    }

    /// The transport takes up to `count` bytes or messages.
    pub(super) fn take(&mut self, mut count: usize) {
        let outgoing = self.session.outgoing();
        if self.shape == Shape::Stream {
            while count > 0 && !outgoing.is_empty() {
                let waiting = outgoing.bytes();
                let taken = waiting.len().min(count);
                self.transit.bytes.extend_from_slice(&waiting[..taken]);
                outgoing.advance(taken);
                count -= taken;
            }
        } else {
            while count > 0
                && let Some(taken) = outgoing.pop()
            {
                match taken {
                    Taken::Frame(frame) => {
                        if self.shape == Shape::Exchange && self.end == End::Client {
                            self.lanes.insert(frame.lane);
                        }
                        self.transit.frames.push_back(Parcel::Frame(frame));
                        count -= 1;
                    }
                    Taken::Ended(lane, how) => {
                        assert!(!lane.is_duplex(), "the one lane ended");
                        let abandoned = how == Ended::Abandoned;
                        assert!(!abandoned || self.end == End::Client, "it abandons {lane:?}");
                        if self.end == End::Server || abandoned && self.lanes.remove(&lane) {
                            self.transit.frames.push_back(Parcel::Closed(lane));
                        }
                    }
                }
            }
        }
        self.session.sent();
    }

    /// Receives up to `count` bytes or messages of what the peer's transport took.
    pub(super) fn receive(&mut self, from: &mut Transit, count: usize) {
        if self.ended || self.session.is_lost() {
            return from.clear();
        }
        if self.session.is_paused() {
            return;
        }
        let bytes = from.bytes.len().min(count);
        if bytes > 0 {
            self.incoming.buffer().extend_from_slice(&from.bytes.split_to(bytes));
        }
        let frames = from.frames.len().min(count);
        for parcel in from.frames.drain(..frames) {
            let exchanges = self.shape == Shape::Exchange && self.end == End::Client;
            match parcel {
                // Nobody here knows that exchange any more.
                Parcel::Frame(frame) if exchanges && !self.lanes.contains(&frame.lane) => {}
                Parcel::Frame(frame) => self.incoming.push(frame),
                Parcel::Closed(lane) if exchanges && !self.lanes.remove(&lane) => {}
                Parcel::Closed(lane) => self.incoming.close_lane(lane),
            }
        }
    }

    /// What holds at all times.
    pub(super) fn check(&mut self, now: u64, ledger: &Ledger) {
        if self.session.is_lost() {
            return;
        }
        let limits = Arc::clone(self.session.limits());
        let running = self.session.running();
        let most = 2 * limits.max_requests + limits.max_calls + self.serving.nesting.len();
        assert!(running <= most, "{running} requests are in execution");
        if let Some(deadline) = ledger.deadline(self.end) {
            let next = self.next.unwrap_or(u64::MAX);
            assert!(
                next <= deadline,
                "it sleeps until {next}, a call ends at {deadline}, it is {now}"
            );
        }
    }
}
