//! Batches: several messages in one frame, and their answers in one frame.

use super::{Place, Session, requests::Batch, serve::Serve};
use crate::{
    Answer, BatchPart, Ended, FrameRef, Id, Invalid, Lane, Message, ReplyTo, Request, RpcError,
    reply::Member,
};

impl Session {
    pub(super) fn batch<S: Serve>(
        &mut self,
        members: Vec<Result<Message<'_>, Invalid<'_>>>,
        frame: FrameRef<'_>,
        serve: &mut S,
    ) {
        let requests = members.iter().filter(|member| matches!(member, Ok(Message::Request(_))));
        let count = requests.count();
        let place = self.order.arrive(frame.lane, is_answered(&members));
        let admitted = match count {
            // Answers to calls of ours wait for nothing.
            0 if members.iter().all(Result::is_ok) || self.admits_complaint(frame, place) => {
                Some(true)
            }
            0 => None,
            _ => self.admit_batch(count, frame, place),
        };
        if let Some(admitted) = admitted {
            self.open_batch(members, frame.lane, admitted, place, serve);
        }
    }

    /// Begins every member, or refuses every request.
    pub(super) fn open_batch<S: Serve>(
        &mut self,
        members: Vec<Result<Message<'_>, Invalid<'_>>>,
        lane: Lane,
        admitted: bool,
        place: Option<Place>,
        serve: &mut S,
    ) {
        let Some(link) = self.links.get(self.tongue) else { return };
        let place = self.order.begin(place, lane, is_answered(&members));
        let mut out = Vec::new();
        link.wire.open(&mut out);
        link.wire.encoder.batch(&mut out, BatchPart::Begin);
        let (empty, refused) = (out.len(), !admitted);
        let batch = Batch { lane, place, refused, empty, out, running: 0, complete: false };
        let index = self.batches.insert(batch);
        for member in members {
            match member {
                Ok(Message::Request(request)) if self.route(&request) => {}
                Ok(Message::Request(request)) if admitted => {
                    self.start(&request, Some(index), None, serve);
                }
                Ok(Message::Request(request)) => {
                    self.counters.refused += 1;
                    let error = self.refusal();
                    let id = request.id.as_ref();
                    self.write_in_batch(index, id, |reply| reply.error(&error));
                }
                Ok(Message::Response(response)) => {
                    let calls = std::sync::Arc::clone(&self.calls);
                    self.response(response, lane, &mut calls.deliver());
                }
                Ok(_) => self.counters.ignored += 1,
                Err(Invalid { answer: Answer::Nothing, .. }) => self.counters.ignored += 1,
                Err(Invalid { answer: Answer::Error(id) | Answer::Close(id), error }) => {
                    self.write_in_batch(index, Some(&id), |reply| reply.error(&error));
                }
            }
        }
        if let Some(batch) = self.batches.get_mut(index) {
            batch.complete = true;
        }
        self.close_batch(index);
    }

    pub(super) fn start_in_batch<S: Serve>(
        &mut self,
        index: usize,
        request: &Request<'_>,
        serve: &mut S,
    ) {
        let mut pending = None;
        self.write_in_batch(index, request.id.as_ref(), |reply| {
            pending = serve.start(request, reply);
            if pending.is_some() {
                reply.reset();
                reply.promise();
            }
        });
        if let Some(pending) = pending {
            if let Some(batch) = self.batches.get_mut(index) {
                batch.running += 1;
            }
            self.run(request, Some(index), None, pending, serve);
        }
    }

    /// Answers a member that had gone on.
    pub(super) fn reply_in_batch(
        &mut self,
        index: usize,
        id: Option<&Id<'_>>,
        write: impl FnOnce(&mut ReplyTo<'_>),
    ) {
        self.write_in_batch(index, id, write);
        self.close_batch(index);
    }

    /// A member that had gone on is finished.
    pub(super) fn leave_batch(&mut self, index: usize) {
        if let Some(batch) = self.batches.get_mut(index) {
            batch.running = batch.running.saturating_sub(1);
        }
    }

    fn write_in_batch(
        &mut self,
        index: usize,
        id: Option<&Id<'_>>,
        write: impl FnOnce(&mut ReplyTo<'_>),
    ) {
        let Some(link) = self.links.get(self.tongue) else { return };
        let Some(batch) = self.batches.get_mut(index) else { return };
        let member = Member::Batch {
            first: batch.out.len() == batch.empty,
            limit: match batch.refused {
                // A refusal is short, and what stood in its place would not say what it says.
                true => usize::MAX,
                false => self.settings.limits.max_batch_answers,
            },
        };
        let mut reply = ReplyTo::new(&link.wire, &mut batch.out, id, member);
        write(&mut reply);
        if id.is_some() && !reply.is_answered() {
            reply.error(&RpcError::internal("the handler gave no answer"));
        }
        if let Some(number) = reply.followed() {
            self.followed.in_batch(number, index);
        }
    }

    /// Sends the answers when all members are done.
    fn close_batch(&mut self, index: usize) {
        let done = |batch: &mut Batch| batch.complete && batch.running == 0;
        if !self.batches.get_mut(index).is_some_and(done) {
            return;
        }
        let (Some(mut batch), Some(link)) =
            (self.batches.remove(index), self.links.get(self.tongue))
        else {
            return;
        };
        if batch.out.len() == batch.empty {
            self.leave_order(batch.place);
            let how = if batch.refused { self.how_refused() } else { Ended::Silent };
            return self.outgoing.end_lane(batch.lane, how);
        }
        link.wire.encoder.batch(&mut batch.out, BatchPart::End);
        link.wire.close_unchecked(0, &mut batch.out);
        self.followed.close_batch(index, batch.place);
        let how = if batch.refused { self.how_refused() } else { Ended::Answered };
        let out = self.outgoing.encode();
        let start = out.len();
        out.extend_from_slice(&batch.out);
        self.commit(start, batch.lane, how, batch.place);
    }
}

/// True where a batch is answered at all: it holds more than notifications and responses.
fn is_answered(members: &[Result<Message<'_>, Invalid<'_>>]) -> bool {
    members.iter().any(|member| match member {
        Ok(Message::Request(request)) => request.id.is_some(),
        Ok(_) => false,
        Err(invalid) => !matches!(invalid.answer, Answer::Nothing),
    })
}
