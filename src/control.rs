//! `Control`: what the owner of a connection wants of its driver.

use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{
        AtomicBool, AtomicU8,
        Ordering::{Relaxed, SeqCst},
    },
};
use std::task::{Context, Poll, Waker};

use tinyrpc_core::Caller;

/// Shared between a driver and whoever may end its connection.
#[derive(Debug)]
pub(crate) struct Control {
    caller: Caller,
    order: AtomicU8,
    delivered: AtomicBool,
    heard: AtomicBool,
    why: OnceLock<&'static str>,
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
            heard: AtomicBool::new(false),
            why: OnceLock::new(),
            done: Mutex::default(),
        }
    }

    /// Gives an order; one that was given before is only made more urgent.
    pub(crate) fn give(&self, order: Order) {
        self.order.fetch_max(order as u8, SeqCst);
        self.caller.wake_driver();
    }

    /// Has the connection closed for a reason.
    pub(crate) fn give_up(&self, why: &'static str) {
        _ = self.why.set(why);
        self.give(Order::Close);
    }

    /// Why this side closes the connection.
    pub(crate) fn why(&self) -> &'static str {
        self.why.get().unwrap_or(&"this side closed it")
    }

    /// Says that something came from the peer.
    pub(crate) fn hear(&self) {
        self.heard.store(true, Relaxed);
    }

    /// True when something came since this was asked last.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard.swap(false, Relaxed)
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
