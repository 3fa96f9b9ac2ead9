//! `Backlog`: frames that wait for room to be executed, bounded in bytes.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::Lane;

/// Requests over the limit, kept as they came and decoded again when their turn comes.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    frames: VecDeque<(Lane, Bytes)>,
    bytes: usize,
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Keeps a frame; false where it is over the limit.
    pub(super) fn push(&mut self, lane: Lane, frame: &[u8], limit: usize) -> bool {
        let charge = frame.len() + OVERHEAD;
        if self.bytes + charge > limit {
            return false;
        }
        self.bytes += charge;
        self.frames.push_back((lane, Bytes::copy_from_slice(frame)));
        true
    }

    /// Keeps a frame whatever the limit says.
    pub(super) fn force(&mut self, lane: Lane, frame: &[u8]) {
        self.push(lane, frame, usize::MAX);
    }

    /// What the kept frames are charged.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn pop(&mut self) -> Option<(Lane, Bytes)> {
        let (lane, frame) = self.frames.pop_front()?;
        self.bytes -= frame.len() + OVERHEAD;
        Some((lane, frame))
    }

    /// Forgets what waits on a lane that closed.
    pub(super) fn close_lane(&mut self, lane: Lane) {
        let bytes = &mut self.bytes;
        self.frames.retain(|(waiting, frame)| {
            let keep = *waiting != lane;
            if !keep {
                *bytes -= frame.len() + OVERHEAD;
            }
            keep
        });
    }
}

/// What a kept frame costs beside its bytes, so that a million empty ones are not free.
const OVERHEAD: usize = 64;
