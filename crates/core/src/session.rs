//! `Session`: one side of a connection as a value, without sockets, clock or tasks.
//!
//! For authors of drivers and of foreign event loops; everybody else uses a `Client` or a
//! `Server`. What came goes in by [`Session::handle`], what is to be sent comes out of
//! [`Session::outgoing`], and time is an argument: microseconds since any fixed moment. The
//! session never waits and never runs a handler by itself: it hands each request to a [`Serve`],
//! which answers at once or promises to do so later ([`Session::finish`]).
//!
//! A turn of a driver is always the same:
//!
//! 1. receive into an [`Incoming`](crate::Incoming), unless [`Session::is_paused`];
//! 2. [`Session::handle`] it, again and again while it says [`Turn::More`];
//! 3. [`Session::finish`] what handlers completed;
//! 4. [`Session::turn`], which collects what callers wrote and gives the next deadline;
//! 5. send from [`Session::outgoing`], and say so by [`Session::sent`];
//! 6. begin anew at once where the session says [`Session::has_more`] or [`Session::can_start`].

mod admission;
mod backlog;
mod batch;
mod detect;
mod follow;
mod gate;
mod hello;
mod join;
mod late;
mod order;
mod pace;
mod receive;
mod requests;
mod route;
mod serve;
mod settings;
mod split;
mod stall;
mod streams;
mod trace;

use std::{fmt, sync::Arc, task::Waker};

use self::{
    backlog::Backlog,
    detect::Recognition,
    follow::Followed,
    gate::Gate,
    join::Joins,
    order::{Order, Place},
    requests::{Batches, Requests, Running},
    split::Splits,
    stall::Stall,
    streams::Streams,
    trace::Trace,
};
pub use self::{
    order::ReplyOrder,
    requests::Ticket,
    serve::Serve,
    settings::{Role, Settings},
};
use crate::{
    Caller, Decoder, Ended, FrameReader, Id, Incoming, Lane, LimitReached, Limits, Outgoing,
    Protocol, Reason, ReplyTo, RpcError, Shape,
    calls::{Calls, LateCancel, Line, Rest, wake_all},
    format::Pieces,
    outgoing::Kind,
    reply::Member,
    wire::Wire,
};

/// One side of a connection.
pub struct Session {
    settings: Settings,
    /// The protocols that are spoken: one, but for exchanges, each of which may speak its own.
    links: Vec<Link>,
    /// Which of them is spoken right now.
    tongue: usize,
    /// Of a peer whose protocol is not known yet.
    recognition: Option<Recognition>,
    calls: Arc<Calls>,
    outgoing: Outgoing,
    requests: Requests,
    batches: Batches,
    backlog: Backlog,
    gate: Gate,
    order: Order,
    followed: Followed,
    streams: Streams,
    splits: Splits,
    joins: Joins,
    late_cancels: Vec<LateCancel>,
    /// A caller of ours was answered since the last turn, and may go on.
    answered: bool,
    /// Parts of large messages, in both directions, wait for one turn for what it says.
    gives_way: bool,
    trace: Option<Trace>,
    wakes: Vec<Waker>,
    state: State,
    syntax_errors: u32,
    stall: Stall,
    /// Since when nothing more is received, because nothing of what came can begin.
    paused: Option<u64>,
    /// Callers waited for room when the turn ended, or would have.
    callers_wait: bool,
    counters: Counters,
}

/// A protocol, once it is known that it is spoken.
struct Link {
    protocol: Arc<dyn Protocol>,
    decoder: Box<dyn Decoder>,
    /// Finds frames in place of the decoder.
    reader: Option<Box<dyn FrameReader>>,
    wire: Wire,
}

#[derive(Debug)]
enum State {
    Open,
    /// Requests in execution finish, new ones are refused.
    Draining,
    /// The peer sends no more; its requests are still answered.
    Ending(Reason),
    /// What is in the queue is sent, and that is all.
    Closing(Reason),
    /// Nothing can be sent any more.
    Lost(Reason),
}

/// What a session saw and did nothing about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Responses that no call waited for: late ones, or none of ours.
    pub unmatched: u64,
    /// Messages that were not valid and could not be answered, and extensions that this side does
    /// not know.
    pub ignored: u64,
    /// Requests that were refused as not executed.
    pub refused: u64,
}

/// How a [`Session::handle`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Everything that came was handled.
    Drained,
    /// There is more, but others should have their turn first.
    More,
}

