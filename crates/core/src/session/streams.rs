//! What comes for the streams of calls, and where it goes.

use std::{collections::HashMap, sync::Arc};

use super::{Serve, Session};
use crate::{
    Allowance, Channels, Code, Credit, Ended, Error, Hint, Id, Lane, Message, PayloadRef, Reason,
    ReplyTo, Request, Response, RpcError, StreamEnd, StreamItem, Unsupported, Way,
    outgoing::Kind,
    reply::Member,
    streams::{Duct, Took},
};

/// The streams of the peer's requests, from their arrival until they are answered.
#[derive(Debug, Default)]
pub(super) struct Streams {
    ducts: HashMap<(Lane, Id<'static>), Arc<Duct>>,
    /// What the transport knows of the frame that is handled.
    pub(super) hint: Hint,
}

impl Streams {
    fn get(&self, lane: Lane, id: &Id<'_>) -> Option<Arc<Duct>> {
        if self.ducts.is_empty() {
            return None;
        }
        let ducts: &HashMap<(Lane, Id<'_>), Arc<Duct>> = &self.ducts;
        ducts.get(&(lane, id.clone())).cloned()
    }

    /// Takes the streams of a request away: it is answered, or never will be.
    pub(super) fn remove(&mut self, lane: Lane, id: Option<&Id<'_>>) -> Option<Arc<Duct>> {
        if self.ducts.is_empty() {
            return None;
        }
        self.ducts.remove(&(lane, id?.clone().into_owned()))
    }

    /// Takes those of an exchange away.
    fn remove_lane(&mut self, lane: Lane) -> impl Iterator<Item = Arc<Duct>> {
        self.ducts.extract_if(move |(its, _), _| *its == lane).map(|(_, duct)| duct)
    }

    /// Takes those of all requests away.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Arc<Duct>> {
        std::mem::take(&mut self.ducts).into_values()
    }
}

impl Session {
    /// A request came: where its caller streams, there is a place from now on for what it sends.
    pub(super) fn open_channels(&mut self, request: &Request<'_>) -> Option<Channels> {
        let (lane, id) = (request.lane, request.id.as_ref()?);
        if let Some(duct) = self.streams.get(lane, id) {
            // It waited in the backlog, or its id is in use, for which it is refused.
            return Some(Channels::new(duct));
        }
        let calls = Arc::clone(&self.calls);
        let own_id = id.clone().into_owned();
        let duct = match self.streams.hint {
            _ if lane.is_duplex() => {
                let (stream, granted) = self.wanted(request)?;
                Duct::theirs(calls, own_id, stream, granted)
            }
            Hint::StreamingText | Hint::StreamingBinary if calls.line.streams => {
                let (stream, granted) = self.wanted(request)?;
                let wire = self.links.get(self.tongue)?.wire.clone();
                Duct::within(calls, own_id, (lane, wire), stream, granted)
            }
            Hint::Streams => {
                // Nothing more comes on the exchange: its transport alone holds the stream up.
                let wire = &self.links.get(self.tongue)?.wire;
                if !wire.profile.extension || !wire.format().is_text() {
                    return None;
                }
                Duct::on_exchange(calls, own_id, (lane, wire.clone()))
            }
            _ => return None,
        };
        self.streams.ducts.insert((lane, id.clone().into_owned()), Arc::clone(&duct));
        Some(Channels::new(duct))
    }

    /// Says on the exchange of a request that begins that we have it, and how much we take of what is
    /// sent into it.
    pub(super) fn introduce(&mut self, request: &Request<'_>) {
        let Some(id) = request.id.as_ref().filter(|_| !request.lane.is_duplex()) else { return };
        let duct = self.streams.get(request.lane, id);
        if let Some(introduction) = duct.and_then(|duct| duct.introduction()) {
            _ = self.say_on(request.lane, &introduction);
        }
    }

    /// What a request says about its streams; `None` where it has none.
    fn wanted(&self, request: &Request<'_>) -> Option<(Option<Allowance>, Option<Allowance>)> {
        let profile = self.links.get(self.tongue)?.wire.profile;
        if let Some(meta) = request.meta.as_deref()
            && (meta.stream.is_some() || meta.sends)
        {
            return Some((meta.stream, meta.sends.then(|| self.calls.our_stream())));
        }
        // Where the protocol has streams of its own, every result may be one.
        let stream = Allowance { items: profile.initial_credit, bytes: u32::MAX };
        (stream.items > 0).then_some((Some(stream), None))
    }

