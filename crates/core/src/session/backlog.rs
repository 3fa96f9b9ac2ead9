//! `Backlog`: frames that wait for room to be executed, bounded in bytes.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;

use super::order::Place;
use crate::{FrameRef, Id, Lane, Request};

/// Requests over the limit, kept as they came and decoded again when their turn comes.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    frames: VecDeque<Waiting>,
    bytes: usize,
    /// Requests that may be among them and are no longer wanted: no more than there are frames.
    cancelled: HashSet<(Lane, Id<'static>)>,
}

/// A frame that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) lane: Lane,
    pub(super) frame: Bytes,
    /// How many places it takes: a batch begins as a whole.
    count: usize,
    /// Where its answer stands among the others.
    pub(super) place: Option<Place>,
}

impl Waiting {
    pub(super) fn new(frame: FrameRef<'_>, count: usize, place: Option<Place>) -> Self {
        Self { lane: frame.lane, frame: Bytes::copy_from_slice(frame.bytes), count, place }
    }

    fn charge(&self) -> usize {
        self.frame.len() + OVERHEAD
    }
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How many places the oldest frame takes; `None` where nothing waits.
    pub(super) fn next(&self) -> Option<usize> {
        self.frames.front().map(|waiting| waiting.count)
    }

    /// True where one more frame of `size` bytes is within the limit.
    pub(super) fn has_room(&self, size: usize, limit: usize) -> bool {
        self.bytes + size + OVERHEAD <= limit
    }

    /// Keeps a frame.
    pub(super) fn push(&mut self, waiting: Waiting) {
        self.bytes += waiting.charge();
        self.frames.push_back(waiting);
    }

    /// True while more waits than may.
    pub(super) fn is_over(&self, limit: usize) -> bool {
        self.bytes > limit
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let waiting = self.frames.pop_front()?;
        self.bytes -= waiting.charge();
        Some(waiting)
    }

    /// A request that may wait here is no longer wanted.
    pub(super) fn cancel(&mut self, lane: Lane, id: Id<'_>) {
        if self.cancelled.len() < self.frames.len() {
            self.cancelled.insert((lane, id.into_owned()));
        }
    }

    /// True where a request that was kept is no longer wanted.
    pub(super) fn was_cancelled(&mut self, lane: Lane, request: &Request<'_>) -> bool {
        if self.cancelled.is_empty() {
            return false;
        }
        let id = request.id.clone().map(Id::into_owned);
        let was_cancelled = id.is_some_and(|id| self.cancelled.remove(&(lane, id)));
        if self.frames.is_empty() {
            // What is left was about requests that had been answered.
            self.cancelled.clear();
        }
        was_cancelled
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Forgets what waits on a lane that closed.
    pub(super) fn close_lane(&mut self, lane: Lane) {
        let bytes = &mut self.bytes;
        self.frames.retain(|waiting| {
            let keep = waiting.lane != lane;
            if !keep {
                *bytes -= waiting.charge();
            }
            keep
        });
    }
}

/// What a kept frame costs beside its bytes, so that a million empty ones are not free.
const OVERHEAD: usize = 64;
