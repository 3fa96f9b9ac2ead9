//! No code of a user runs under a lock: wakers may call back into the session's callers.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use tinyrpc_core::{Caller, Reason, Shape};

use crate::support::{Pair, Setup};

/// A waker that makes use of the caller whenever it is woken or dropped.
struct Curious {
    caller: Caller,
    woken: AtomicUsize,
}

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        self.caller.in_flight();
        self.woken.fetch_add(1, SeqCst);
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        self.caller.in_flight();
        self.caller.wake_driver();
    }
}

fn curious(caller: &Caller) -> (Arc<Curious>, Waker) {
    let curious = Arc::new(Curious { caller: caller.clone(), woken: AtomicUsize::new(0) });
    (Arc::clone(&curious), curious.into())
}

#[test]
fn a_waker_is_woken_and_dropped_outside_of_the_lock() {
    let mut pair = Setup::default().limits(|limits| limits.max_calls = 1).pair();
    let caller = pair.client.caller();
    let mut first = pin!(caller.call::<_, u8>("hold", ()));
    let mut second = pin!(caller.call::<_, u8>("hold", ()).timeout(Duration::from_secs(1)));
    let mut third = pin!(caller.call::<_, u8>("hold", ()));
    for _ in 0..3 {
        // Each poll brings another waker, so the one before is dropped by the table.
        let (_, waker) = curious(&caller);
        assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let (_, waker) = curious(&caller);
        assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let (_, waker) = curious(&caller);
        assert!(third.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    pair.settle();
    pair.pass(Duration::from_secs(1));
    let (_, waker) = curious(&caller);
    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    pair.server.finish(1);
    pair.settle();
    assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    let (curious, waker) = curious(&caller);
    assert!(third.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    pair.client.session.lose(Reason::Closed("lost".into()));
    assert_eq!(curious.woken.load(SeqCst), 1);
}

#[test]
fn the_driver_is_woken_by_what_callers_do() {
    let mut pair = Pair::new(Shape::Messages);
    let caller = pair.client.caller();
    let turn = |pair: &mut Pair| {
        let (curious, waker) = curious(&pair.client.caller());
        pair.client.session.turn(pair.now, &waker);
        curious
    };
    let mut cx = Context::from_waker(Waker::noop());
    let driver = turn(&mut pair);
    let mut call = pin!(caller.call::<_, u8>("hold", ()));
    assert!(call.as_mut().poll(&mut cx).is_pending());
    assert_eq!(driver.woken.load(SeqCst), 1);
    // Woken once, it looks at everything.
    assert!(pin!(caller.notify("note", ())).poll(&mut cx).is_ready());
    assert_eq!(driver.woken.load(SeqCst), 1);
    let driver = turn(&mut pair);
    assert!(pin!(caller.notify("note", ())).poll(&mut cx).is_ready());
    assert_eq!(driver.woken.load(SeqCst), 1);
    let driver = turn(&mut pair);
    caller.wake_driver();
    assert_eq!(driver.woken.load(SeqCst), 1);
}

/// A value whose `Serialize` uses the caller.
struct Nosy<'a>(&'a Caller, &'a Mutex<usize>);

impl serde::Serialize for Nosy<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        *self.1.lock().unwrap() += self.0.in_flight() + 1;
        // Another call from within, whose params use the same thread's scratch.
        let inner = pin!(self.0.call::<_, ()>("inner", ("text",)));
        let polled = inner.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
        serializer.serialize_u8(7)
    }
}

#[test]
fn params_are_encoded_outside_of_the_lock() {
    let mut pair = Pair::new(Shape::Messages);
    let caller = pair.client.caller();
    let seen = Mutex::new(0);
    let mut call = pin!(caller.call::<_, ()>("outer", (Nosy(&caller, &seen),)));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(*seen.lock().unwrap(), 1);
    pair.client.turn(pair.now);
    let sent = pair.client.pop_all();
    assert_eq!(sent, ["=q1 inner   [\"text\"]", "=q2 outer   [7]"]);
}
