//! `Ring`: the calls that wait for an answer, found by their id without a hash.
//!
//! Ids count up from 1 to 2^31 - 1 and start again; the slot of an id is its low bits. An id whose
//! slot is taken is skipped, so no id is given out twice while it lives, and a late reply to an
//! abandoned call finds another id in the slot (or none) and goes nowhere. The ring doubles before
//! it is half full.

use std::{sync::Arc, task::Waker};

use bytes::Bytes;

use crate::{
    Lane, RpcError,
    error::Error,
    outgoing::Place,
    streams::{Duct, Nest},
};

/// One call that was handed over and not yet collected by its caller.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// The id, or 0 where the slot is free.
    pub(super) id: u32,
    pub(super) waker: Option<Waker>,
    pub(super) answer: Answer,
    /// A recycled buffer: holds the result when `answer` is [`Answer::Small`].
    pub(super) small: Vec<u8>,
    pub(super) lane: Option<Lane>,
    /// Which handover of the outbox it was in, and where in it.
    pub(super) parcel: u64,
    pub(super) place: Option<Place>,
    /// Microseconds; 0 for none.
    pub(super) timeout: u64,
    /// On the session's clock; 0 for none or not yet known.
    pub(super) deadline: u64,
    /// Set on a call made by a handler: how many such calls its handler waits for.
    pub(super) nested: Option<Arc<Nest>>,
    /// The streams of the call.
    pub(super) duct: Option<Arc<Duct>>,
}

#[derive(Debug, Default)]
pub(super) enum Answer {
    /// None yet.
    #[default]
    Awaited,
    /// In the slot's own buffer.
    Small,
    /// In a block of its own.
    Large(Bytes),
    /// The peer answered with an error.
    Error(Box<RpcError>),
    /// The call ended on this side.
    Ended(Box<Error>),
}

/// What a call that ended had held.
#[derive(Debug)]
pub(super) struct Removed {
    pub(super) nested: Option<Arc<Nest>>,
    /// It was made and had no answer yet.
    pub(super) was_awaited: bool,
    duct: Option<Arc<Duct>>,
    _waker: Option<Waker>,
    _answer: Answer,
}

impl Removed {
    /// Nothing more goes or comes on the streams of the call.
    pub(super) fn end_streams(&self, wakes: &mut Vec<Waker>) {
        if let Some(duct) = &self.duct {
            duct.call_ended(wakes);
        }
    }
}

#[derive(Debug)]
pub(super) struct Ring {
    slots: Vec<Slot>,
    next: u32,
    used: usize,
}

impl Ring {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), next: 1, used: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// A free slot with a new id.
    pub(super) fn insert(&mut self) -> &mut Slot {
        if self.used * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut id = self.next;
        while self.slots.get(id as usize & mask).is_none_or(|slot| slot.id != 0) {
            id = following(id);
        }
        self.next = following(id);
        self.used += 1;
        let slot = &mut self.slots[id as usize & mask];
        slot.id = id;
        slot
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Slot> {
        let mask = self.slots.len().wrapping_sub(1);
        let slot = self.slots.get_mut(usize::try_from(id).ok()? & mask)?;
        (u64::from(slot.id) == id && id != 0).then_some(slot)
    }

    /// Frees the slot of `id`; what it held is returned, to be dropped outside of any lock.
    pub(super) fn remove(&mut self, id: u64) -> Option<Removed> {
        let slot = self.get_mut(id)?;
        slot.id = 0;
        slot.deadline = 0;
        if slot.small.capacity() > KEPT {
            slot.small = Vec::new();
        }
        let removed = Removed {
            nested: slot.nested.take(),
            was_awaited: slot.place.is_some() && matches!(slot.answer, Answer::Awaited),
            duct: slot.duct.take(),
            _waker: slot.waker.take(),
            _answer: std::mem::take(&mut slot.answer),
        };
        slot.place = None;
        slot.lane = None;
        self.used -= 1;
        Some(removed)
    }

    /// All calls, answered or not.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.slots.iter_mut().filter(|slot| slot.id != 0)
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(SMALLEST);
        let mut slots: Vec<Slot> = Vec::with_capacity(size);
        slots.resize_with(size, Slot::default);
        for slot in self.slots.drain(..).filter(|slot| slot.id != 0) {
            // Ids that differ in the low bits of the old size differ in those of the new one.
            let index = slot.id as usize & (size - 1);
            slots[index] = slot;
        }
        self.slots = slots;
    }

    #[cfg(test)]
    pub(super) fn start_at(&mut self, id: u32) {
        self.next = id;
    }
}

fn following(id: u32) -> u32 {
    if id >= LAST_ID { 1 } else { id + 1 }
}

/// The largest id that every MessagePack-RPC peer accepts: some keep it in a signed 32-bit number.
const LAST_ID: u32 = i32::MAX as u32;
const SMALLEST: usize = 16;
/// A slot gives back a buffer that grew beyond this.
const KEPT: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_wrap_and_skip_live_ones() {
        let mut ring = Ring::new();
        let old = ring.insert().id;
        assert_eq!(old, 1);
        ring.start_at(LAST_ID - 2);
        let mut ids = Vec::new();
        for _ in 0..10_000 {
            let id = ring.insert().id;
            assert!((1..=LAST_ID).contains(&id));
            assert_ne!(id, old, "a live id was given out again");
            ids.push(id);
            if ids.len() > 500 {
                assert!(ring.remove(u64::from(ids.remove(0))).is_some());
            }
        }
        assert_eq!(ring.len(), 501);
        assert!(ring.get_mut(u64::from(old)).is_some());
    }

    #[test]
    fn a_late_reply_finds_nothing_after_a_wrap() {
        let mut ring = Ring::new();
        ring.start_at(LAST_ID - 5);
        let mut given_up = Vec::new();
        for _ in 0..500 {
            let id = u64::from(ring.insert().id);
            given_up.push(id);
            ring.remove(id);
            let lives = u64::from(ring.insert().id);
            // Old ids are in nobody's slot, although their slots are used again and again.
            assert!(given_up.iter().all(|&old| old == lives || ring.get_mut(old).is_none()));
            assert!(!given_up.contains(&lives));
            ring.remove(lives);
        }
        assert_eq!(ring.len(), 0);
    }

    #[test]
    fn a_late_reply_finds_nothing() {
        let mut ring = Ring::new();
        let first = u64::from(ring.insert().id);
        ring.remove(first);
        for _ in 0..1000 {
            let id = u64::from(ring.insert().id);
            assert!(ring.get_mut(first).is_none());
            ring.remove(id);
        }
        assert!(ring.get_mut(0).is_none());
        assert!(ring.get_mut(u64::MAX).is_none());
    }
}
