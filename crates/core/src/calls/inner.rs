//! `Inner`: what the lock of [`Calls`](super::Calls) protects.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::Waker,
};

use super::{
    ring::{Answer, Removed, Ring, Slot},
    turn::LateCancel,
    waiters::Waiters,
};
use crate::{
    Ended, Error, Lane, Limits, Outgoing, Reason, Shape,
    draft::Draft,
    outgoing::{Base, Place},
};

pub(super) struct Inner {
    pub(super) ring: Ring,
    /// Calls of the ring that were not made by a handler.
    pub(super) roots: usize,
    /// Calls of the ring that were made by a handler.
    pub(super) nested: usize,
    /// Handlers that wait for a call of their own, and so hold no place in the limit.
    pub(super) waiting_handlers: usize,
    pub(super) waiters: Waiters,
    pub(super) outbox: Outgoing,
    /// Handovers of the outbox that the transport has not taken whole.
    pub(super) parcels: VecDeque<Parcel>,
    /// The number of the next handover.
    pub(super) parcel: u64,
    /// Bytes that waited in the connection's queue at the end of the driver's last turn.
    pub(super) queued: usize,
    /// Ids whose deadlines the driver has not set yet.
    pub(super) fresh: Vec<u32>,
    /// The earliest deadline.
    pub(super) armed: u64,
    /// A waiting caller has no deadline yet.
    pub(super) stamp_waiters: bool,
    pub(super) closed: Option<Reason>,
    pub(super) driver: Option<Waker>,
    /// Wakers that were replaced under the lock and are to be dropped behind it.
    pub(super) discarded: Vec<Waker>,
    pub(super) last_lane: u64,
    /// Exchanges that nobody waits for any more: they are withdrawn where they were not taken.
    pub(super) given_up: Vec<GivenUp>,
    /// Streams that wait until less is waiting to be sent.
    pub(super) streams: HashMap<usize, Waker>,
    /// Callers that wait for the peer to say what it takes.
    pub(super) hopeful: HashMap<usize, Waker>,
    /// Nothing more is sent.
    pub(super) is_shut: bool,
    /// Calls whose time was over: their peer is to be told.
    pub(super) late: Vec<u64>,
    /// Cancels that must not overtake their requests.
    pub(super) late_cancels: Vec<(u64, Stands)>,
}

/// Which segment of which handover a large request is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stands {
    pub(super) parcel: u64,
    pub(super) segment: u64,
}

/// Where the message of an exchange stands, or stood.
pub(super) struct GivenUp {
    lane: Lane,
    place: Option<Place>,
    parcel: u64,
}

/// One handover of the outbox to the connection's queue.
pub(super) struct Parcel {
    pub(super) number: u64,
    pub(super) base: Base,
    pub(super) small_end: u64,
    pub(super) large_end: u64,
}

impl Parcel {
    /// True when all of it was sent; `unsent` is the first segment of which that is not true.
    pub(super) fn is_gone(&self, out: &Outgoing, unsent: Option<u64>) -> bool {
        out.is_past(self.small_end, self.large_end)
            && unsent.is_none_or(|first| first >= self.large_end)
    }
}

impl Inner {
    /// True while so little waits to be sent that a stream may add to it.
    pub(super) fn has_stream_room(&self) -> bool {
        // Where nothing is sent any more, nobody need wait to learn that.
        self.is_shut || self.queued + self.outbox.len() < STREAM_ROOM
    }

    /// Lets the streams go on that wait, where there is room for one.
    pub(super) fn wake_streams(&mut self, wakes: &mut Vec<Waker>) {
        if !self.streams.is_empty() && self.has_stream_room() {
            wakes.extend(self.streams.drain().map(|(_, waker)| waker));
        }
    }

    /// Moves what callers wrote behind what is in the connection's queue.
    pub(super) fn hand_over(&mut self, out: &mut Outgoing) -> Base {
        let small = self.outbox.encode().len() as u64;
        let large = self.outbox.segments();
        let base = out.append(&mut self.outbox);
        self.parcels.push_back(Parcel {
            number: self.parcel,
            base,
            small_end: base.small + small,
            large_end: base.large + large,
        });
        self.parcel += 1;
        base
    }

