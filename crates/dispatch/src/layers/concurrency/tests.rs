//! Places and queues.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use tinyrpc_core::{Code, Format, Meta};

use super::{Concurrency, ConcurrencyLayer};
use crate::{
    Begun, Dispatcher, PendingReply, Service,
    testing::{Call, poll, text},
};

/// Which calls have begun, and which of them may end.
#[derive(Default)]
struct Log {
    begun: Vec<u64>,
    may_end: Vec<u64>,
}

type Shared = Arc<Mutex<Log>>;

fn with<R>(log: &Shared, look: impl FnOnce(&mut Log) -> R) -> R {
    look(&mut log.lock().unwrap_or_else(PoisonError::into_inner))
}

fn service(most: usize, queue: usize) -> (Concurrency<Dispatcher>, Shared) {
    let log = Shared::default();
    let shared = Arc::clone(&log);
    let wait = move |number: u64| {
        let log = Arc::clone(&shared);
        with(&log, |log| log.begun.push(number));
        async move {
            let may_end = |log: &mut Log| log.may_end.contains(&number);
            poll_fn(|_| if with(&log, may_end) { Poll::Ready(()) } else { Poll::Pending }).await;
            number
        }
    };
    let dispatcher = Dispatcher::new().method("wait", wait).method("ready", || "ready");
    (dispatcher.layer(ConcurrencyLayer::new(most).queue(queue)), log)
}

fn wait(number: u64) -> Call {
    Call::new(Format::MsgPack, "wait", &format!("[{number}]"))
}

#[track_caller]
fn begin(service: &dyn Service, call: &Call) -> PendingReply {
    match call.start(service) {
        Begun::Pending(pending) => pending,
        Begun::Ready(answer) => panic!("answered at once: {answer:?}"),
    }
}

#[track_caller]
fn finish(log: &Shared, number: u64, pending: &mut PendingReply) {
    with(log, |log| log.may_end.push(number));
    let Poll::Ready(answer) = poll(pending) else { panic!("{number} goes on") };
    assert_eq!(text(answer).expect("an answer"), number.to_string());
}

#[test]
fn the_others_wait_in_order() {
    let (service, log) = service(2, 3);
    let mut calls: Vec<_> = (0..5).map(|number| begin(&service, &wait(number))).collect();
    let poll_all = |calls: &mut Vec<PendingReply>| {
        calls.iter_mut().rev().for_each(|call| assert!(poll(call).is_pending()));
        with(&log, |log| log.begun.clone())
    };
    assert_eq!(poll_all(&mut calls), [0, 1]);
    let mut second = calls.remove(1);
    finish(&log, 1, &mut second);
    // A place is free when the handler is gone, not when it has answered.
    assert_eq!(poll_all(&mut calls), [0, 1]);
    drop(second);
    assert_eq!(poll_all(&mut calls), [0, 1, 2]);
    drop(calls.remove(0));
    drop(calls.remove(0));
    assert_eq!(poll_all(&mut calls), [0, 1, 2, 4, 3]);
    calls.clear();
    assert_eq!(Call::new(Format::Json, "ready", "").answer(&service).expect("ready"), r#""ready""#);
}

#[test]
fn too_many_are_refused() {
    let (service, _) = service(1, 1);
    let _calls = [begin(&service, &wait(0)), begin(&service, &wait(1))];
    let error = wait(2).answer(&service).expect_err("refused");
    assert_eq!((error.code, error.has_data()), (Code::REFUSED, true));
}

#[test]
fn who_leaves_the_queue_is_not_waited_for() {
    let (service, log) = service(1, 2);
    let first = begin(&service, &wait(0));
    let second = begin(&service, &wait(1));
    let mut third = begin(&service, &wait(2));
    // The one leaves while it waits, the other when its turn has come.
    drop(second);
    drop(first);
    assert!(poll(&mut third).is_pending());
    assert_eq!(with(&log, |log| log.begun.clone()), [0, 2]);
    let fourth = begin(&service, &wait(3));
    drop(third);
    drop(fourth);
    let _fifth = begin(&service, &wait(4));
    assert_eq!(with(&log, |log| log.begun.clone()), [0, 2, 4]);
}

#[test]
fn a_queued_call_that_fails_gives_its_place_back() {
    let (service, log) = service(1, 2);
    let first = begin(&service, &wait(0));
    let mut bad = begin(&service, &Call::new(Format::Json, "wait", "[-1]"));
    let mut unknown = begin(&service, &Call::new(Format::Json, "nobody", ""));
    drop(first);
    let Poll::Ready(Err(error)) = poll(&mut bad) else { panic!("no error") };
    assert_eq!(error.code, Code::INVALID_PARAMS);
    let Poll::Ready(Err(error)) = poll(&mut unknown) else { panic!("no error") };
    assert_eq!(error.code, Code::METHOD_NOT_FOUND);
    drop((bad, unknown));
    let _next = begin(&service, &wait(5));
    assert_eq!(with(&log, |log| log.begun.clone()), [0, 5]);
}

#[test]
fn nested_calls_pass() {
    let (service, log) = service(1, 0);
    let _first = begin(&service, &wait(0));
    let mut meta = Box::<Meta>::default();
    meta.depth = 1;
    let _nested = begin(&service, &Call { meta: Some(meta), ..wait(1) });
    assert_eq!(with(&log, |log| log.begun.clone()), [0, 1]);
}

#[test]
fn notifications_take_places_too() {
    let (service, log) = service(1, 1);
    let first = begin(&service, &Call { notification: true, ..wait(0) });
    let mut second = begin(&service, &Call { notification: true, ..wait(1) });
    drop(first);
    assert!(poll(&mut second).is_pending());
    assert_eq!(with(&log, |log| log.begun.clone()), [0, 1]);
}
