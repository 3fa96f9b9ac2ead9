//! From what came to what is done about it.

use std::sync::Arc;

use super::{Serve, Session, Turn, detect::Detected};
use crate::{
    Answer, Code, Ended, Error, FrameRef, Hint, Id, Incoming, Invalid, Lane, Message, Reason,
    Response, RpcError, Scan,
    calls::{Calls, Delivery, Found},
    incoming::Arrived,
    outgoing::LARGE,
};

impl Session {
    pub(super) fn handle_stream<S: Serve>(
        &mut self,
        incoming: &mut Incoming,
        serve: &mut S,
        budget: &mut usize,
    ) -> Turn {
        let calls = Arc::clone(&self.calls);
        let mut delivery = None;
        // How many bytes are done with: they are dropped together.
        let mut done = 0;
        let turn = loop {
            if self.calls.router.is_full() {
                // Its lock is asked for where the connection may not be read.
                delivery = None;
            }
            let buffer = incoming.bytes().get(done..).unwrap_or_default();
            if buffer.is_empty() || self.is_paused() {
                break Turn::Drained;
            }
            if self.is_closing() {
                done = usize::MAX;
                break Turn::Drained;
            }
            let Some(link) = self.links.get_mut(self.tongue) else {
                match self.detect(buffer, Lane::DUPLEX) {
                    Detected::Yes | Detected::No => continue,
                    Detected::NeedMore => break Turn::Drained,
                    Detected::Skip(count) => {
                        done += count;
                        continue;
                    }
                }
            };
            if *budget == 0 {
                break Turn::More;
            }
            let scan = match &mut link.reader {
                Some(reader) => reader.find(buffer),
                None => link.decoder.find(buffer),
            };
            match scan {
                Scan::Need(_) => break Turn::Drained,
                Scan::Skip(count) => done += count,
                Scan::Frame { start, end, consumed } if end - start < LARGE => {
                    *budget -= 1;
                    done += consumed;
                    let bytes = buffer.get(start..end).unwrap_or_default();
                    let frame = FrameRef { lane: Lane::DUPLEX, bytes, block: None };
                    self.frame(frame, &calls, &mut delivery, serve);
                }
                Scan::Frame { start, end, consumed } => {
                    *budget -= 1;
                    incoming.advance(std::mem::take(&mut done));
                    let block = incoming.take(consumed);
                    let bytes = block.get(start..end).unwrap_or_default();
                    let frame = FrameRef { lane: Lane::DUPLEX, bytes, block: Some(&block) };
                    self.frame(frame, &calls, &mut delivery, serve);
                }
                Scan::Bad { consumed, error, fatal } => {
                    delivery = None;
                    if self.trace.is_some() {
                        // Where the stream ends with it, whatever came with it.
                        let count = if fatal { buffer.len() } else { consumed };
                        self.trace_nonsense(buffer.get(..count).unwrap_or_default());
                    }
                    done += consumed;
                    self.bad(error, fatal, Lane::DUPLEX);
                }
            }
        };
        incoming.advance(done);
        turn
    }

    pub(super) fn handle_frames<S: Serve>(
        &mut self,
        incoming: &mut Incoming,
        serve: &mut S,
        budget: &mut usize,
    ) -> Turn {
        let calls = Arc::clone(&self.calls);
        let mut delivery = None;
        loop {
            if self.calls.router.is_full() {
                delivery = None;
            }
            if self.is_paused() {
                break;
            }
            if *budget == 0 {
                return Turn::More;
            }
            let Some(arrived) = incoming.pop() else { break };
            *budget -= 1;
            let frame = match arrived {
                Arrived::Closed(lane) => {
                    delivery = None;
                    self.lane_closed(lane, serve);
                    continue;
                }
                Arrived::Failed(lane, error) => {
                    delivery = None;
                    self.calls.fail_lane(lane, &error, &mut self.wakes);
                    self.outgoing.end_lane(lane, Ended::Failed);
                    continue;
                }
                Arrived::Frame(frame) => frame,
            };
            if self.is_closing() {
                // Whatever the reason is, it was not this message, and nothing of it is executed.
                self.outgoing.end_lane(frame.lane, Ended::Refused);
                continue;
            }
            self.speak_as(&frame.bytes);
            if self.links.is_empty() {
                match self.detect(&frame.bytes, frame.lane) {
                    Detected::Yes => {}
                    Detected::NeedMore | Detected::Skip(_) => {
                        self.outgoing.end_lane(frame.lane, Ended::Silent);
                        continue;
                    }
                    Detected::No => continue,
                }
            }
            if frame.bytes.len() > self.settings.limits.max_message {
                delivery = None;
                if self.trace.is_some() {
                    self.trace_nonsense(&frame.bytes);
                }
                if self.is_ours(frame.lane) {
                    self.answer_too_large(frame.lane);
                    continue;
                }
                if frame.hint == Hint::Within {
                    self.too_large_within(frame.lane, serve);
                    continue;
                }
                let error = crate::framing::too_large(self.settings.limits.max_message);
                self.complain(&error, frame.lane);
                continue;
            }
            // By the life of a value its transport knows that it was not read.
            let is_watched = self.settings.takes_streams && frame.hint == Hint::Within;
            let block = (is_watched || frame.bytes.len() >= LARGE).then_some(&frame.bytes);
            self.streams.hint = frame.hint;
            let frame = FrameRef { lane: frame.lane, bytes: &frame.bytes, block };
            self.frame(frame, &calls, &mut delivery, serve);
            self.streams.hint = Hint::None;
        }
        Turn::Drained
    }

