//! What the session does with the calls, once a turn.

use std::{
    sync::{Arc, MutexGuard},
    task::Waker,
};

use bytes::Bytes;

use super::{
    Calls,
    inner::{Inner, was_taken},
    ring::Answer,
};
use crate::{
    Error, Id, Lane, Outgoing, Reason, RpcError,
    outgoing::{Base, Mark},
    streams::Duct,
};

/// What a turn's collection told.
pub(crate) struct Collected {
    /// The earliest deadline.
    pub(crate) deadline: u64,
    /// Callers wait for room, or would.
    pub(crate) waiting: bool,
    /// What was collected, where it is traced.
    pub(crate) marks: Vec<Mark>,
    /// Where it was put.
    pub(crate) base: Base,
    /// The cancels that were not said because a request must not be overtaken.
    pub(crate) late_cancels: Vec<LateCancel>,
}

/// What becomes of calls that the transport has not taken when a connection ends. Whatever may
/// still be sent is not *certainly not executed*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Nothing more is sent.
    Dropped,
    /// What stands in the queue is sent; what was not collected is dropped.
    Queued,
    /// All is sent.
    Sent,
}

impl Calls {
    /// Hands what callers wrote to the connection's queue, sets the deadlines of new calls and ends
    /// those whose time is over.
    /// `held` bytes wait beside that queue. The first segment of which a part is not sent is
    /// `unsent`.
    pub(crate) fn collect(
        &self,
        out: &mut Outgoing,
        held: usize,
        unsent: Option<u64>,
        now: u64,
        driver: &Waker,
        wakes: &mut Vec<Waker>,
    ) -> Collected {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if now >= inner.armed {
            inner.expire(now, out, wakes);
            for id in std::mem::take(&mut inner.late) {
                let stands = inner.stands(id);
                self.push_cancel(inner, id, stands);
            }
        }
        inner.withdraw(out);
        while inner.parcels.front().is_some_and(|parcel| parcel.is_gone(out, unsent)) {
            inner.parcels.pop_front();
        }
        let mut marks = Vec::new();
        let mut base = Base::default();
        if !inner.outbox.is_empty() {
            marks = inner.outbox.take_marks();
            base = inner.hand_over(out);
        }
        for id in inner.fresh.drain(..) {
            if let Some(slot) = inner.ring.get_mut(u64::from(id)) {
                if slot.deadline == 0 {
                    slot.deadline = now.saturating_add(slot.timeout);
                }
                // What a handler asks for is of no use to anybody once its own caller is gone.
                match &slot.nested {
                    Some(nest) if nest.until > 0 => slot.deadline = slot.deadline.min(nest.until),
                    _ => {}
                }
                inner.armed = inner.armed.min(slot.deadline);
            }
        }
        if std::mem::take(&mut inner.stamp_waiters) {
            inner.armed = inner.armed.min(inner.waiters.expire(now, wakes));
        }
        let queued = out.len() + held;
        inner.queued = queued;
        let waiting = !inner.waiters.is_empty();
        if waiting {
            inner.let_in(&self.limits, self.wire().is_some(), wakes);
        }
        inner.wake_streams(wakes);
        let waiting = waiting || !inner.streams.is_empty();
        let armed = inner.armed;
        let late_cancels = inner.take_late_cancels();
        let old = match &inner.driver {
            Some(old) if old.will_wake(driver) => None,
            _ => inner.driver.replace(driver.clone()),
        };
        drop(guard);
        drop(old);
        let waiting = waiting || queued >= self.limits.max_outgoing;
        Collected { deadline: armed, waiting, marks, base, late_cancels }
    }

    /// The queue is shorter now: callers that wait for room have their turn.
    pub(crate) fn sent(&self, queued: usize, wakes: &mut Vec<Waker>) {
        let mut inner = self.lock();
        inner.queued = queued;
        inner.let_in(&self.limits, self.wire.get().is_some(), wakes);
        inner.wake_streams(wakes);
    }

    /// Hands what callers and streams wrote to the connection's queue before its turn is over: what
    /// comes next must stand behind it.
    pub(crate) fn hand_over(&self, out: &mut Outgoing) -> (Vec<Mark>, Base) {
        let mut inner = self.lock();
        if inner.outbox.is_empty() {
            return Default::default();
        }
        let marks = inner.outbox.take_marks();
        (marks, inner.hand_over(out))
    }

    /// The streams of a call of ours.
    pub(crate) fn duct(&self, id: &Id<'_>) -> Option<Arc<Duct>> {
        self.lock().ring.get_mut(id.as_number()?)?.duct.clone()
    }

    /// Ends a call of ours whose peer does not keep to the rules, and tells it so.
    pub(crate) fn break_off(&self, id: &Id<'_>, why: &'static str, wakes: &mut Vec<Waker>) {
        let mut inner = self.lock();
        let Some(id) = id.as_number() else { return };
        let Some(slot) = inner.ring.get_mut(id) else { return };
        if matches!(slot.answer, Answer::Awaited) {
            slot.end(Reason::Closed(why.into()), true, wakes);
            let lane = slot.lane.filter(|lane| !lane.is_duplex());
            let stands = inner.stands(id);
            match lane {
                Some(lane) => _ = inner.abandon_lane(lane),
                None => _ = self.push_cancel(&mut inner, id, stands),
            }
        }
    }

