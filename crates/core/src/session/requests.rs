//! `Requests`: the requests of the peer that are being executed, and the batches they belong to.

use std::collections::HashMap;

use super::order::Place;
use crate::{Id, Lane};

/// One request in execution, as the session and whoever executes it name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    index: u32,
    generation: u32,
}

impl Ticket {
    /// A small number that no other request in execution has: an index for a table of them.
    pub fn index(self) -> usize {
        self.index as usize
    }
}

/// A request whose handler has not finished.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) id: Option<Id<'static>>,
    pub(super) lane: Lane,
    /// The batch it is a member of.
    pub(super) batch: Option<usize>,
    /// Where its answer stands among the others.
    pub(super) place: Option<Place>,
    /// The protocol of its answer.
    pub(super) tongue: usize,
}

#[derive(Debug, Default)]
pub(super) struct Requests {
    entries: Vec<(u32, Option<Running>)>,
    free: Vec<u32>,
    /// By id, so that a second request under the same id is noticed and a cancel finds its call.
    /// Exchanges may come from many clients, each with ids of its own.
    by_id: HashMap<(Lane, Id<'static>), Ticket>,
}

impl Requests {
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(super) fn insert(&mut self, running: Running) -> Ticket {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push((0, None));
            self.entries.len() as u32 - 1
        });
        let (generation, entry) = &mut self.entries[index as usize];
        *generation = generation.wrapping_add(1);
        let ticket = Ticket { index, generation: *generation };
        if let Some(id) = &running.id {
            self.by_id.insert((running.lane, id.clone()), ticket);
        }
        *entry = Some(running);
        ticket
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Running> {
        let (generation, entry) = self.entries.get_mut(ticket.index as usize)?;
        if *generation != ticket.generation {
            return None;
        }
        let running = entry.take()?;
        self.free.push(ticket.index);
        if let Some(id) = &running.id {
            self.by_id.remove(&(running.lane, id.clone()));
        }
        Some(running)
    }

    pub(super) fn find(&self, lane: Lane, id: &Id<'_>) -> Option<Ticket> {
        if self.by_id.is_empty() {
            return None;
        }
        self.by_id.get(&(lane, id.clone())).copied()
    }

    /// The requests that came on a lane.
    pub(super) fn on_lane(&self, lane: Lane) -> Vec<Ticket> {
        let entries = self.entries.iter().enumerate();
        entries
            .filter(|(_, (_, entry))| entry.as_ref().is_some_and(|running| running.lane == lane))
            .map(|(index, (generation, _))| Ticket { index: index as u32, generation: *generation })
            .collect()
    }
}

/// A batch whose answers are being collected.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) lane: Lane,
    /// Where its answer stands among the others.
    pub(super) place: Option<Place>,
    /// Its requests were refused.
    pub(super) refused: bool,
    /// The answers so far, encoded, from the batch's opening on.
    pub(super) out: Vec<u8>,
    /// How long `out` is without any answer.
    pub(super) empty: usize,
    /// Members whose handlers have not finished.
    pub(super) running: usize,
    /// All members were started.
    pub(super) complete: bool,
}

/// A list whose places are used again.
#[derive(Debug, Default)]
pub(super) struct Batches {
    entries: Vec<Option<Batch>>,
}

impl Batches {
    pub(super) fn insert(&mut self, batch: Batch) -> usize {
        match self.entries.iter().position(Option::is_none) {
            Some(free) => {
                self.entries[free] = Some(batch);
                free
            }
            None => {
                self.entries.push(Some(batch));
                self.entries.len() - 1
            }
        }
    }

    pub(super) fn get_mut(&mut self, index: usize) -> Option<&mut Batch> {
        self.entries.get_mut(index)?.as_mut()
    }

    pub(super) fn remove(&mut self, index: usize) -> Option<Batch> {
        self.entries.get_mut(index)?.take()
    }
}
