//! Which request may begin now, which one waits, and which one is refused.

use super::{Place, Running, Serve, Session, State, backlog::Waiting};
use crate::{
    Answer, Code, Ended, FrameRef, Invalid, Message, Reason, ReplyTo, Request, RpcError,
    reply::Member,
};

/// What is done with a request that came.
enum Verdict {
    Start,
    /// It waits in the backlog.
    Wait,
    Refuse,
}

impl Session {
    pub(super) fn request<S: Serve>(
        &mut self,
        request: &Request<'_>,
        frame: FrameRef<'_>,
        serve: &mut S,
    ) {
        let place = self.order.arrive(request.lane, request.id.is_some());
        if request.method.starts_with("rpc.") && self.is_hello(request) && !self.gate.is_closed() {
            return self.hello(request, place);
        }
        if let Some(depth) = request.meta.as_ref().map(|meta| meta.depth)
            && depth > self.settings.limits.max_nesting
        {
            let why = "the call is nested deeper than `max_nesting`";
            return self.refuse_with(request, place, &RpcError::refused(why));
        }
        if let Some(channels) = self.open_channels(request) {
            let request = Request { channels: Some(channels), ..request.clone() };
            return self.admit_request(&request, frame, place, serve);
        }
        self.admit_request(request, frame, place, serve);
    }

    fn admit_request<S: Serve>(
        &mut self,
        request: &Request<'_>,
        frame: FrameRef<'_>,
        place: Option<Place>,
        serve: &mut S,
    ) {
        if self.is_calm() {
            return self.start(request, None, place, serve);
        }
        match self.admit(1, request.id.is_none(), frame, place) {
            Verdict::Start => self.start(request, None, place, serve),
            Verdict::Wait => {}
            Verdict::Refuse => self.refuse(request, place),
        }
    }

    /// True when nothing stands in the way of any request: the usual case.
    #[inline]
    fn is_calm(&self) -> bool {
        matches!(self.state, State::Open)
            && self.backlog.is_empty()
            && self.requests.len() == 0
            && !self.gate.is_closed()
            && self.queued() < self.settings.limits.max_outgoing
    }

    /// Decides about the requests of one frame, and keeps it where they wait.
    fn admit(
        &mut self,
        count: usize,
        notification: bool,
        frame: FrameRef<'_>,
        place: Option<Place>,
    ) -> Verdict {
        if matches!(self.state, State::Draining) && self.has_room_for_errors() {
            return Verdict::Refuse;
        }
        let is_gated = self.gate.is_closed();
        if !is_gated && self.backlog.is_empty() && self.has_room(count) {
            return Verdict::Start;
        }
        let limit = self.settings.limits.max_backlog;
        // However large the first request is, it is what a decision about its peer needs.
        let is_first = is_gated && self.backlog.is_empty() && self.gate.is_idle();
        if is_first || self.backlog.has_room(frame.bytes.len(), limit) {
            self.backlog.push(Waiting::new(frame, count, place));
            return Verdict::Wait;
        }
        // The backlog is full. A request is refused for as long as the refusal itself finds room.
        if !notification && self.has_room_for_errors() {
            return Verdict::Refuse;
        }
        if self.calls.in_flight() > 0 {
            // Not reading on would leave our own calls without their answers.
            let why = "the peer sends more than may wait while it owes us answers";
            self.close(Reason::Closed(why.into()));
            return Verdict::Refuse;
        }
        // Nothing is read until the backlog has room again.
        self.backlog.push(Waiting::new(frame, count, place));
        Verdict::Wait
    }

    /// Batches are admitted like one request that takes several places.
    pub(super) fn admit_batch(
        &mut self,
        count: usize,
        frame: FrameRef<'_>,
        place: Option<Place>,
    ) -> Option<bool> {
        match self.admit(count, false, frame, place) {
            Verdict::Start => Some(true),
            Verdict::Refuse => Some(false),
            Verdict::Wait => None,
        }
    }

    /// True when what is no request may be answered now; otherwise its frame waits in the backlog,
    /// as those of requests do: the answer is longer than what it is about.
    pub(super) fn admits_complaint(&mut self, frame: FrameRef<'_>, place: Option<Place>) -> bool {
        self.has_room_for_errors() || !matches!(self.admit(1, false, frame, place), Verdict::Wait)
    }

    /// True when refusals and other errors still find room, which is more than there is for
    /// results.
    pub(super) fn has_room_for_errors(&self) -> bool {
        self.queued_or_held() < 2 * self.settings.limits.max_outgoing
    }

    /// True when `count` more requests may begin.
    ///
    /// A handler that waits for a call of its own holds no place, and while calls of ours are in
    /// flight as many requests more are let in: they may be nested in those calls, and without
    /// them the calls would never be answered.
    pub(super) fn has_room(&self, count: usize) -> bool {
        if self.queued() >= self.settings.limits.max_outgoing {
            return false;
        }
        let (running, most) = (self.requests.len(), self.settings.limits.max_requests);
        if running == 0 {
            // Answers that wait for others wait for none that runs: for one that is to begin.
            return true;
        }
        if self.queued_or_held() >= self.settings.limits.max_outgoing {
            return false;
        }
        if running + count <= most {
            return true;
        }
        let running = running - self.calls.waiting_handlers().min(running);
        // A batch of more than all places has its turn when nobody holds one.
        running == 0 || running + count <= most + self.calls.in_flight()
    }

