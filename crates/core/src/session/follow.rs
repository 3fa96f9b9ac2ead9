//! `Followed`: answers of which somebody wants to know when they have left.

use std::collections::VecDeque;

use super::{Session, order::Place};

/// Numbers of answers, by where those wait.
#[derive(Debug, Default)]
pub(super) struct Followed {
    held: Vec<(u64, Held)>,
    /// What became of the others: true for those that have left.
    known: VecDeque<(u64, bool)>,
}

/// Where an answer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Among those that leave in some order.
    Place(Place),
    /// In its batch.
    Batch(usize),
}

impl Session {
    /// The next answer that was given under a number by
    /// [`ReplyTo::follow`](crate::ReplyTo::follow) and has left since: true where it was put into
    /// the queue, false where it was dropped.
    pub fn poll_followed(&mut self) -> Option<(u64, bool)> {
        self.followed.known.pop_front()
    }

    /// Follows an answer that is about to take its place.
    #[inline]
    pub(super) fn follow(&mut self, number: Option<u64>, place: Option<Place>) {
        if let Some(number) = number {
            self.followed.in_place(number, place);
        }
    }
}

impl Followed {
    fn in_place(&mut self, number: u64, place: Option<Place>) {
        match place {
            None => self.known.push_back((number, true)),
            Some(place) => self.held.push((number, Held::Place(place))),
        }
    }

    /// An answer is a member of a batch.
    pub(super) fn in_batch(&mut self, number: u64, batch: usize) {
        self.held.push((number, Held::Batch(batch)));
    }

    /// A batch is complete, and is about to take its place.
    pub(super) fn close_batch(&mut self, batch: usize, place: Option<Place>) {
        for number in self.take(Held::Batch(batch)) {
            self.in_place(number, place);
        }
    }

    /// A batch will never be sent.
    pub(super) fn lose_batch(&mut self, batch: usize) {
        for number in self.take(Held::Batch(batch)) {
            self.known.push_back((number, false));
        }
    }

    /// What waited in a place leaves it.
    pub(super) fn leave(&mut self, place: Place) {
        for number in self.take(Held::Place(place)) {
            self.known.push_back((number, true));
        }
    }

    /// Nothing more is sent.
    pub(super) fn clear(&mut self) {
        let lost = self.held.drain(..).map(|(number, _)| (number, false));
        self.known.extend(lost);
    }

    fn take(&mut self, from: Held) -> Vec<u64> {
        if self.held.is_empty() {
            return Vec::new();
        }
        self.held.extract_if(.., |(_, held)| *held == from).map(|(number, _)| number).collect()
    }
}
