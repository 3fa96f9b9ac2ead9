//! A thread that sleeps until its future is ready.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::AcqRel},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// Polls a future on this thread, which sleeps meanwhile; whoever completes it wakes the thread.
pub(super) fn park_on<F: Future>(future: F) -> F::Output {
    // A value that is encoded in a poll may wait for something itself, and has a sleeper of its own.
    let sleeper = SLEEPER.take().unwrap_or_default();
    let mut cx = Context::from_waker(&sleeper.waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            SLEEPER.set(Some(sleeper));
            return output;
        }
        while !sleeper.bell.rung.swap(false, AcqRel) {
            thread::park();
        }
    }
}

thread_local! {
    /// Made once for each thread that waits; gone while it does.
    static SLEEPER: Cell<Option<Sleeper>> = const { Cell::new(None) };
}

struct Sleeper {
    bell: Arc<Bell>,
    waker: Waker,
}

/// Wakes a thread; more than one ring before it looks is one.
struct Bell {
    thread: Thread,
    rung: AtomicBool,
}

impl Default for Sleeper {
    fn default() -> Self {
        let bell = Arc::new(Bell { thread: thread::current(), rung: AtomicBool::new(false) });
        let waker = Waker::from(Arc::clone(&bell));
        Self { bell, waker }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, AcqRel) {
            self.thread.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::poll_fn, time::Duration};

    use super::*;

    #[test]
    fn a_thread_sleeps_until_it_is_woken() {
        let mut polls = 0;
        let output = park_on(poll_fn(|cx| {
            polls += 1;
            if polls == 3 {
                return Poll::Ready("done");
            }
            let waker = cx.waker().clone();
            thread::spawn(move || waker.wake());
            Poll::Pending
        }));
        assert_eq!((output, polls), ("done", 3));
    }

    #[test]
    fn a_wake_in_an_inner_wait_is_not_lost() {
        let outer = Cell::new(0);
        park_on(poll_fn(|cx| {
            outer.set(outer.get() + 1);
            if outer.get() == 2 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            // Takes the token of the thread, and must leave the ring.
            let mut inner = 0;
            park_on(poll_fn(|cx| {
                inner += 1;
                cx.waker().wake_by_ref();
                if inner == 3 { Poll::Ready(()) } else { Poll::Pending }
            }));
            thread::park_timeout(Duration::from_millis(1));
            Poll::Pending
        }));
        assert_eq!(outer.get(), 2);
    }
}
