//! `Gate`: lets a number of them in, and the others in the order in which they came.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

#[derive(Debug)]
pub(super) struct Gate {
    most: usize,
    queue: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    inside: usize,
    waiting: VecDeque<Arc<Turn>>,
}

/// One who waits.
#[derive(Debug, Default)]
struct Turn(Mutex<TurnState>);

#[derive(Debug, Default)]
struct TurnState {
    /// The place of somebody who left is theirs.
    come: bool,
    waker: Option<Waker>,
}

/// How somebody who came was received.
pub(super) enum Entry {
    /// They are in.
    Open(Permit),
    /// They wait.
    Queue(Ticket),
    /// Too many wait.
    Full,
}

/// A place inside; dropping it lets the next one in.
#[derive(Debug)]
pub(super) struct Permit(Arc<Gate>);

/// A place in the queue; dropping it leaves the queue.
#[derive(Debug)]
pub(super) struct Ticket {
    gate: Arc<Gate>,
    /// Gone when it was exchanged for a permit.
    turn: Option<Arc<Turn>>,
}

impl Gate {
    pub(super) fn new(most: usize, queue: usize) -> Self {
        Self { most, queue, state: Mutex::default() }
    }

    pub(super) fn enter(self: &Arc<Self>) -> Entry {
        let mut state = self.state();
        if state.inside < self.most {
            state.inside += 1;
            drop(state);
            return Entry::Open(Permit(Arc::clone(self)));
        }
        if state.waiting.len() >= self.queue {
            return Entry::Full;
        }
        let turn = Arc::new(Turn::default());
        state.waiting.push_back(Arc::clone(&turn));
        drop(state);
        Entry::Queue(Ticket { gate: Arc::clone(self), turn: Some(turn) })
    }

    /// Hands a place on to the next one, or notes that it is free.
    fn leave(&self) {
        let mut state = self.state();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.inside -= 1;
        }
        drop(state);
        if let Some(turn) = next {
            turn.call();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    fn call(&self) {
        let mut state = self.state();
        state.come = true;
        let waker = state.waker.take();
        // A waker is code of the runtime: not under the lock.
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waker = Some(cx.waker().clone());
        let mut state = self.state();
        if state.come {
            return Poll::Ready(());
        }
        mem::swap(&mut state.waker, &mut waker);
        drop(state);
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, TurnState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Permit> {
        match &self.turn {
            Some(turn) if turn.poll(cx).is_ready() => {
                self.turn = None;
                Poll::Ready(Permit(Arc::clone(&self.gate)))
            }
            _ => Poll::Pending,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        let mut state = self.gate.state();
        let place = state.waiting.iter().position(|waiting| Arc::ptr_eq(waiting, &turn));
        let left = place.and_then(|place| state.waiting.remove(place));
        drop(state);
        if left.is_none() {
            // Its turn has come, and it does not want it any more.
            self.gate.leave();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.leave();
    }
}
