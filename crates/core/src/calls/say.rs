//! What is said beside calls and notifications, to a peer that knows it.

use std::{mem, sync::atomic::Ordering::Relaxed, task::Waker};

use bytes::Bytes;

use super::{
    Calls,
    inner::{Inner, Stands},
    wake_all,
};
use crate::{
    Allowance, Error, Hint, Id, Lane, Message, Meta, StreamItem, Unsupported,
    calls::wake_driver,
    draft::Draft,
    outgoing::{Kind, LARGE},
    rope::Rope,
    streams::Terms,
    wire::Wire,
};

impl Calls {
    /// What the peer takes of streams and chunks; `None` where it has not said that it knows them.
    pub(crate) fn terms(&self) -> Option<&Terms> {
        self.terms.get()
    }

    /// The peer is told what we take.
    pub(crate) fn offer(&self) {
        self.is_offered.store(true, Relaxed);
    }

    /// True where the peer may know what we take.
    pub(crate) fn is_offered(&self) -> bool {
        self.is_offered.load(Relaxed) || self.terms().is_some()
    }

    /// The peer has said what it takes. The first word counts.
    pub(crate) fn set_terms(&self, terms: Terms) {
        if let Some(wire) = self.wire() {
            wire.allow(&terms, &self.limits);
        }
        if let Some(most) = terms.whole() {
            self.lock().outbox.set_whole(most);
        }
        _ = self.terms.set(terms);
        let hopeful = mem::take(&mut self.lock().hopeful);
        wake_all(hopeful.into_values());
    }

    /// How much of a stream a peer may send us before it is granted more.
    pub(crate) fn our_stream(&self) -> Allowance {
        let Some(wire) = self.wire() else { return Allowance::default() };
        let native = Terms::native(&wire.profile, &self.limits).map(|terms| terms.stream);
        native
            .filter(|stream| stream.items > 0)
            .unwrap_or_else(|| Terms::ours(&self.limits, wire.format().is_text()).stream)
    }

    /// True where the peer could be asked whether it knows the extension.
    pub(crate) fn can_extend(&self) -> bool {
        self.line.is_duplex()
            && !self.is_stock.load(Relaxed)
            && self.wire().is_none_or(|wire| wire.profile.extension)
    }

    /// The peer does not know the extension: it need not be asked again.
    pub(crate) fn set_stock(&self) {
        self.is_stock.store(true, Relaxed);
    }

    /// True where a call can stream on an exchange of its own, for which nobody has to say hello.
    pub(crate) fn streams_on_exchanges(&self) -> bool {
        let knows = |wire: &Wire| wire.profile.extension || wire.profile.initial_credit > 0;
        self.line.streams && self.wire().is_none_or(knows)
    }

    /// True where the answer to a call may be a stream although nothing of the extension is said on
    /// its exchange.
    pub(crate) fn takes_streams(&self) -> bool {
        let suits = |wire: &Wire| wire.profile.extension && wire.format().is_text();
        self.line.takes_streams && self.wire().is_none_or(suits)
    }

    /// Writes a request, with its companions where the peer knows them.
    pub(super) fn write_request(
        &self,
        wire: &Wire,
        out: &mut Vec<u8>,
        id: Option<u64>,
        draft: &Draft<'_>,
    ) -> Result<(), Error> {
        let opening = draft.opening.filter(|opening| opening.sends || !self.takes_streams());
        if opening.is_some() && self.terms().is_none() && !self.streams_on_exchanges() {
            return Err(not_extended().into());
        }
        if opening.is_none() && (self.terms().is_none() || !wire.profile.extension) {
            return wire.request(out, id, draft);
        }
        let timeout = (draft.timeout > 0).then(|| std::time::Duration::from_micros(draft.timeout));
        let left = draft.nested.and_then(|nest| nest.left());
        let meta = Meta {
            deadline: timeout.into_iter().chain(left).min(),
            depth: draft.nested.map_or(0, |nest| nest.depth.saturating_add(1)),
            stream: opening.and_then(|opening| opening.stream),
            sends: opening.is_some_and(|opening| opening.sends),
            ..Meta::default()
        };
        wire.request_with(out, id, draft, &meta)
    }

    /// Says something short about a call; where it cannot be said, nobody could be told.
    pub(crate) fn say(&self, wire: &Wire, lane: Lane, message: &Message<'_>) {
        let mut inner = self.lock();
        if push(&mut inner, wire, lane, message, Kind::Call).is_ok() {
            wake_driver(inner);
        }
    }