impl Session {
    /// A session before its first byte.
    pub fn new(mut settings: Settings) -> Self {
        let trace = settings.trace.take();
        let trace = trace.map(|hook| Trace::new(hook, settings.peer.clone()));
        let limits = Arc::new(Limits::clone(&settings.limits).checked());
        let line = Line::of(&settings);
        let mut session = Self {
            links: Vec::new(),
            tongue: 0,
            recognition: None,
            calls: Calls::new(line, Arc::clone(&limits)),
            outgoing: Outgoing::new(settings.shape),
            requests: Requests::default(),
            batches: Batches::default(),
            backlog: Backlog::default(),
            gate: Gate::new(settings.gated),
            order: Order::new(settings.reply_order),
            followed: Followed::default(),
            streams: Streams::default(),
            splits: Splits::default(),
            joins: Joins::default(),
            late_cancels: Vec::new(),
            answered: false,
            gives_way: false,
            trace,
            wakes: Vec::new(),
            state: State::Open,
            syntax_errors: 0,
            stall: Stall::default(),
            paused: None,
            callers_wait: false,
            counters: Counters::default(),
            settings: Settings { limits, ..settings },
        };
        if session.trace.is_some() {
            session.calls.keep_marks();
        }
        if let [protocol] = session.settings.protocols.as_slice() {
            let (protocol, framing) = (Arc::clone(protocol), session.settings.framing.clone());
            session.decide(&protocol, framing);
        }
        session
    }

    /// A handle for calls to the peer; it works from any thread.
    pub fn caller(&self) -> Caller {
        Caller::new(Arc::clone(&self.calls))
    }

    /// What waits to be sent.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// True while nothing more should be received: what came is more than may wait.
    pub fn is_paused(&self) -> bool {
        self.backlog.is_over(self.settings.limits.max_backlog)
            || self.calls.router.is_crowded()
            // Its own calls would be left without their answers.
            || self.calls.router.is_full() && self.calls.in_flight() == 0
    }

    /// What was seen and ignored.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The bounds in force.
    pub fn limits(&self) -> &Arc<Limits> {
        &self.settings.limits
    }

    /// How many requests of the peer are in execution.
    pub fn running(&self) -> usize {
        self.requests.len()
    }

    /// True when requests are refused because this side shuts down.
    pub fn is_draining(&self) -> bool {
        matches!(self.state, State::Draining)
    }

    /// True when nothing is left to be done but to close the connection.
    pub fn wants_close(&self) -> bool {
        match self.state {
            State::Closing(_) => self.outgoing.is_empty(),
            State::Ending(_) => {
                self.requests.len() == 0
                    && self.backlog.is_empty()
                    && self.gate.is_idle()
                    && self.outgoing.is_empty()
                    && !self.is_splitting()
                    && !self.order.is_resting()
            }
            State::Lost(_) => true,
            State::Open | State::Draining => false,
        }
    }