    /// True when callers wrote something and others of them may be about to.
    pub(crate) fn expects_more(&self) -> bool {
        let inner = self.lock();
        inner.ring.len() > 1 && !inner.outbox.is_empty()
    }

    /// How many calls have no answer collected: root calls and nested ones.
    pub(crate) fn in_flight(&self) -> usize {
        self.lock().ring.len()
    }

    /// How many handlers wait for calls of their own.
    pub(crate) fn waiting_handlers(&self) -> usize {
        self.lock().waiting_handlers
    }

    /// The answers that came: they are delivered under one lock for as long as no code of a user
    /// has to run between them.
    pub(crate) fn deliver(&self) -> Delivery<'_> {
        Delivery { inner: self.lock() }
    }

    /// A lane closed: calls on it get no answer any more.
    pub(crate) fn close_lane(
        &self,
        lane: Lane,
        reason: &Reason,
        out: &Outgoing,
        wakes: &mut Vec<Waker>,
    ) {
        let mut guard = self.lock();
        let Inner { ring, parcels, parcel, .. } = &mut *guard;
        for slot in ring.iter_mut() {
            if slot.lane == Some(lane) && matches!(slot.answer, Answer::Awaited) {
                let taken = was_taken(slot, parcels, *parcel, out);
                slot.end(reason.clone(), taken, wakes);
            }
        }
    }

    /// A lane failed: calls on it end as the transport says.
    pub(crate) fn fail_lane(&self, lane: Lane, error: &Error, wakes: &mut Vec<Waker>) {
        let mut inner = self.lock();
        for slot in inner.ring.iter_mut() {
            if slot.lane == Some(lane) && matches!(slot.answer, Answer::Awaited) {
                slot.answer = Answer::Ended(Box::new(error.clone()));
                wakes.extend(slot.waker.take());
                slot.end_streams(wakes);
            }
        }
    }

    /// The connection is lost or closed: every call ends here, and no new one begins.
    pub(crate) fn close(
        &self,
        reason: &Reason,
        rest: Rest,
        out: &Outgoing,
        wakes: &mut Vec<Waker>,
    ) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if rest != Rest::Sent {
            inner.outbox.clear();
        }
        inner.is_shut |= rest != Rest::Queued;
        if inner.closed.is_none() {
            inner.closed = Some(reason.clone());
        }
        let Inner { ring, parcels, parcel, .. } = inner;
        for slot in ring.iter_mut() {
            if matches!(slot.answer, Answer::Awaited) {
                let taken = match rest {
                    // There never was anybody who could have executed anything.
                    _ if matches!(reason, Reason::Connect(_)) => false,
                    Rest::Dropped => was_taken(slot, parcels, *parcel, out),
                    Rest::Queued => slot.place.is_some() && slot.parcel != *parcel,
                    Rest::Sent => slot.place.is_some(),
                };
                slot.end(reason.clone(), taken, wakes);
            }
        }
        inner.waiters.release(wakes);
        wakes.extend(inner.streams.drain().map(|(_, waker)| waker));
    }

    /// No new calls, but those in flight are waited for.
    pub(crate) fn refuse(&self, reason: Reason, wakes: &mut Vec<Waker>) {
        let mut inner = self.lock();
        inner.closed.get_or_insert(reason);
        inner.waiters.release(wakes);
    }
}

/// A cancel that must not overtake its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LateCancel {
    /// The call.
    pub(crate) id: u64,
    /// Which segment of the queue the request is.
    pub(crate) segment: u64,
}

/// Delivers answers under one lock.
pub(crate) struct Delivery<'a> {
    inner: MutexGuard<'a, Inner>,
}

impl Delivery<'_> {
    /// Gives the answer to its caller; false where nobody waits for it.
    pub(crate) fn answer(
        &mut self,
        id: &Id<'_>,
        outcome: Result<Found<'_>, RpcError>,
        wakes: &mut Vec<Waker>,
    ) -> bool {
        let Some(slot) = id.as_number().and_then(|id| self.inner.ring.get_mut(id)) else {
            return false;
        };
        if !matches!(slot.answer, Answer::Awaited) {
            return false;
        }
        slot.answer = match outcome {
            Ok(Found::Small(bytes)) => {
                slot.small.clear();
                slot.small.extend_from_slice(bytes);
                Answer::Small
            }
            Ok(Found::Block(block)) => Answer::Large(block),
            Err(error) => Answer::Error(Box::new(error)),
        };
        wakes.extend(slot.waker.take());
        slot.end_streams(wakes);
        true
    }
}

/// A result as it was found in its frame.
pub(crate) enum Found<'a> {
    Small(&'a [u8]),
    Block(Bytes),
}
