//! `Control`: what the owner of a connection wants of its driver.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU8, Ordering::SeqCst},
};
use std::task::{Context, Poll, Waker};

use tinyrpc_core::Caller;

/// Shared between a driver and whoever may end its connection.
#[derive(Debug)]
pub(crate) struct Control {
    caller: Caller,
    order: AtomicU8,
    delivered: AtomicBool,
    done: Mutex<Done>,
}

#[derive(Debug, Default)]
struct Done {
    done: bool,
    waiting: Vec<Waker>,
}

/// What a driver is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Order {
    /// Go on.
    Run = 0,
    /// Finish what is in flight, begin nothing new, then close.
    Drain = 1,
    /// Close now.
    Close = 2,
}

impl Control {
    pub(crate) fn new(caller: Caller) -> Self {
        Self {
            caller,
            order: AtomicU8::new(Order::Run as u8),
            delivered: AtomicBool::new(false),
            done: Mutex::default(),
        }
    }

    /// Gives an order; one that was given before is only made more urgent.
    pub(crate) fn give(&self, order: Order) {
        self.order.fetch_max(order as u8, SeqCst);
        self.caller.wake_driver();
    }

    pub(crate) fn order(&self) -> Order {
        match self.order.load(SeqCst) {
            0 => Order::Run,
            1 => Order::Drain,
            _ => Order::Close,
        }
    }

    /// Says that the transport has taken all that was said before the order to finish.
    pub(crate) fn deliver(&self) {
        self.delivered.store(true, SeqCst);
    }

    /// True when that was said.
    pub(crate) fn is_delivered(&self) -> bool {
        self.delivered.load(SeqCst)
    }

    /// Says that the connection is closed.
    pub(crate) fn finish(&self) {
        let waiting = {
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.done = true;
            std::mem::take(&mut done.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Ready when the connection is closed.
    pub(crate) fn poll_finished(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.done {
            return Poll::Ready(());
        }
        if !done.waiting.iter().any(|waiting| waiting.will_wake(cx.waker())) {
            done.waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }
}