    pub(super) fn stream_item<S: Serve>(
        &mut self,
        lane: Lane,
        item: &StreamItem<'_>,
        serve: &mut S,
    ) {
        let duct = self.duct(lane, item.way, &item.id);
        let Some(duct) = duct else { return };
        if duct.take_in(item.value, &mut self.wakes) == Took::Yes {
            return;
        }
        let why = "the peer sent more of a stream than it was granted";
        match item.way {
            Way::ToCaller => self.calls.break_off(&item.id, why, &mut self.wakes),
            Way::ToCallee => {
                let error = RpcError::new(Code::INVALID_REQUEST, why);
                duct.end_input(Some(error.clone()), &mut self.wakes);
                if let Some(ticket) = self.requests.find(lane, &item.id) {
                    serve.cancelled(ticket);
                    self.finish(ticket, |reply| reply.error(&error));
                }
            }
        }
    }

    pub(super) fn stream_end(&mut self, lane: Lane, end: StreamEnd<'_>) {
        match end.way {
            Way::ToCallee => {
                let Some(duct) = self.duct(lane, end.way, &end.id) else { return };
                duct.end_input(end.outcome.err(), &mut self.wakes);
            }
            // Of a protocol that ends streams in words of its own.
            Way::ToCaller => {
                let Some(format) = self.links.get(self.tongue).map(|link| link.wire.format())
                else {
                    return;
                };
                let nothing = PayloadRef { bytes: format.null(), block: None, format };
                let response = Response::new(end.id, end.outcome.map(|()| nothing));
                let calls = Arc::clone(&self.calls);
                self.response(response, lane, &mut calls.deliver());
            }
        }
    }

    pub(super) fn credit(&mut self, lane: Lane, credit: &Credit<'_>) {
        let from = match credit.way {
            Way::ToCaller => Way::ToCallee,
            Way::ToCallee => Way::ToCaller,
        };
        if let Some(duct) = self.duct(lane, from, &credit.id) {
            duct.credit(credit.more, &mut self.wakes);
        }
    }

    /// The peer reads no more of what we send into a call.
    pub(super) fn stop(&mut self, lane: Lane, id: &Id<'_>) {
        if let Some(duct) = self.duct(lane, Way::ToCaller, id) {
            duct.stop(&mut self.wakes);
        }
    }

    /// The streams that a message is about that goes this way: to the caller, those of a call of ours;
    /// to the callee, those of a request of the peer. It is counted where there are none, and may be
    /// late.
    fn duct(&mut self, lane: Lane, way: Way, id: &Id<'_>) -> Option<Arc<Duct>> {
        let duct = match way {
            Way::ToCaller => self.calls.duct(id).filter(|duct| duct.lane() == lane),
            Way::ToCallee => self.streams.get(lane, id),
        };
        self.counters.unmatched += u64::from(duct.is_none());
        duct
    }

    /// A message came on the exchange of a call that is none about its streams.
    pub(super) fn stray(&mut self, lane: Lane, is_nonsense: bool) {
        self.counters.ignored += 1;
        if is_nonsense && self.is_ours(lane) {
            // It may have been the answer.
            let why = "what came on its exchange cannot be followed";
            let error = Error::Unknown(Reason::Closed(why.into()));
            self.calls.fail_lane(lane, &error, &mut self.wakes);
            self.outgoing.end_lane(lane, Ended::Abandoned);
        }
    }

    /// A message over the limit came on the exchange of a request.
    pub(super) fn too_large_within<S: Serve>(&mut self, lane: Lane, serve: &mut S) {
        let error = crate::framing::too_large(self.settings.limits.max_message);
        self.counters.ignored += 1;
        for ticket in self.requests.on_lane(lane) {
            serve.cancelled(ticket);
            self.finish(ticket, |reply| reply.error(&error));
        }
    }

    /// The streams of a request end with its answer; true where values were sent, which must stand
    /// before it.
    pub(super) fn close_channels(&mut self, lane: Lane, id: Option<&Id<'_>>) -> bool {
        let Some(duct) = self.streams.remove(lane, id) else { return false };
        let streamed = duct.is_streaming();
        duct.call_ended(&mut self.wakes);
        streamed
    }

