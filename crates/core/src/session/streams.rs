//! Streams inside of a call: items one way, credit the other.
//!
//! Only spoken with a protocol that can say it. The side that was called sends items under the
//! ticket of the request and stops when its credit is used up; the side that called sees them as
//! [`StreamEvent`]s and grants more. Neither side can make the other keep more than was granted.

use std::{
    collections::{HashMap, VecDeque},
    task::Waker,
};

use super::{Serve, Session, Ticket};
use crate::{
    Allowance, Credit, Error, Id, Lane, Message, Payload, PayloadRef, Reason, Response, RpcError,
    StreamEnd, StreamItem, Unsupported, Way,
    calls::{Begun, Patience},
    draft::Draft,
    outgoing::Kind,
};

/// The streams of one side.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// How many more items may be sent, by the request's place.
    credit: HashMap<Ticket, u32>,
    /// How many more items may come, by the id of our call.
    granted: HashMap<u64, u32>,
    events: VecDeque<StreamEvent>,
}

/// What came on a stream that this side opened.
#[derive(Debug)]
pub enum StreamEvent {
    /// One value.
    Item {
        /// What [`Session::open_stream`] gave.
        id: u64,
        /// The value.
        value: Payload,
    },
    /// The end, or the error in place of one.
    End {
        /// What [`Session::open_stream`] gave.
        id: u64,
        /// How it ended: by the peer, or with the connection.
        outcome: Result<(), Error>,
    },
}

impl Session {
    /// Calls a method that answers with a stream. `params` is encoded in the protocol's format.
    ///
    /// # Errors
    ///
    /// As for any call, and `Limit` where there is no room.
    pub fn open_stream(&mut self, method: &str, params: &[u8]) -> Result<u64, Error> {
        let draft =
            Draft { method, params, encoded: true, timeout: 0, nested: None, concealed: false };
        let Begun::Sent(id) = self.calls.begin(&draft, Patience::Fail, None)? else {
            return Err(Error::invalid("an impatient call waits"));
        };
        let granted =
            self.links.get(self.tongue).map_or(0, |link| link.wire.profile.initial_credit);
        self.streams.granted.insert(id, granted);
        Ok(id)
    }

    /// The oldest thing that came on a stream of ours.
    pub fn poll_stream(&mut self) -> Option<StreamEvent> {
        self.streams.events.pop_front()
    }

    /// Lets the peer send `amount` more items of a stream of ours.
    ///
    /// # Errors
    ///
    /// The protocol has no credit.
    pub fn grant(&mut self, id: u64, amount: u32) -> Result<(), Unsupported> {
        let Some(granted) = self.streams.granted.get_mut(&id) else { return Ok(()) };
        *granted = granted.saturating_add(amount);
        let more = Allowance { items: amount, bytes: u32::MAX };
        let id = Id::Number(id);
        self.say(&Message::Credit(Credit { id, way: Way::ToCaller, more, meta: None }))
    }

    /// Sends one item of the stream that answers a request; false where there is no credit, and
    /// then nothing was sent.
    ///
    /// # Errors
    ///
    /// The protocol has no streams.
    pub fn send_item(
        &mut self,
        ticket: Ticket,
        value: PayloadRef<'_>,
    ) -> Result<bool, Unsupported> {
        let Some(id) = self.requests.id(ticket) else { return Ok(false) };
        let initial =
            self.links.get(self.tongue).map_or(0, |link| link.wire.profile.initial_credit);
        let credit = self.streams.credit.entry(ticket).or_insert(initial);
        if *credit == 0 {
            return Ok(false);
        }
        *credit -= 1;
        self.say(&Message::StreamItem(StreamItem { id, way: Way::ToCaller, value, meta: None }))?;
        Ok(true)
    }