    /// Begins a request, as a frame of its own or as a member of a batch.
    pub(super) fn start<S: Serve>(
        &mut self,
        request: &Request<'_>,
        batch: Option<usize>,
        place: Option<Place>,
        serve: &mut S,
    ) {
        let is_answered = batch.is_none() && request.id.is_some();
        let place = self.order.begin(place, request.lane, is_answered);
        if self.requests.len() > 0
            && let Some(id) = &request.id
            && self.requests.find(request.lane, id).is_some()
        {
            let error = RpcError::new(
                Code::INVALID_REQUEST,
                "a request with the same id is still in execution",
            );
            return self.reply(Some(id), request.lane, batch, place, |reply| reply.error(&error));
        }
        if let Some(index) = batch {
            return self.start_in_batch(index, request, serve);
        }
        if request.channels.is_some() {
            self.introduce(request);
        }
        let Some(link) = self.links.get(self.tongue) else { return };
        let reports = link.wire.profile.reports.is_some();
        let out = self.outgoing.encode();
        let start = out.len();
        let mut reply = ReplyTo::new(&link.wire, out, request.id.as_ref(), Member::Frame);
        match serve.start(request, &mut reply) {
            None => {
                if request.id.is_some() && !reply.is_answered() {
                    reply.error(&RpcError::internal("the handler gave no answer"));
                }
                let (followed, pieces) = (reply.followed(), reply.into_pieces());
                self.follow(followed, place);
                // What was reported of a call stands before its answer.
                let reports = reports && request.lane.is_duplex() && place.is_none();
                if request.channels.is_some() || reports {
                    pieces.join(start, self.outgoing.encode());
                } else if !pieces.is_empty() {
                    return self.commit_pieces(start, request.lane, pieces, place);
                }
                let streamed = request.channels.is_some()
                    && self.close_channels(request.lane, request.id.as_ref());
                if streamed || reports {
                    self.commit_behind(start, request.lane);
                    return self.leave_order(place);
                }
                self.commit(start, request.lane, Ended::Answered, place);
            }
            Some(pending) => {
                reply.reset();
                self.run(request, None, place, pending, serve);
            }
        }
    }

    /// Notes a request that goes on.
    pub(super) fn run<S: Serve>(
        &mut self,
        request: &Request<'_>,
        batch: Option<usize>,
        place: Option<Place>,
        pending: S::Pending,
        serve: &mut S,
    ) {
        let id = request.id.clone().map(crate::Id::into_owned);
        let Request { lane, .. } = *request;
        let tongue = self.tongue;
        let ticket = self.requests.insert(Running { id, lane, batch, place, tongue });
        serve.pending(ticket, pending);
    }

    fn refuse(&mut self, request: &Request<'_>, place: Option<Place>) {
        let error = self.refusal();
        self.refuse_with(request, place, &error);
    }

    fn refuse_with(&mut self, request: &Request<'_>, place: Option<Place>, error: &RpcError) {
        self.counters.refused += 1;
        self.close_channels(request.lane, request.id.as_ref());
        let Some(link) = self.links.get(self.tongue) else { return };
        if request.id.is_none() {
            return self.outgoing.end_lane(request.lane, self.how_refused());
        }
        let out = self.outgoing.encode();
        let start = out.len();
        ReplyTo::new(&link.wire, out, request.id.as_ref(), Member::Frame).error(error);
        self.commit(start, request.lane, self.how_refused(), place);
    }

    /// How a lane ends whose request is refused now.
    pub(super) fn how_refused(&self) -> Ended {
        if self.gate.refusal().is_some() { Ended::TurnedAway } else { Ended::Refused }
    }

    /// Why requests are refused.
    pub(super) fn refusal(&self) -> RpcError {
        if let Some(refusal) = self.gate.refusal() {
            return refusal.clone();
        }
        RpcError::refused(match self.state {
            State::Open => "too many requests: `max_requests` and `max_backlog` are reached",
            _ => RpcError::SHUTTING_DOWN,
        })
    }

    /// Begins what waited, as far as there is room now.
    pub(super) fn start_backlog<S: Serve>(&mut self, serve: &mut S, budget: &mut usize) {
        while *budget > 0 && !self.is_closing() && self.can_start() {
            *budget -= 1;
            let Some(waiting) = self.backlog.pop() else { return };
            self.paused = None;
            self.start_kept(&waiting, serve);
        }
    }

    pub(super) fn start_kept<S: Serve>(&mut self, waiting: &Waiting, serve: &mut S) {
        let &Waiting { lane, ref frame, place, .. } = waiting;
        self.speak_as(frame);
        let is_refused = self.is_draining() || self.gate.refusal().is_some();
        let Some(link) = self.links.get_mut(self.tongue) else { return };
        let frame = FrameRef { lane, bytes: frame, block: Some(frame) };
        // It was decoded once before it was kept, so it is one of these.
        match link.decoder.decode(frame) {
            Ok(Message::Request(request)) if is_refused => self.refuse(&request, place),
            Ok(Message::Request(request)) if self.backlog.was_cancelled(lane, &request) => {
                let why = "the caller cancelled the call before it began";
                let error = RpcError::new(Code::CANCELLED, why).with_data(RpcError::NOT_EXECUTED);
                self.refuse_with(&request, place, &error);
            }
            Ok(Message::Request(mut request)) => {
                request.channels = self.open_channels(&request);
                self.start(&request, None, place, serve);
            }
            Ok(Message::Batch(members)) => {
                self.open_batch(members, lane, !is_refused, place, serve);
            }
            Err(Invalid { answer: Answer::Error(id), error }) => {
                self.reply(Some(&id), lane, None, place, |reply| reply.error(&error));
            }
            _ => self.leave_order(place),
        }
    }
}