    /// Answers a request that has streams, behind all that was sent of them.
    pub(super) fn answer_behind(
        &mut self,
        lane: Lane,
        id: Option<&Id<'_>>,
        write: impl FnOnce(&mut ReplyTo<'_>),
    ) {
        self.collect_streams();
        let Some(link) = self.links.get(self.tongue) else { return };
        let (native, format) = (link.wire.profile.initial_credit > 0, link.wire.format());
        if native
            && lane.is_duplex()
            && let Some(id) = id
        {
            // The protocol has words of its own for the end.
            let outcome = ReplyTo::capture(format, Some(id), write).map(drop);
            let end = StreamEnd { id: id.clone(), way: Way::ToCaller, outcome, meta: None };
            _ = self.say(&Message::StreamEnd(end));
            return;
        }
        let start = self.outgoing.encode().len();
        let mut reply = ReplyTo::new(&link.wire, self.outgoing.encode(), id, Member::Frame);
        write(&mut reply);
        if id.is_some() && !reply.is_answered() {
            reply.error(&RpcError::internal("the handler gave no answer"));
        }
        reply.into_pieces().join(start, self.outgoing.encode());
        self.queue_behind(start, lane);
    }

    /// An answer was written from `start` on while its handler may have sent values: it goes behind
    /// them.
    pub(super) fn commit_behind(&mut self, start: usize, lane: Lane) {
        let answer = self.outgoing.encode().split_off(start);
        self.collect_streams();
        let out = self.outgoing.encode();
        let start = out.len();
        out.extend_from_slice(&answer);
        self.queue_behind(start, lane);
    }

    /// Queues the answer that was encoded from `start` on, which overtakes no value.
    fn queue_behind(&mut self, start: usize, lane: Lane) {
        if self.outgoing.encode().len() > start {
            let ended = (!lane.is_duplex()).then_some(Ended::Answered);
            self.queue(start, lane, Kind::Notification, ended);
        }
    }

    /// What was sent until now stands before what comes next.
    pub(super) fn collect_streams(&mut self) {
        let (marks, base) = self.calls.hand_over(&mut self.outgoing);
        if !marks.is_empty() {
            self.trace_collected(base, &marks);
        }
    }

    /// Sends a message that is neither request nor response.
    pub(super) fn say(&mut self, message: &Message<'_>) -> Result<(), Unsupported> {
        self.say_on(Lane::DUPLEX, message)
    }

    fn say_on(&mut self, lane: Lane, message: &Message<'_>) -> Result<(), Unsupported> {
        let Some(link) = self.links.get(self.tongue) else { return Ok(()) };
        let out = self.outgoing.encode();
        let start = out.len();
        let opened = link.wire.open(out);
        if let Err(unsupported) = link.wire.encoder.message(out, message) {
            out.truncate(start);
            return Err(unsupported);
        }
        link.wire.close_unchecked(opened, out);
        let kind = match message {
            // The values of a stream and its end keep their order.
            Message::StreamItem(_) | Message::StreamEnd(_) => Kind::Notification,
            Message::Chunk(_) => Kind::Part,
            // Credit and signs of life wait for nothing large.
            _ => Kind::Call,
        };
        let own = self.outgoing.hint();
        self.outgoing.set_hint(if lane.is_duplex() { own } else { Hint::Within });
        self.queue(start, lane, kind, None);
        self.outgoing.set_hint(own);
        Ok(())
    }

    /// The peer no longer wants an answer, under an id of its own.
    pub(super) fn cancel_by_id<S: Serve>(&mut self, lane: Lane, id: Id<'_>, serve: &mut S) {
        match self.requests.find(lane, &id) {
            Some(ticket) => self.cancel(ticket, serve),
            // It may wait for its turn.
            None => self.backlog.cancel(lane, id),
        }
    }

    /// The peer sends nothing more; what it asked for still goes to it.
    pub(super) fn end_inputs(&mut self) {
        for duct in self.streams.ducts.values() {
            let error = RpcError::new(Code::CANCELLED, "the peer closed the connection");
            duct.end_input(Some(error), &mut self.wakes);
        }
    }

    /// Nothing goes on the streams of an exchange any more.
    pub(super) fn end_streams_on(&mut self, lane: Lane) {
        for duct in self.streams.remove_lane(lane) {
            duct.call_ended(&mut self.wakes);
        }
    }

    /// Nothing comes or goes on any stream any more.
    pub(super) fn end_streams(&mut self) {
        for duct in self.streams.drain() {
            duct.call_ended(&mut self.wakes);
        }
    }
}
