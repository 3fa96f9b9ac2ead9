//! `Cancellation`: tells the tasks of a handler that nobody waits for its answer any more.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{self, Poll, Waker},
};

use crate::Context;

/// A flag that is raised once, and who wants to know.
#[derive(Debug, Default)]
pub(crate) struct Cancellation {
    raised: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    last_key: u64,
    wakers: Vec<(u64, Waker)>,
}

impl Cancellation {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    pub(crate) fn cancel(&self) {
        self.raised.store(true, Ordering::Release);
        // Wakers are code of the runtime: not under the lock.
        let wakers = mem::take(&mut self.waiting().wakers);
        wakers.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Has `waker` woken under its key; false where the flag is raised already.
    fn wait(&self, key: &mut Option<u64>, mut waker: Waker) -> bool {
        let mut waiting = self.waiting();
        if self.is_cancelled() {
            return false;
        }
        let known = waiting.wakers.iter_mut().find(|(known, _)| Some(*known) == *key);
        match known {
            Some((_, old)) => mem::swap(old, &mut waker),
            None => {
                waiting.last_key += 1;
                let fresh = waiting.last_key;
                waiting.wakers.push((fresh, waker));
                *key = Some(fresh);
                return true;
            }
        }
        drop(waiting);
        drop(waker);
        true
    }

    fn leave(&self, key: u64) {
        let mut waiting = self.waiting();
        let place = waiting.wakers.iter().position(|(known, _)| *known == key);
        let waker = place.map(|place| waiting.wakers.swap_remove(place));
        drop(waiting);
        drop(waker);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Completes when a call is cancelled. See [`Context::cancelled`].
#[derive(Debug)]
#[must_use = "it does nothing until it is awaited"]
pub struct Cancelled {
    context: Context,
    key: Option<u64>,
}

impl Cancelled {
    pub(crate) fn new(context: Context) -> Self {
        Self { context, key: None }
    }
}

impl Future for Cancelled {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let Self { context, key } = self.get_mut();
        if context.cancellation().wait(key, cx.waker().clone()) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

impl Drop for Cancelled {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.context.cancellation().leave(key);
        }
    }
}
