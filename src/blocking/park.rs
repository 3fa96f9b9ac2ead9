//! A thread that sleeps until its future is ready.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use super::round::Round;

/// Polls a future on this thread, which sleeps meanwhile; whoever completes it wakes the thread.
///
/// Where there is a round, the thread sleeps with all others of it.
pub(super) fn park_on<F: Future>(round: Option<&Arc<Round>>, future: F) -> F::Output {
    // A value that is encoded in a poll may wait for something itself, and has a sleeper of its own.
    let mut sleeper = SLEEPER.take().unwrap_or_default();
    sleeper.join(round);
    let mut cx = Context::from_waker(&sleeper.waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            SLEEPER.set(Some(sleeper));
            return output;
        }
        sleeper.bell.sleep();
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

/// Wakes one thread; more than one ring before it looks is one.
struct Bell {
    thread: Thread,
    round: Option<Arc<Round>>,
    rung: AtomicBool,
    /// The thread does not sleep with its round, and has to be woken by itself.
    alone: AtomicBool,
}

impl Sleeper {
    fn new(round: Option<Arc<Round>>) -> Self {
        let bell = Arc::new(Bell {
            thread: thread::current(),
            alone: AtomicBool::new(round.is_none()),
            round,
            rung: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&bell));
        Self { bell, waker }
    }

    /// Makes it one of a round. Threads usually stay in the same.
    fn join(&mut self, round: Option<&Arc<Round>>) {
        let same = match (&self.bell.round, round) {
            (None, None) => true,
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            _ => false,
        };
        if !same {
            *self = Self::new(round.cloned());
        }
        self.bell.alone.store(self.bell.round.is_none(), SeqCst);
    }
}

impl Default for Sleeper {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Bell {
    /// Sleeps until it is rung. Whoever is woken with the others for nothing sleeps alone from then
    /// on, so that it is at most once for each wait.
    fn sleep(&self) {
        if let Some(round) = &self.round
            && !self.alone.load(SeqCst)
        {
            round.sleep(|| self.rung.load(SeqCst));
            self.alone.store(true, SeqCst);
        }
        while !self.rung.swap(false, SeqCst) {
            thread::park();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.rung.swap(true, SeqCst) {
            return;
        }
        match &self.round {
            Some(round) if !self.alone.load(SeqCst) => round.call(),
            _ => self.thread.unpark(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::poll_fn, sync::mpsc, time::Duration};

    use super::{super::round, *};

    /// Long enough for any of this.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_thread_sleeps_until_it_is_woken() {
        for round in [None, Some(Arc::default())] {
            let mut polls = 0;
            let wait = poll_fn(|cx| {
                polls += 1;
                if polls == 3 {
                    return Poll::Ready("done");
                }
                let waker = cx.waker().clone();
                thread::spawn(move || waker.wake());
                Poll::Pending
            });
            assert_eq!(park_on(round.as_ref(), wait), "done");
            assert_eq!(polls, 3);
        }
    }

    #[test]
    fn a_wake_in_an_inner_wait_is_not_lost() {
        let round = Arc::default();
        let outer = Cell::new(0);
        let wait = poll_fn(|cx| {
            outer.set(outer.get() + 1);
            if outer.get() == 2 {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            let mut inner = 0;
            let wait = poll_fn(|cx| {
                inner += 1;
                cx.waker().wake_by_ref();
                if inner == 3 { Poll::Ready(()) } else { Poll::Pending }
            });
            park_on(Some(&round), wait);
            Poll::Pending
        });
        park_on(Some(&round), wait);
        assert_eq!(outer.get(), 2);
    }

    #[test]
    fn a_turn_that_panics_wakes_all_the_same() {
        let round = Arc::<Round>::default();
        let (sender, wakers) = mpsc::channel::<Waker>();
        let waiting = thread::spawn(move || {
            let mut polls = 0;
            let wait = poll_fn(|cx| {
                polls += 1;
                sender.send(cx.waker().clone()).expect("the test goes on");
                if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
            });
            park_on(Some(&round), wait);
        });
        let waker = wakers.recv_timeout(PATIENCE).expect("it waits");
        let turn = || {
            round::turn(|| {
                waker.wake_by_ref();
                panic!("in a turn");
            })
        };
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(turn)).is_err());
        wakers.recv_timeout(PATIENCE).expect("it was woken");
        waiting.join().expect("it ends");
    }

    #[test]
    fn threads_of_a_round_are_woken_behind_a_turn() {
        let round = Arc::<Round>::default();
        let (sender, wakers) = mpsc::channel::<Waker>();
        let (finish, finished) = mpsc::channel();
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (round, sender, finish) = (Arc::clone(&round), sender.clone(), finish.clone());
                thread::spawn(move || {
                    let mut polls = 0;
                    let wait = poll_fn(|cx| {
                        polls += 1;
                        if polls == 101 {
                            return Poll::Ready(());
                        }
                        sender.send(cx.waker().clone()).expect("the test goes on");
                        Poll::Pending
                    });
                    park_on(Some(&round), wait);
                    finish.send(()).expect("the test goes on");
                })
            })
            .collect();
        // Each turn wakes whoever sleeps by now: all of them, or some, or the same one twice.
        for _ in 0..800 {
            let waker = wakers.recv_timeout(PATIENCE).expect("somebody waits");
            round::turn(|| {
                waker.wake_by_ref();
                waker.wake();
            });
        }
        for thread in threads {
            finished.recv_timeout(PATIENCE).expect("nobody is left asleep");
            drop(thread);
        }
    }
}
