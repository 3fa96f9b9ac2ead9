//! `Inbox`: what came for one subscription and was not taken.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use super::Router;
use crate::{Error, LimitReached, Payload, Reason, Slow};

/// A bounded queue between a session and a subscriber.
#[derive(Debug)]
pub(super) struct Inbox {
    slow: Slow,
    /// How many items may wait, and how many bytes of them.
    items: usize,
    bytes: usize,
    /// The full name of the method that unsubscribes.
    unsubscribe: Arc<str>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Payload>,
    bytes: usize,
    missed: u64,
    /// Its connection is not read because of it.
    is_full: bool,
    /// Nothing more comes, and where there is an error, it is the last thing.
    closed: bool,
    error: Option<Error>,
    waker: Option<Waker>,
}

/// What a subscriber takes.
pub(super) struct Taken {
    /// The params of a notification; `None` at the end.
    pub(super) params: Option<Result<Payload, Error>>,
    /// The connection may be read again.
    pub(super) makes_room: bool,
}

impl Inbox {
    pub(super) fn new(slow: Slow, items: usize, bytes: usize, unsubscribe: Arc<str>) -> Self {
        Self { slow, items: items.max(1), bytes, unsubscribe, state: Mutex::default() }
    }

    pub(super) fn unsubscribe(&self) -> &Arc<str> {
        &self.unsubscribe
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn missed(&self) -> u64 {
        self.lock().missed
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Adds what came; false where that ends the subscription.
    pub(super) fn put(&self, params: Payload, router: &Router, wakes: &mut Vec<Waker>) -> bool {
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.closed {
            return true;
        }
        let size = params.bytes.len() + OVERHEAD;
        let fits = |state: &State, items: usize| {
            state.queue.is_empty() || state.queue.len() < items && state.bytes + size <= self.bytes
        };
        match self.slow {
            // While calls of this side are in flight the connection is read all the same.
            Slow::Wait if fits(state, usize::MAX) => {}
            Slow::DropNewest if !fits(state, self.items) => {
                state.missed += 1;
                return true;
            }
            Slow::DropOldest => {
                while !fits(state, self.items) {
                    let Some(oldest) = state.queue.pop_front() else { break };
                    state.bytes -= oldest.bytes.len() + OVERHEAD;
                    state.missed += 1;
                }
            }
            _ if fits(state, self.items) => {}
            _ => {
                state.missed += 1;
                let limit = LimitReached { name: "buffer", limit: self.items as u64 };
                state.end(Error::Interrupted(Reason::Limit(limit)), wakes);
                return false;
            }
        }
        state.bytes += size;
        state.queue.push_back(params);
        self.hold_up(state, router);
        wakes.extend(state.waker.take());
        true
    }

    /// Adds what came before its subscriber could take anything.
    pub(super) fn seed(&self, params: Payload, router: &Router) {
        let mut state = self.lock();
        state.bytes += params.bytes.len() + OVERHEAD;
        state.queue.push_back(params);
        self.hold_up(&mut state, router);
    }

    /// Has the connection not read, where that is the way and there is enough.
    fn hold_up(&self, state: &mut State, router: &Router) {
        let over = state.queue.len() >= self.items || state.bytes >= self.bytes / 2;
        if self.slow == Slow::Wait && over && !mem::replace(&mut state.is_full, true) {
            router.stop();
        }
    }

    /// Ends it, behind what waits.
    pub(super) fn end(&self, error: Error, wakes: &mut Vec<Waker>) {
        let mut state = self.lock();
        if !state.closed {
            state.end(error, wakes);
        }
    }

    /// Nothing more comes, and nothing is wrong.
    pub(super) fn close(&self, router: &Router) {
        let mut state = self.lock();
        state.closed = true;
        state.go_on(router);
    }

    /// Forgets what waits.
    pub(super) fn clear(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.error = None;
        state.bytes = 0;
        let queue = mem::take(&mut state.queue);
        drop(state);
        drop(queue);
    }

    /// The oldest of what waits.
    pub(super) fn poll_take(&self, waker: &Waker, router: &Router) -> Poll<Taken> {
        let mut state = self.lock();
        if let Some(params) = state.queue.pop_front() {
            state.bytes -= params.bytes.len() + OVERHEAD;
            let half = state.queue.len() <= self.items / 2 && state.bytes <= self.bytes / 4;
            let makes_room = half && state.go_on(router);
            return Poll::Ready(Taken { params: Some(Ok(params)), makes_room });
        }
        if state.closed {
            let error = state.error.take();
            let makes_room = state.go_on(router);
            return Poll::Ready(Taken { params: error.map(Err), makes_room });
        }
        let old = match &mut state.waker {
            Some(old) if old.will_wake(waker) => None,
            other => other.replace(waker.clone()),
        };
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl State {
    fn end(&mut self, error: Error, wakes: &mut Vec<Waker>) {
        self.closed = true;
        self.error = Some(error);
        wakes.extend(self.waker.take());
    }

    /// The connection is no longer held up by it; true where it was.
    fn go_on(&mut self, router: &Router) -> bool {
        let was_full = mem::replace(&mut self.is_full, false);
        if was_full {
            router.go_on();
        }
        was_full
    }
}

/// What an item that waits costs beside its bytes.
const OVERHEAD: usize = 64;
