//! Handlers that go on, and those that are given up.

use std::{
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
};

use tinyrpc_core::{Format, RpcError};

use crate::{
    Begun, Context, Dispatcher, Method, PendingReply,
    testing::{Call, FORMATS, poll, text},
};

/// A gate for the futures of a test.
#[derive(Clone, Default)]
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn open(&self) {
        self.0.store(true, Relaxed);
    }

    async fn pass(&self) {
        poll_fn(|_| if self.0.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

#[track_caller]
fn begin(service: &Dispatcher, call: &Call) -> PendingReply {
    match call.start(service) {
        Begun::Pending(pending) => pending,
        Begun::Ready(answer) => panic!("answered at once: {answer:?}"),
    }
}

#[test]
fn a_handler_goes_on() {
    let gate = Gate::default();
    let passing = gate.clone();
    let service = Dispatcher::new().method("wait", move |ok: bool| {
        let gate = passing.clone();
        async move {
            gate.pass().await;
            if ok { Ok("through") } else { Err(RpcError::server("not through")) }
        }
    });
    let mut calls = Vec::new();
    for (format, ok) in FORMATS.into_iter().flat_map(|format| [(format, true), (format, false)]) {
        let call = Call::new(format, "wait", if ok { "[true]" } else { "[false]" });
        let pending = begin(&service, &call);
        calls.push((format, ok, pending));
    }
    for (_, _, pending) in &mut calls {
        assert!(poll(pending).is_pending());
    }
    gate.open();
    for (format, ok, pending) in &mut calls {
        let Poll::Ready(answer) = poll(pending) else { panic!("still waiting") };
        if let Ok(payload) = &answer {
            assert_eq!(payload.format, *format);
        }
        match text(answer) {
            Ok(value) => assert!(*ok && value == r#""through""#),
            Err(error) => assert!(!*ok && error.message == "not through"),
        }
        // A future that is polled once too often is no reason to panic.
        assert!(poll(pending).is_ready());
    }
}

#[test]
fn the_result_of_a_notification_is_not_encoded() {
    let gate = Gate::default();
    let passing = gate.clone();
    let service = Dispatcher::new().method("wait", move || {
        let gate = passing.clone();
        async move {
            gate.pass().await;
            f64::NAN
        }
    });
    let call = Call { notification: true, ..Call::new(Format::Json, "wait", "") };
    let mut pending = begin(&service, &call);
    gate.open();
    let Poll::Ready(answer) = poll(&mut pending) else { panic!("still waiting") };
    assert!(answer.expect("no error").bytes.is_empty());
}

/// Counts how many of them live.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[test]
fn dropping_the_answer_drops_the_handler() {
    let alive = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&alive);
    let service = Dispatcher::new().method("wait", move || {
        let counted = Counted::new(&counter);
        async move {
            pending::<()>().await;
            drop(counted);
        }
    });
    let calls: Vec<_> =
        (0..100).map(|_| begin(&service, &Call::new(Format::Json, "wait", ""))).collect();
    assert_eq!(alive.load(Relaxed), 100);
    drop(calls);
    assert_eq!(alive.load(Relaxed), 0);
}

#[test]
fn a_finished_future_is_dropped_before_it_is_answered() {
    let alive = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&alive);
    let service = Dispatcher::new().method("quick", move || {
        let counted = Counted::new(&counter);
        async move { Arc::strong_count(&counted.0) }
    });
    for _ in 0..3 {
        Call::new(Format::Json, "quick", "").answer(&service).expect("an answer");
        assert_eq!(alive.load(Relaxed), 0);
    }
}

#[test]
fn a_panic_leaves_the_method_usable() {
    let service = Dispatcher::new().method("divide", async |a: i64, b: i64| a / b);
    for params in ["[1, 0]", "[6, 2]", "[1, 0]", "[9, 3]"] {
        let call = Call::new(Format::Json, "divide", params);
        let answer = catch_unwind(AssertUnwindSafe(|| call.answer(&service)));
        assert_eq!(answer.is_ok(), params != "[1, 0]");
    }
}

#[test]
fn tasks_learn_that_their_call_was_cancelled() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let service = Dispatcher::new().method("wait", move |context: Context| {
        sender.send(context).expect("a receiver");
        pending::<()>()
    });
    let call = Call::new(Format::Json, "wait", "");
    let answer = begin(&service, &call);
    let context = receiver.recv().expect("a context");
    let (mut first, mut second) = (context.cancelled(), context.cancelled());
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    assert!(poll(&mut first).is_pending());
    drop(second);
    assert!(!context.is_cancelled());
    drop(answer);
    assert!(context.is_cancelled());
    assert!(poll(&mut first).is_ready());
    assert!(poll(&mut context.cancelled()).is_ready());
}

#[test]
fn a_call_that_ends_is_not_cancelled() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let gate = Gate::default();
    let passing = gate.clone();
    let service = Dispatcher::new().method("wait", move |context: Context| {
        sender.send(context).expect("a receiver");
        let gate = passing.clone();
        async move { gate.pass().await }
    });
    let mut answer = begin(&service, &Call::new(Format::Json, "wait", ""));
    gate.open();
    assert!(poll(&mut answer).is_ready());
    drop(answer);
    assert!(!receiver.recv().expect("a context").is_cancelled());
}

#[test]
fn what_a_method_knows_about_itself() {
    let method = Method::new(|a: i64, _: Option<i64>| a).params(["a", "b"]);
    assert_eq!((method.arity(), method.names()), (2, Some(&["a", "b"][..])));
    assert_eq!(Method::new(|| ()).names(), None);
}

#[test]
#[should_panic(expected = "the method has 2 params, but 1 names are declared")]
fn too_few_names() {
    drop(Method::new(|a: i64, b: i64| a + b).params(["a"]));
}

#[test]
#[should_panic(expected = "two params have the same name")]
fn the_same_name_twice() {
    drop(Method::new(|a: i64, b: i64| a + b).params(["a", "a"]));
}

#[test]
#[should_panic(expected = "declared before")]
fn names_declared_twice() {
    drop(Method::new(|a: i64| a).params(["a"]).params(["b"]));
}
