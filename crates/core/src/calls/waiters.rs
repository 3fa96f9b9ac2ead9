//! `Waiters`: callers that wait, in order, until there is room for their call.

use std::{collections::VecDeque, task::Waker};

/// First come, first served: a caller that is let in holds its room until it comes or goes.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    queue: VecDeque<Waiter>,
    /// Callers that were let in and have not come yet.
    granted: Vec<Granted>,
    last_key: u64,
}

#[derive(Debug)]
struct Waiter {
    key: u64,
    waker: Waker,
    /// How many calls it wants to make at once.
    calls: usize,
    timeout: u64,
    /// 0 where it is not known yet.
    deadline: u64,
}

#[derive(Clone, Copy, Debug)]
struct Granted {
    key: u64,
    calls: usize,
    deadline: u64,
}

/// What became of a waiting caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It may go on. The deadline was set when it joined; 0 for none yet.
    Granted { deadline: u64 },
    /// It waits on.
    Waiting,
    /// Its time is over.
    Expired,
}

impl Waiters {
    /// True when nobody is before a newcomer.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many calls those will make who were let in and have not come yet.
    pub(super) fn granted(&self) -> usize {
        self.granted.iter().map(|granted| granted.calls).sum()
    }

    /// How many calls the first one wants to make.
    pub(super) fn first(&self) -> Option<usize> {
        self.queue.front().map(|waiter| waiter.calls)
    }

    /// Joins the queue.
    pub(super) fn join(&mut self, waker: Waker, calls: usize, timeout: u64) -> u64 {
        self.last_key += 1;
        let key = self.last_key;
        self.queue.push_back(Waiter { key, waker, calls, timeout, deadline: 0 });
        key
    }

    /// Asks for the caller's turn and keeps its waker up to date; the old one is returned.
    pub(super) fn ask(&mut self, key: u64, waker: &Waker) -> (Turn, Option<Waker>) {
        if let Some(at) = self.granted.iter().position(|granted| granted.key == key) {
            let deadline = self.granted.swap_remove(at).deadline;
            return (Turn::Granted { deadline }, None);
        }
        match self.queue.iter_mut().find(|waiter| waiter.key == key) {
            Some(waiter) if waiter.waker.will_wake(waker) => (Turn::Waiting, None),
            Some(waiter) => {
                (Turn::Waiting, Some(std::mem::replace(&mut waiter.waker, waker.clone())))
            }
            None => (Turn::Expired, None),
        }
    }

    /// Leaves the queue, or gives back the room it held.
    pub(super) fn leave(&mut self, key: u64) -> Option<Waker> {
        if let Some(at) = self.granted.iter().position(|granted| granted.key == key) {
            self.granted.swap_remove(at);
            return None;
        }
        let at = self.queue.iter().position(|waiter| waiter.key == key)?;
        self.queue.remove(at).map(|waiter| waiter.waker)
    }

    /// Lets the first one in.
    pub(super) fn grant(&mut self) -> Option<Waker> {
        let Waiter { key, waker, calls, deadline, .. } = self.queue.pop_front()?;
        self.granted.push(Granted { key, calls, deadline });
        Some(waker)
    }

    /// Stamps newcomers and lets go of those whose time is over; gives the next deadline.
    pub(super) fn expire(&mut self, now: u64, wakes: &mut Vec<Waker>) -> u64 {
        let mut next = u64::MAX;
        self.queue.retain_mut(|waiter| {
            if waiter.timeout == 0 {
                return true;
            }
            if waiter.deadline == 0 {
                waiter.deadline = now.saturating_add(waiter.timeout);
            }
            if waiter.deadline <= now {
                wakes.push(waiter.waker.clone());
                return false;
            }
            next = next.min(waiter.deadline);
            true
        });
        next
    }

    /// Wakes everybody: the connection is closed.
    pub(super) fn release(&mut self, wakes: &mut Vec<Waker>) {
        wakes.extend(self.queue.drain(..).map(|waiter| waiter.waker));
    }
}
