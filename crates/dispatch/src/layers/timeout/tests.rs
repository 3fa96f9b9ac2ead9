//! Time limits, by a clock that is set by hand.

use std::{future::pending, sync::Arc, task::Poll, time::Duration};

use tinyrpc_core::{Code, Format, Meta};

use super::TimeoutLayer;
use crate::{
    Begun, Dispatcher, Service,
    testing::{Call, Clock, poll, scope},
};

fn service() -> impl Service {
    Dispatcher::new()
        .method("ready", || "ready")
        .method("wait", pending::<()>)
        .layer(TimeoutLayer::new(Duration::from_millis(5)))
}

/// When a call that never ends is answered, in milliseconds.
#[track_caller]
fn answered_after(asked: Option<Duration>) -> (u64, Code) {
    let clock = Arc::new(Clock::default());
    clock.set(1_000_000);
    let mut meta = Box::<Meta>::default();
    meta.deadline = asked;
    let call = Call {
        scope: Arc::new(scope(Some(clock.clone()))),
        meta: Some(meta),
        ..Call::new(Format::Json, "wait", "")
    };
    let Begun::Pending(mut pending) = call.start(&service()) else { panic!("answered at once") };
    for millis in 0..10 {
        clock.set(1_000_000 + millis * 1000);
        if let Poll::Ready(answer) = poll(&mut pending) {
            return (millis, answer.expect_err("an error").code);
        }
    }
    panic!("no answer");
}

#[test]
fn late_calls_are_answered() {
    assert_eq!(answered_after(None), (5, Code::DEADLINE));
}

#[test]
fn the_caller_may_ask_for_less() {
    assert_eq!(answered_after(Some(Duration::from_millis(2))), (2, Code::DEADLINE));
    assert_eq!(answered_after(Some(Duration::MAX)), (5, Code::DEADLINE));
}

#[test]
fn calls_that_are_ready_are_never_late() {
    let scope = Arc::new(scope(Some(Arc::new(Clock::default()))));
    let call = Call { scope, ..Call::new(Format::Json, "ready", "") };
    assert_eq!(call.answer(&service()).expect("an answer"), r#""ready""#);
}

#[test]
fn without_a_runtime_everything_is_refused() {
    for method in ["ready", "wait"] {
        let error = Call::new(Format::Json, method, "").answer(&service()).expect_err("refused");
        assert_eq!(error.code, Code::REFUSED);
        assert!(error.message.contains("needs a runtime"));
    }
}