    pub(super) fn has_room(&self, limits: &Limits, calls: usize) -> bool {
        self.roots + self.waiters.granted() + calls <= limits.max_calls
            && self.queued + self.outbox.len() < limits.max_outgoing
    }

    /// Ends calls whose time is over. On a permanent connection those that were not taken yet are
    /// sent all the same, so nobody can say that they will not be executed; an exchange that was
    /// not taken is withdrawn.
    pub(super) fn expire(&mut self, now: u64, out: &mut Outgoing, wakes: &mut Vec<Waker>) {
        let mut next = self.waiters.expire(now, wakes);
        let mut late = Vec::new();
        for slot in self.ring.iter_mut() {
            if slot.deadline == 0 || !matches!(slot.answer, Answer::Awaited) {
                continue;
            }
            if slot.deadline > now {
                next = next.min(slot.deadline);
                continue;
            }
            let lane = slot.lane.filter(|lane| !lane.is_duplex());
            // INVARIANT: all calls of one exchange have one deadline, so it ends as a whole.
            let sent = lane.is_none() || was_taken(slot, &self.parcels, self.parcel, out);
            slot.end(Reason::Timeout(slot.timeout / 1000), sent, wakes);
            if lane.is_none() {
                self.late.push(slot.id.into());
            }
            if let Some(lane) = lane.filter(|_| !sent) {
                out.withdraw(lane);
            }
            late.extend(lane);
        }
        self.armed = next;
        late.into_iter().for_each(|lane| _ = self.abandon_lane(lane));
    }

    /// Tells the transport that a lane may be broken off, once no call waits on it any more; true
    /// where that is so.
    pub(super) fn abandon_lane(&mut self, lane: Lane) -> bool {
        let awaited =
            |slot: &mut Slot| slot.lane == Some(lane) && matches!(slot.answer, Answer::Awaited);
        let over = !self.ring.iter_mut().any(awaited);
        if over {
            self.outbox.end_lane(lane, Ended::Abandoned);
        }
        over
    }

    /// A caller no longer wants the answer that comes on a lane of its own; true where that was
    /// the last one on it.
    pub(super) fn give_up(&mut self, id: u64) -> bool {
        let slot = self.ring.get_mut(id).filter(|slot| matches!(slot.answer, Answer::Awaited));
        let Some(slot) = slot else { return false };
        let Some(lane) = slot.lane.take().filter(|lane| !lane.is_duplex()) else { return false };
        let given_up = GivenUp { lane, place: slot.place, parcel: slot.parcel };
        let over = self.abandon_lane(lane);
        if over {
            self.given_up.push(given_up);
        }
        over
    }

    /// Where the request of a call stands that is large.
    pub(super) fn stands(&mut self, id: u64) -> Option<Stands> {
        let slot = self.ring.get_mut(id)?;
        match slot.place? {
            Place::Large(segment) => Some(Stands { parcel: slot.parcel, segment }),
            Place::Small(_) => None,
        }
    }

    /// The cancels whose requests were handed over, each with the segment that its request is.
    pub(super) fn take_late_cancels(&mut self) -> Vec<LateCancel> {
        if self.late_cancels.is_empty() {
            return Vec::new();
        }
        let Self { late_cancels, parcels, parcel, .. } = self;
        // What was written since the last handover is seen behind the next one.
        let ready = late_cancels.extract_if(.., |(_, stands)| stands.parcel != *parcel);
        let segment = |stands: Stands| {
            let base = parcels.iter().find(|parcel| parcel.number == stands.parcel)?.base;
            Some(base.large + stands.segment)
        };
        // One that is not found was sent long ago.
        ready
            .map(|(id, stands)| LateCancel { id, segment: segment(stands).unwrap_or(u64::MAX) })
            .collect()
    }

    /// Withdraws what was given up before it was taken.
    pub(super) fn withdraw(&mut self, out: &mut Outgoing) {
        for GivenUp { lane, place, parcel } in self.given_up.drain(..) {
            if !is_taken(place, parcel, &self.parcels, self.parcel, out) {
                out.withdraw(lane);
            }
        }
    }

