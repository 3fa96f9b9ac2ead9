//! `Round`: threads that sleep together, because their answers mostly come together.

use std::{
    cell::RefCell,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

/// The threads that wait for answers over one connection.
///
/// One turn of its driver has the answers of many threads. To wake each of them by itself is a
/// system call for each, and whoever is woken takes the CPU from the driver in the middle of its
/// turn; all of them together are one call behind it.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// How often all were woken.
    number: Mutex<u64>,
    woken: Condvar,
    /// They are to be woken when the turn ends.
    due: AtomicBool,
}

thread_local! {
    /// The rounds to wake when this thread's turn ends; none outside of one.
    static DUE: RefCell<Option<Vec<Arc<Round>>>> = const { RefCell::new(None) };
}

impl Round {
    /// Sleeps until all are woken, unless this thread was rung for already.
    ///
    /// Whoever rings does so before the round is called, and waking it takes the lock: what is not
    /// seen here comes later, and finds this thread asleep.
    pub(super) fn sleep(&self, rung: impl FnOnce() -> bool) {
        let number = self.lock();
        if rung() {
            return;
        }
        let now = *number;
        // The guard, poisoned or not, is let go.
        drop(self.woken.wait_while(number, |number| *number == now));
    }

    /// Wakes all who sleep: at the end of this thread's turn, or at once outside of one.
    pub(super) fn call(self: &Arc<Self>) {
        let later = DUE.with_borrow_mut(|due| {
            let Some(due) = due else { return false };
            if !self.due.swap(true, SeqCst) {
                due.push(Arc::clone(self));
            }
            true
        });
        if !later {
            self.wake();
        }
    }

    fn wake(&self) {
        *self.lock() += 1;
        self.woken.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.number.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a turn of a task, and then wakes whoever it has something for, even where it panics.
pub(super) fn turn<T>(turn: impl FnOnce() -> T) -> T {
    let _ends = Ends { outer: DUE.replace(Some(Vec::new())) };
    turn()
}

/// The end of a turn.
struct Ends {
    /// Of the turn in which this one is, if any.
    outer: Option<Vec<Arc<Round>>>,
}

impl Drop for Ends {
    fn drop(&mut self) {
        for round in DUE.replace(self.outer.take()).unwrap_or_default() {
            round.due.store(false, SeqCst);
            round.wake();
        }
    }
}
