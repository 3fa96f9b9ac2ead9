//! `Order`: in which order the answers of this side leave.

use std::{collections::VecDeque, mem, num::NonZeroU64};

use super::Session;
use crate::{Lane, outgoing::Kind};

/// In which order the requests of a peer are answered.
///
/// The order is kept on a permanent connection: every exchange has an answer of its own. A batch
/// is one answer. Notifications have none and are begun as ever, and so are requests: only
/// answers wait, against [`Limits::max_outgoing`](crate::Limits::max_outgoing). Items of streams
/// do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplyOrder {
    /// Each answer leaves as soon as it is there.
    #[default]
    AsReady,
    /// Answers leave in the order in which their requests came, for peers that know no ids.
    ///
    /// A handler must not call its own peer then, unless the peer answers without calling back:
    /// on the wire nothing tells the request of such a call from any other one, so its answer
    /// waits for the handler, and the handler for it. The timeouts of both calls end that.
    InOrder,
    /// Last in, first out: an answer waits while a request that was begun after its own is in
    /// execution. Neovim wants this and closes the channel otherwise.
    ///
    /// Neovim even closes it when it reads two answers together. So one that waited leaves when
    /// the peer has said something after the answer before it, or 20 ms after that.
    Nested,
}

/// The answers that wait for others.
#[derive(Debug)]
pub(super) struct Order {
    kind: ReplyOrder,
    /// The number of the first entry.
    first: NonZeroU64,
    /// In the order of their requests; `None` for a request that has no answer yet.
    entries: VecDeque<Option<Vec<u8>>>,
    /// What the answers in `entries` are charged.
    held: usize,
    rest: Rest,
}

/// Whether the next answer waits until the peer has read the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Over,
    /// Since this turn.
    Began,
    /// Not beyond this time.
    Until(u64),
}

/// The place of an answer among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(NonZeroU64);

impl Order {
    pub(super) fn new(kind: ReplyOrder) -> Self {
        Self { kind, first: NonZeroU64::MIN, entries: VecDeque::new(), held: 0, rest: Rest::Over }
    }

    /// True while an answer waits for nothing but the peer to read the one before it.
    pub(super) fn is_resting(&self) -> bool {
        self.rest != Rest::Over
    }

    /// Ends a rest because the peer may be about to say something; see [`Session::resume_rest`].
    pub(super) fn take_rest(&mut self) -> Option<Rest> {
        let rest = mem::replace(&mut self.rest, Rest::Over);
        (rest != Rest::Over).then_some(rest)
    }

    /// Bytes of answers that wait for others.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// A request came: its place where that decides, `None` where its answer may leave at any time.
    #[inline]
    pub(super) fn arrive(&mut self, lane: Lane, is_answered: bool) -> Option<Place> {
        match self.kind {
            ReplyOrder::InOrder => self.enter(lane, is_answered),
            ReplyOrder::AsReady | ReplyOrder::Nested => None,
        }
    }

    /// A request begins: its place where that decides, or the one that it had.
    #[inline]
    pub(super) fn begin(
        &mut self,
        place: Option<Place>,
        lane: Lane,
        is_answered: bool,
    ) -> Option<Place> {
        match self.kind {
            ReplyOrder::Nested => self.enter(lane, is_answered),
            ReplyOrder::AsReady | ReplyOrder::InOrder => place,
        }
    }

    #[cold]
    fn enter(&mut self, lane: Lane, is_answered: bool) -> Option<Place> {
        if !is_answered || !lane.is_duplex() {
            return None;
        }
        let place = self.first.checked_add(self.entries.len() as u64)?;
        self.entries.push_back(None);
        Some(Place(place))
    }

    /// The answer of a place is known; it is empty where nothing is said.
    fn put(&mut self, Place(number): Place, answer: Vec<u8>) {
        let index = number.get().checked_sub(self.first.get());
        let index = index.and_then(|index| usize::try_from(index).ok());
        let Some(entry) = index.and_then(|index| self.entries.get_mut(index)) else { return };
        self.held += answer.len() + OVERHEAD;
        *entry = Some(answer);
    }

    /// The next answer that may leave.
    fn pop(&mut self) -> Option<(Place, Vec<u8>)> {
        let (number, answer) = match self.kind {
            ReplyOrder::Nested if self.is_resting() => return None,
            ReplyOrder::Nested => {
                let answer = self.entries.back_mut()?.take()?;
                self.entries.pop_back();
                if !answer.is_empty() && matches!(self.entries.back(), Some(Some(_))) {
                    self.rest = Rest::Began;
                }
                (self.first.saturating_add(self.entries.len() as u64), answer)
            }
            _ => {
                let answer = self.entries.front_mut()?.take()?;
                self.entries.pop_front();
                let number = self.first;
                self.first = number.saturating_add(1);
                (number, answer)
            }
        };
        self.held -= answer.len() + OVERHEAD;
        Some((Place(number), answer))
    }

    /// Forgets what waits: nothing can be sent any more.
    pub(super) fn clear(&mut self) {
        self.first = self.first.saturating_add(self.entries.len() as u64);
        self.entries.clear();
        self.held = 0;
        self.rest = Rest::Over;
    }
}

impl Session {
    /// Puts the answer that was encoded from `start` on into its place, and sends those whose
    /// turn it is.
    #[cold]
    pub(super) fn commit_in_order(&mut self, start: usize, place: Place) {
        let answer = self.outgoing.encode().split_off(start);
        self.order.put(place, answer);
        self.release();
    }

    /// Sends the answers whose turn it is.
    #[cold]
    fn release(&mut self) {
        while let Some((place, answer)) = self.order.pop() {
            self.followed.leave(place);
            if answer.is_empty() {
                continue;
            }
            let out = self.outgoing.encode();
            let start = out.len();
            out.extend_from_slice(&answer);
            self.queue(start, Lane::DUPLEX, Kind::Call, None);
        }
    }

    /// Goes on after a rest in which something was handled, or not. A request that came is later
    /// than what waits, so it had its turn before.
    #[cold]
    pub(super) fn resume_rest(&mut self, rest: Rest, spoke: bool) {
        if !spoke {
            self.order.rest = rest;
        } else if !self.order.is_resting() {
            self.release();
        }
    }

    /// Ends a rest in which the peer says nothing; gives the time when that is.
    pub(super) fn watch_rest(&mut self, now: u64) -> u64 {
        loop {
            match self.order.rest {
                Rest::Over => return u64::MAX,
                Rest::Until(end) if now < end => return end,
                Rest::Began => self.order.rest = Rest::Until(now.saturating_add(LONGEST_REST)),
                Rest::Until(_) => {
                    self.order.rest = Rest::Over;
                    self.release();
                }
            }
        }
    }

    /// Nothing will be said in this place.
    pub(super) fn leave_order(&mut self, place: Option<Place>) {
        if let Some(place) = place {
            let start = self.outgoing.encode().len();
            self.commit_in_order(start, place);
        }
    }
}

/// In microseconds: a peer that waits for an answer reads it at once, and this is long enough for a
/// machine with much else to do, and too short for a person to notice.
const LONGEST_REST: u64 = 20_000;
/// What an answer that waits costs beside its bytes.
const OVERHEAD: usize = 64;