    /// Ends the stream that answers a request.
    ///
    /// # Errors
    ///
    /// The protocol has no streams.
    pub fn end_stream(
        &mut self,
        ticket: Ticket,
        outcome: Result<(), RpcError>,
    ) -> Result<(), Unsupported> {
        self.forget_credit(ticket);
        let Some(running) = self.requests.remove(ticket) else { return Ok(()) };
        let Some(id) = running.id else { return Ok(()) };
        let said = self.say(&Message::StreamEnd(StreamEnd {
            id,
            way: Way::ToCaller,
            outcome,
            meta: None,
        }));
        self.leave_order(running.place);
        said
    }

    pub(super) fn stream_item(&mut self, item: StreamItem<'_>) {
        let id = item.id.as_number();
        let Some((id, granted)) = id.and_then(|id| Some((id, self.streams.granted.get_mut(&id)?)))
        else {
            self.counters.unmatched += 1;
            return;
        };
        if *granted == 0 {
            let why = "the peer sent more of a stream than it was granted";
            return self.stream_end(id, Err(Error::Unknown(Reason::Closed(why.into()))));
        }
        *granted -= 1;
        let value = item.value.to_payload();
        self.streams.events.push_back(StreamEvent::Item { id, value });
    }

    /// A stream of ours ended; false where there is none under this id.
    pub(super) fn stream_ended(&mut self, id: &Id<'_>, outcome: Result<(), RpcError>) -> bool {
        match id.as_number() {
            Some(id) if self.streams.granted.contains_key(&id) => {
                self.stream_end(id, outcome.map_err(Error::from_peer));
                true
            }
            _ => false,
        }
    }

    /// The call behind a stream was answered in place of an item: that ends it.
    pub(super) fn stream_answered(&mut self, response: &Response<'_>) -> bool {
        if self.streams.granted.is_empty() {
            return false;
        }
        let outcome = response.outcome.as_ref().map(|_| ()).map_err(RpcError::clone);
        self.stream_ended(&response.id, outcome)
    }

    /// True while streams of ours are open.
    pub(super) fn has_streams(&self) -> bool {
        !self.streams.granted.is_empty()
    }

    /// The connection is gone, and with it the calls behind our streams.
    pub(super) fn end_streams(&mut self) {
        let mut open: Vec<_> = self.streams.granted.keys().copied().collect();
        open.sort_unstable();
        for id in open {
            let answer = self.calls.poll_answer(id, Waker::noop(), &mut Vec::new());
            let Some(Err(error)) = answer else { continue };
            self.stream_end(id, Err(error));
        }
    }

    /// Nothing more is sent under this ticket.
    pub(super) fn forget_credit(&mut self, ticket: Ticket) {
        if !self.streams.credit.is_empty() {
            self.streams.credit.remove(&ticket);
        }
    }

    fn stream_end(&mut self, id: u64, outcome: Result<(), Error>) {
        self.streams.granted.remove(&id);
        self.calls.abandon(id);
        self.streams.events.push_back(StreamEvent::End { id, outcome });
    }

    pub(super) fn credit<S: Serve>(&mut self, credit: &Credit<'_>, serve: &mut S) {
        let Some(ticket) = self.requests.find(Lane::DUPLEX, &credit.id) else {
            self.counters.unmatched += 1;
            return;
        };
        let initial =
            self.links.get(self.tongue).map_or(0, |link| link.wire.profile.initial_credit);
        let left = self.streams.credit.entry(ticket).or_insert(initial);
        *left = left.saturating_add(credit.more.items);
        serve.credit(ticket);
    }

    /// Sends a message that is neither request nor response.
    pub(super) fn say(&mut self, message: &Message<'_>) -> Result<(), Unsupported> {
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
            // The items of a stream and its end keep their order.
            Message::StreamItem(_) | Message::StreamEnd(_) => Kind::Notification,
            Message::Chunk(_) => Kind::Part,
            // Credit and signs of life wait for nothing large.
            _ => Kind::Call,
        };
        self.queue(start, Lane::DUPLEX, kind, None);
        Ok(())
    }
}