    /// Lets callers in for as long as there is room.
    pub(super) fn let_in(&mut self, limits: &Limits, decided: bool, wakes: &mut Vec<Waker>) {
        while decided && let Some(waker) = self.let_one_in(limits) {
            wakes.push(waker);
        }
    }

    /// The driver, where it waits for the last call of a connection that is shutting down.
    pub(super) fn driver_if_last(&mut self) -> Option<Waker> {
        if self.closed.is_none() || self.ring.len() > 0 {
            return None;
        }
        self.driver.take()
    }

    /// Lets one caller in, after one call has ended.
    pub(super) fn let_one_in(&mut self, limits: &Limits) -> Option<Waker> {
        let calls = self.waiters.first()?;
        if self.has_room(limits, calls) { self.waiters.grant() } else { None }
    }

    /// Takes a place for a call; its deadline is 0 unless it was set while the caller waited.
    pub(super) fn insert(&mut self, draft: &Draft<'_>, deadline: u64) -> u64 {
        match draft.nested {
            Some(handler) => {
                self.nested += 1;
                self.waiting_handlers += usize::from(handler.waits.fetch_add(1, Relaxed) == 0);
            }
            None => self.roots += 1,
        }
        let slot = self.ring.insert();
        slot.timeout = draft.timeout;
        slot.deadline = deadline;
        slot.nested = draft.nested.cloned();
        slot.duct = draft.opening.map(|opening| Arc::clone(opening.duct));
        u64::from(slot.id)
    }

    pub(super) fn forget(&mut self, id: u64) -> Option<Removed> {
        let removed = self.ring.remove(id)?;
        match &removed.nested {
            Some(handler) => {
                self.nested -= 1;
                self.waiting_handlers -= usize::from(handler.waits.fetch_sub(1, Relaxed) == 1);
            }
            None => self.roots -= 1,
        }
        Some(removed)
    }

    pub(super) fn open_lane(&mut self, shape: Shape) -> Lane {
        if shape != Shape::Exchange {
            return Lane::DUPLEX;
        }
        self.last_lane += 1;
        Lane(self.last_lane)
    }

    /// Notes where the call stands in the outbox.
    pub(super) fn send(
        &mut self,
        id: u64,
        lane: Lane,
        start: usize,
        segments: u64,
        waker: Option<Waker>,
    ) {
        let place = self.outbox.place(start, segments);
        let parcel = self.parcel;
        let Some(slot) = self.ring.get_mut(id) else { return };
        slot.place = Some(place);
        slot.parcel = parcel;
        slot.lane = Some(lane);
        slot.waker = waker;
        if slot.timeout > 0 {
            let id = slot.id;
            self.fresh.push(id);
        }
    }
}

impl Slot {
    pub(super) fn end(&mut self, reason: Reason, taken: bool, wakes: &mut Vec<Waker>) {
        let error = if taken { Error::Unknown(reason) } else { Error::NotExecuted(reason) };
        self.answer = Answer::Ended(Box::new(error));
        wakes.extend(self.waker.take());
        self.end_streams(wakes);
    }

    /// The call has its answer: nothing more is sent into it.
    pub(super) fn end_streams(&self, wakes: &mut Vec<Waker>) {
        if let Some(duct) = &self.duct {
            duct.call_ended(wakes);
        }
    }
}

/// True when the transport took the first byte of the call.
pub(super) fn was_taken(
    slot: &Slot,
    parcels: &VecDeque<Parcel>,
    current: u64,
    out: &Outgoing,
) -> bool {
    is_taken(slot.place, slot.parcel, parcels, current, out)
}

fn is_taken(
    place: Option<Place>,
    parcel: u64,
    parcels: &VecDeque<Parcel>,
    current: u64,
    out: &Outgoing,
) -> bool {
    let Some(place) = place else { return false };
    if parcel == current {
        return false;
    }
    let Some(parcel) = parcels.iter().find(|other| other.number == parcel) else {
        return true;
    };
    out.was_taken(match place {
        Place::Small(at) => Place::Small(parcel.base.small + at),
        Place::Large(number) => Place::Large(parcel.base.large + number),
    })
}

/// What may wait to be sent before streams wait: what comes behind it waits no longer than that.
const STREAM_ROOM: usize = 64 << 10;