    /// Sends a value of `size` bytes, or the end of a stream: all of them keep their order.
    pub(crate) fn say_item(
        &self,
        wire: &Wire,
        lane: Lane,
        message: &Message<'_>,
        size: usize,
    ) -> Result<(), Error> {
        if size < LARGE {
            let mut inner = self.lock();
            push(&mut inner, wire, lane, message, Kind::Notification)?;
            wake_driver(inner);
            return Ok(());
        }
        let mut frame = Vec::with_capacity(size + 64);
        wire.message(&mut frame, message)?;
        self.push_item(Bytes::from(frame).into(), lane)
    }

    /// Sends `value` in the place of the one in `item`, where [`Wire::value_pieces`] allows it.
    pub(crate) fn say_large_item(
        &self,
        wire: &Wire,
        item: StreamItem<'_>,
        value: Rope,
    ) -> Result<(), Error> {
        let (stand_in, mut frame) = (item.value.bytes.len(), Vec::new());
        wire.message_around(value.len(), &mut frame, &Message::StreamItem(item))?;
        let behind = wire.profile.behind_value.unwrap_or_default() + wire.end();
        let tail = frame.split_off(frame.len().saturating_sub(behind));
        frame.truncate(frame.len().saturating_sub(stand_in));
        let (head, tail) = (Bytes::from(frame), Bytes::from(tail));
        let parts = [head].into_iter().chain(value).chain([tail]);
        self.push_item(parts.collect(), Lane::DUPLEX)
    }

    fn push_item(&self, frame: Rope, lane: Lane) -> Result<(), Error> {
        let mut inner = self.lock();
        if let Some(reason) = inner.closed.clone().filter(|_| inner.is_shut) {
            return Err(Error::NotExecuted(reason));
        }
        let hint = within(&mut inner, lane);
        inner.outbox.push_segment(frame, lane, Kind::Notification, None);
        inner.outbox.set_hint(hint);
        wake_driver(inner);
        Ok(())
    }

    /// Tells the peer that nobody waits for an answer any more, where it knows such words; true
    /// where there is something to do for the driver. Where the request is large, `stands` tells
    /// which it is.
    pub(super) fn push_cancel(&self, inner: &mut Inner, id: u64, stands: Option<Stands>) -> bool {
        let Some(wire) = self.wire() else { return false };
        let profile = wire.profile;
        let knows = profile.cancels || (profile.extension && self.terms().is_some());
        let cancel = Message::Cancel(Id::Number(id));
        if !knows || !self.line.is_duplex() {
            return false;
        }
        if let Some(stands) = stands {
            inner.late_cancels.push((id, stands));
            return true;
        }
        push(inner, wire, Lane::DUPLEX, &cancel, Kind::Call).is_ok()
    }

    /// True where a stream may send; where it may not, `waker` is woken when there is room again.
    pub(crate) fn has_stream_room(&self, key: usize, waker: &Waker) -> bool {
        let mut inner = self.lock();
        if inner.has_stream_room() {
            return true;
        }
        let old = inner.streams.insert(key, waker.clone());
        // The driver says when there is room again only where it knows that somebody waits.
        let driver = inner.driver.take();
        drop(inner);
        drop(old);
        wake_all(driver);
        false
    }

    /// A stream no longer waits for room.
    pub(crate) fn leave_stream_room(&self, key: usize) {
        let mut inner = self.lock();
        let old = inner.streams.remove(&key);
        drop(inner);
        drop(old);
    }
}

fn push(
    inner: &mut Inner,
    wire: &Wire,
    lane: Lane,
    message: &Message<'_>,
    kind: Kind,
) -> Result<(), Error> {
    if let Some(reason) = inner.closed.clone().filter(|_| inner.is_shut) {
        return Err(Error::NotExecuted(reason));
    }
    let out = inner.outbox.encode();
    let start = out.len();
    if let Err(error) = wire.message(out, message) {
        out.truncate(start);
        return Err(error);
    }
    let hint = within(inner, lane);
    inner.outbox.commit(start, lane, kind, None);
    inner.outbox.set_hint(hint);
    Ok(())
}

/// Has the next message be one within a call, where it goes on an exchange; gives the hint that was
/// there.
fn within(inner: &mut Inner, lane: Lane) -> Hint {
    let own = inner.outbox.hint();
    inner.outbox.set_hint(if lane.is_duplex() { own } else { Hint::Within });
    own
}

/// The peer knows no streams, as far as is known.
pub(crate) fn not_extended() -> Unsupported {
    Unsupported {
        who: "this peer",
        what: "stream: it has not said that it knows our extension (docs/extensions.md)",
    }
}