    /// Decodes a frame and does what it says.
    pub(super) fn frame<'c, S: Serve>(
        &mut self,
        frame: FrameRef<'_>,
        calls: &'c Calls,
        delivery: &mut Option<Delivery<'c>>,
        serve: &mut S,
    ) {
        let Some(link) = self.links.get_mut(self.tongue) else { return };
        let decoded = link.decoder.decode(frame);
        if self.trace.is_some() {
            // Not under the lock of the delivery.
            *delivery = None;
            self.trace_message(frame.bytes, &decoded);
        }
        let syntax_errors = std::mem::take(&mut self.syntax_errors);
        let lane = frame.lane;
        let is_within = self.streams.hint == Hint::Within && !lane.is_duplex();
        if !matches!(decoded, Ok(Message::Chunk(_) | Message::Window(_))) {
            self.joins.disturb();
            self.answered |= matches!(decoded, Ok(Message::Response(_)));
        }
        match decoded {
            // Nothing else goes on the exchange of a call.
            Ok(
                Message::Request(_)
                | Message::Batch(_)
                | Message::Chunk(_)
                | Message::Window(_)
                | Message::Ping(_)
                | Message::Unknown,
            ) if is_within => {
                *delivery = None;
                self.stray(lane, false);
            }
            Ok(Message::Response(_)) if is_within && !self.is_ours(lane) => {
                self.stray(lane, false);
            }
            Err(_) if is_within => {
                *delivery = None;
                self.syntax_errors = syntax_errors;
                self.stray(lane, true);
            }
            Ok(Message::Request(request)) => {
                *delivery = None;
                if self.route(&request) {
                    return;
                }
                self.request(&request, frame, serve);
            }
            Ok(Message::Response(response)) => {
                let delivering = delivery.get_or_insert_with(|| calls.deliver());
                if let Some(error) = self.response(response, frame.lane, delivering) {
                    *delivery = None;
                    calls.fail_lane(frame.lane, &error, &mut self.wakes);
                }
                self.outgoing.end_lane(frame.lane, Ended::Silent);
            }
            Ok(Message::Batch(members)) => {
                *delivery = None;
                self.batch(members, frame, serve);
            }
            Ok(
                Message::Cancel(_)
                | Message::StreamItem(_)
                | Message::StreamEnd(_)
                | Message::Credit(_)
                | Message::Chunk(_)
                | Message::Window(_)
                | Message::Stop(_),
            ) if !lane.is_duplex() && !is_within => {
                // They are about other messages, of which an exchange has none.
                self.counters.ignored += 1;
                self.outgoing.end_lane(frame.lane, Ended::Silent);
            }
            Ok(Message::Cancel(id)) => {
                *delivery = None;
                self.cancel_by_id(lane, id, serve);
            }
            Ok(Message::StreamItem(item)) => {
                *delivery = None;
                self.stream_item(lane, &item, serve);
            }
            Ok(Message::StreamEnd(end)) => {
                *delivery = None;
                self.stream_end(lane, end);
            }
            Ok(Message::Credit(credit)) => {
                *delivery = None;
                self.credit(lane, &credit);
            }
            Ok(Message::Chunk(chunk)) => {
                *delivery = None;
                self.chunk(chunk, calls, delivery, serve);
            }
            Ok(Message::Window(amount)) => {
                *delivery = None;
                self.split_credit(amount);
            }
            Ok(Message::Stop(id)) => {
                *delivery = None;
                self.stop(lane, &id);
            }
            Ok(Message::Ping(_) | Message::Unknown) => {
                self.counters.ignored += 1;
                self.outgoing.end_lane(frame.lane, Ended::Silent);
            }
            Err(invalid) => {
                *delivery = None;
                self.syntax_errors = syntax_errors;
                self.invalid(invalid, frame);
            }
        }
    }

    /// Gives an answer to whoever waits for it. Where nobody does, it tells how a call ended that is
    /// on the same exchange: no other answer will come on that.
    pub(super) fn response(
        &mut self,
        response: Response<'_>,
        lane: Lane,
        delivery: &mut Delivery<'_>,
    ) -> Option<Error> {
        // Errors about messages that could not be followed have no id, or one of nobody.
        let error = response.outcome.as_ref().err().filter(|_| !lane.is_duplex()).cloned();
        let result = response.outcome.as_ref().ok().copied();
        let found = response.outcome.map(|payload| match payload.block {
            Some(_) => Found::Block(payload.to_payload().bytes),
            None => Found::Small(payload.bytes),
        });
        if delivery.answer(&response.id, found, &mut self.wakes) {
            return None;
        }
        self.counters.unmatched += 1;
        if let (Some(id), Some(result)) = (response.id.as_number(), result)
            && self.calls.router.is_active()
        {
            self.calls.router.answer(id, || result.decode().ok());
        }
        if lane.is_duplex() {
            return None;
        }
        Some(match error {
            // The peer could not read it (JSON-RPC 2.0, section 5.1).
            Some(error) if matches!(error.code, Code::PARSE_ERROR | Code::INVALID_REQUEST) => {
                Error::NotExecuted(Reason::Refused(error))
            }
            Some(error) => Error::from_peer(error),
            None => {
                Error::Unknown(Reason::Closed("the answer on its exchange is another's".into()))
            }
        })
    }

    /// A message that is not one.
    fn invalid(&mut self, invalid: Invalid<'_>, frame: FrameRef<'_>) {
        let lane = frame.lane;
        if self.is_ours(lane) {
            // There is no answer to an answer; whoever waits for it learns why there is none.
            self.counters.ignored += 1;
            let why = format!("the answer is no message: {}", invalid.error.message);
            let error = Error::Unknown(Reason::Closed(why.into()));
            self.calls.fail_lane(lane, &error, &mut self.wakes);
            return self.outgoing.end_lane(lane, Ended::Failed);
        }
        match invalid.answer {
            Answer::Error(id) => {
                let place = self.order.arrive(lane, true);
                if self.admits_complaint(frame, place) {
                    self.reply(Some(&id), lane, None, place, |reply| reply.error(&invalid.error));
                }
            }
            Answer::Close(id) => {
                self.reply(Some(&id), lane, None, None, |reply| reply.error(&invalid.error));
                self.close(Reason::Closed(invalid.error.message.as_ref().into()));
            }
            Answer::Nothing => {
                self.counters.ignored += 1;
                self.outgoing.end_lane(lane, Ended::Failed);
            }
        }
        if invalid.error.code == Code::PARSE_ERROR {
            self.count_syntax_error();
        } else {
            self.syntax_errors = 0;
        }
    }

    /// Bytes that belong to no message.
    pub(super) fn bad(&mut self, error: Option<RpcError>, fatal: bool, lane: Lane) {
        match &error {
            None => {}
            // The last thing that is said waits for nothing.
            Some(error) if fatal => {
                self.reply(Some(&Id::Null), lane, None, None, |reply| reply.error(error));
            }
            Some(error) => self.complain(error, lane),
        }
        if fatal {
            let why =
                error.as_ref().map_or("the stream cannot be followed", |error| &error.message);
            self.close(Reason::Closed(why.into()));
        } else {
            self.count_syntax_error();
        }
    }

    /// Answers what has no name, where there is room for that.
    fn complain(&mut self, error: &RpcError, lane: Lane) {
        if self.has_room_for_errors() {
            let place = self.order.arrive(lane, true);
            return self.reply(Some(&Id::Null), lane, None, place, |reply| reply.error(error));
        }
        self.counters.ignored += 1;
        self.outgoing.end_lane(lane, Ended::Failed);
    }

    fn count_syntax_error(&mut self) {
        self.syntax_errors += 1;
        if self.syntax_errors >= self.settings.limits.max_syntax_errors {
            self.close(Reason::Closed("too many messages in a row that do not parse".into()));
        }
    }
}