    /// True when the connection is closed, or will be once the queue is sent.
    pub fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing(_) | State::Lost(_))
    }

    /// True when the transport failed and nothing can be sent any more.
    pub fn is_lost(&self) -> bool {
        matches!(self.state, State::Lost(_))
    }

    /// Why the connection ends, or ended.
    pub fn reason(&self) -> Reason {
        match &self.state {
            State::Ending(reason) | State::Closing(reason) | State::Lost(reason) => reason.clone(),
            State::Draining => Reason::Closed("this side has shut down".into()),
            State::Open => Reason::Closed("it is open".into()),
        }
    }

    /// True when requests wait in the backlog that may begin now.
    pub fn can_start(&self) -> bool {
        if self.calls.router.is_due() {
            return true;
        }
        let is_open = !self.gate.is_closed() || self.is_draining();
        is_open && self.backlog.next().is_some_and(|count| self.has_room(count))
    }

    /// True when the session wants another turn at once: parts of a large message can follow what the
    /// transport took, or the peer is to be let send more of one behind what callers say first.
    pub fn has_more(&self) -> bool {
        self.can_split() || self.gives_way
    }

    /// True when callers wrote something and others of them may be about to.
    pub fn expects_more(&self) -> bool {
        self.calls.expects_more()
    }

    /// True when a shutdown has nothing left to wait for. A server does not wait for somebody who
    /// takes its answers; a client waits for whoever may still come and take what it said.
    pub fn is_drained(&self) -> bool {
        let deserted = self.settings.role == Role::Server && self.outgoing.is_vacant();
        self.requests.len() == 0
            && self.backlog.is_empty()
            && self.gate.is_idle()
            && (self.outgoing.is_empty() || deserted)
            && !self.is_splitting()
            && !self.order.is_resting()
            && self.calls.in_flight() == 0
    }

    /// Bytes that wait for the transport, or for the peer to take the parts of larger messages.
    fn queued(&self) -> usize {
        self.outgoing.len() + self.splits.held()
    }

    /// The same, and answers that wait for their turn.
    fn queued_or_held(&self) -> usize {
        self.queued() + self.order.held()
    }

    /// Handles what came, for as long as it does not take too long.
    pub fn handle<S: Serve>(&mut self, incoming: &mut Incoming, serve: &mut S) -> Turn {
        let mut budget = FRAMES_PER_TURN;
        if self.calls.router.is_due() {
            self.serve_released(serve);
        }
        self.start_backlog(serve, &mut budget);
        let rest = self.order.take_rest();
        let left = budget;
        let turn = match self.settings.shape {
            Shape::Stream => self.handle_stream(incoming, serve, &mut budget),
            _ => self.handle_frames(incoming, serve, &mut budget),
        };
        if let Some(rest) = rest {
            self.resume_rest(rest, budget < left);
        }
        if self.calls.router.is_due() {
            self.serve_released(serve);
        }
        wake_all(self.wakes.drain(..));
        turn
    }

    /// Answers a request that was promised an answer, and lets the next one begin.
    ///
    /// Nothing happens for a ticket that is no longer known: its request was cancelled.
    pub fn finish(&mut self, ticket: Ticket, write: impl FnOnce(&mut ReplyTo<'_>)) {
        let Some(running) = self.requests.remove(ticket) else { return };
        if running.tongue != self.tongue {
            self.speak(running.tongue);
        }
        if let Some(index) = running.batch {
            self.leave_batch(index);
        }
        if self.close_channels(running.lane, running.id.as_ref()) {
            self.answer_behind(running.lane, running.id.as_ref(), write);
            return self.leave_order(running.place);
        }
        self.reply(running.id.as_ref(), running.lane, running.batch, running.place, write);
    }

    /// Ends a turn: collects what callers wrote, and gives the time by which the session wants
    /// another turn, if it wants one.
    pub fn turn(&mut self, now: u64, driver: &Waker) -> Option<u64> {
        self.joins.turn(now);
        // A caller that was just answered may have its next call stand before any more of a large
        // message, and one write does for both.
        self.gives_way = std::mem::take(&mut self.answered)
            && !self.gives_way
            && (self.joins.is_due() || self.can_split());
        if !self.gives_way {
            self.grant_chunks();
        }
        let held = self.splits.held();
        let unsent = self.outgoing.first_segment().into_iter().chain(self.splits.first()).min();
        let out = &mut self.outgoing;
        let collected = self.calls.collect(out, held, unsent, now, driver, &mut self.wakes);
        if !collected.marks.is_empty() {
            self.trace_collected(collected.base, &collected.marks);
        }
        self.cut();
        if !self.gives_way {
            self.split();
        }
        self.say_late_cancels(collected.late_cancels);
        self.callers_wait = collected.waiting;
        let rest = self.watch_rest(now);
        let stall = self.watch_stall(now).min(self.watch_pause(now)).min(self.watch_joins(now));
        wake_all(self.wakes.drain(..));
        let next = collected.deadline.min(stall).min(rest);
        (next != u64::MAX).then_some(next)
    }

    /// Says that the transport took what it could: callers that waited for that go on, and parts of
    /// large messages that came are put together.
    pub fn sent(&mut self) {
        if !self.gives_way {
            self.joins.unstage();
        }
        if self.callers_wait && self.queued() < self.settings.limits.max_outgoing {
            self.calls.sent(self.queued(), &mut self.wakes);
            wake_all(self.wakes.drain(..));
        }
    }

    /// From now on new requests are refused as not executed and no new calls begin.
    pub fn drain(&mut self) {
        if matches!(self.state, State::Open) {
            self.state = State::Draining;
            let reason = Reason::Closed("this side is shutting down".into());
            self.calls.refuse(reason, &mut self.wakes);
            wake_all(self.wakes.drain(..));
        }
    }

    /// The peer sends no more: our calls end, its requests are still answered.
    pub fn end(&mut self, reason: Reason) {
        self.end_calls(&reason, Rest::Queued);
        if matches!(self.state, State::Open | State::Draining) {
            self.state = State::Ending(reason);
        }
    }

    /// Closes the connection once the queue is sent, or at once where nobody is there to take it.
    /// Every call ends, and no request begins.
    pub fn close(&mut self, reason: Reason) {
        if self.outgoing.is_vacant() {
            return self.lose(reason);
        }
        self.end_calls(&reason, Rest::Sent);
        while let Some(waiting) = self.backlog.pop() {
            self.outgoing.end_lane(waiting.lane, Ended::Refused);
            self.leave_order(waiting.place);
        }
        if !self.is_closing() {
            self.state = State::Closing(reason);
        }
    }

    /// The transport failed: every call ends, and what was not sent never will be.
    pub fn lose(&mut self, reason: Reason) {
        self.end_calls(&reason, Rest::Dropped);
        self.backlog.clear();
        self.outgoing.clear();
        self.splits.clear();
        self.late_cancels.clear();
        self.order.clear();
        self.followed.clear();
        if !self.is_lost() {
            self.state = State::Lost(reason);
        }
    }

    /// The one way in which calls end without an answer when a connection does.
    fn end_calls(&mut self, reason: &Reason, rest: Rest) {
        self.calls.close(reason, rest, &self.outgoing, &mut self.wakes);
        if rest == Rest::Queued {
            self.end_inputs();
        } else {
            self.end_streams();
        }
        self.calls.router.end(reason, &mut self.wakes);
        wake_all(self.wakes.drain(..));
    }

    /// Writes an answer to where it belongs.
    fn reply(
        &mut self,
        id: Option<&Id<'_>>,
        lane: Lane,
        batch: Option<usize>,
        place: Option<Place>,
        write: impl FnOnce(&mut ReplyTo<'_>),
    ) {
        if let Some(index) = batch {
            return self.reply_in_batch(index, id, write);
        }
        if self.links.get(self.tongue).is_some_and(|link| link.wire.profile.reports.is_some()) {
            // What was reported of a call stands before its answer.
            self.collect_streams();
        }
        let Some(link) = self.links.get(self.tongue) else { return };
        let start = self.outgoing.encode().len();
        let mut reply = ReplyTo::new(&link.wire, self.outgoing.encode(), id, Member::Frame);
        write(&mut reply);
        if id.is_some() && !reply.is_answered() {
            reply.error(&RpcError::internal("the handler gave no answer"));
        }
        let (followed, pieces) = (reply.followed(), reply.into_pieces());
        self.follow(followed, place);
        if !pieces.is_empty() {
            return self.commit_pieces(start, lane, pieces, place);
        }
        if id == Some(&Id::Null) && place.is_none() && self.outgoing.encode().len() == start {
            // The protocol has no words for it.
            return self.outgoing.end_lane(lane, Ended::Failed);
        }
        self.commit(start, lane, Ended::Answered, place);
    }

    /// Completes the frame that was written from `start` on, and with it the lane.
    fn commit(&mut self, start: usize, lane: Lane, how: Ended, place: Option<Place>) {
        if let Some(place) = place {
            return self.commit_in_order(start, place);
        }
        if self.outgoing.encode().len() == start {
            return self.outgoing.end_lane(lane, Ended::Silent);
        }
        let ended = (!lane.is_duplex()).then_some(how);
        self.queue(start, lane, Kind::Call, ended);
    }

    /// The same of a frame in which pieces are missing: it is sent as it stands in memory, but for
    /// an answer that has to wait for others, or that somebody wants to see.
    #[cold]
    fn commit_pieces(&mut self, start: usize, lane: Lane, pieces: Pieces, place: Option<Place>) {
        if place.is_some() || self.trace.is_some() {
            pieces.join(start, self.outgoing.encode());
            return self.commit(start, lane, Ended::Answered, place);
        }
        self.outgoing.commit_pieces(start, Kind::Call, pieces);
    }

    /// Nobody wants the answer any more.
    fn cancel<S: Serve>(&mut self, ticket: Ticket, serve: &mut S) {
        serve.cancelled(ticket);
        let link = self.links.get(self.tongue);
        if link.is_some_and(|link| !link.wire.profile.answers_cancelled) {
            return self.finish(ticket, |reply| reply.promise());
        }
        let error = RpcError::new(crate::Code::CANCELLED, "the caller cancelled the call");
        self.finish(ticket, |reply| reply.error(&error));
    }

    /// The answer on a lane of ours is over the limit: whoever waits for it is told.
    fn answer_too_large(&mut self, lane: Lane) {
        let limit = self.settings.limits.max_message as u64;
        let reason = Reason::Limit(LimitReached { name: "max_message", limit });
        self.calls.close_lane(lane, &reason, &self.outgoing, &mut self.wakes);
        self.outgoing.end_lane(lane, Ended::Failed);
    }

    /// True for an exchange that this side has begun.
    fn is_ours(&self, lane: Lane) -> bool {
        !lane.is_duplex() && (self.settings.role == Role::Client) != lane.is_back()
    }

    fn lane_closed<S: Serve>(&mut self, lane: Lane, serve: &mut S) {
        let reason = Reason::Closed("the exchange ended without an answer".into());
        self.calls.close_lane(lane, &reason, &self.outgoing, &mut self.wakes);
        self.backlog.close_lane(lane);
        self.gate.close_lane(lane);
        if !self.is_ours(lane) {
            // Nothing can be sent on it any more, the collected part of a batch included.
            self.end_streams_on(lane);
            for ticket in self.requests.on_lane(lane) {
                serve.cancelled(ticket);
                let batch = self.requests.remove(ticket).and_then(|running| running.batch);
                if let Some(index) = batch {
                    self.batches.remove(index);
                    self.followed.lose_batch(index);
                }
            }
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("settings", &self.settings)
            .field("state", &self.state)
            .field("running", &self.requests.len())
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

/// How many frames are handled before others have their turn: about a tenth of a millisecond.
const FRAMES_PER_TURN: usize = 256;
