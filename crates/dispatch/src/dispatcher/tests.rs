//! Names, prefixes, and changes while serving.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use tinyrpc_core::{Format, ReplyTo};

use crate::{
    Begun, Dispatcher, Invocation, Service, Started,
    testing::{Call, check},
};

#[test]
fn methods_by_name() {
    let mut service = Dispatcher::new();
    let names: Vec<String> = (0..300).map(|n| "x".repeat(n % 20) + &n.to_string()).collect();
    for (index, name) in names.iter().enumerate() {
        service = service.method(name, move || index);
    }
    for (index, name) in names.iter().enumerate() {
        check(&service, name, "", &index.to_string());
    }
    for unknown in ["", "x", "300", "xxxxxxxx", "xxxxxxxx0", "\u{e4}"] {
        check(&service, unknown, "", &format!("-32601: method not found: {unknown}"));
    }
}

#[test]
fn a_notification_for_nobody_is_dropped() {
    let call = Call { notification: true, ..Call::new(Format::Json, "nobody", "") };
    assert_eq!(call.answer(&Dispatcher::new()).expect("silence"), "nothing");
}

#[test]
fn aliases() {
    let service = Dispatcher::new()
        .method("sub", |a: i64, b: i64| a - b)
        .alias("minus", "sub")
        .params(["a", "b"])
        .alias("less", "minus");
    for name in ["sub", "minus", "less"] {
        check(&service, name, r#"{"b": 1, "a": 3}"#, "2");
    }
}

#[test]
#[should_panic(expected = "there is a method `add` already")]
fn a_name_is_taken() {
    drop(Dispatcher::new().method("add", || 1).method("add", || 2));
}

#[test]
#[should_panic(expected = "there is a method `add` already")]
fn an_alias_is_taken() {
    drop(Dispatcher::new().method("add", || 1).alias("add", "add"));
}

#[test]
#[should_panic(expected = "there is no method `add`")]
fn an_alias_of_nothing() {
    drop(Dispatcher::new().alias("plus", "add"));
}

#[test]
#[should_panic(expected = "`params` follows a `method`")]
fn params_of_nothing() {
    drop(Dispatcher::new().params([]));
}

/// Answers whatever its name is.
struct Echo;

impl Service for Echo {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        reply.result(invocation.method);
        Started::Done
    }
}

#[test]
fn nested_services() {
    let inner = Dispatcher::new().method("deep", || "inner deep");
    let math = Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("taken", || "math")
        .nest("inner.", inner);
    let more = Dispatcher::new().method("sub", |a: i64, b: i64| a - b).method("taken", || "more");
    let service = Dispatcher::new()
        .method("add", || "own")
        .method("math.own", || "own")
        .nest("math.", math)
        .nest("math.", more)
        .nest("m", Dispatcher::new().method("ath.own", || "late").method("ath.late", || "late"))
        .nest("echo/", Echo);
    let found = |name, params, expected| check(&service, name, params, expected);
    found("add", "", r#""own""#);
    found("math.own", "", r#""own""#);
    found("math.add", "[1, 2]", "3");
    found("math.sub", "[1, 2]", "-1");
    found("math.taken", "", r#""math""#);
    found("math.late", "", r#""late""#);
    found("math.inner.deep", "", r#""inner deep""#);
    found("math.inner.shallow", "", "-32601: method not found: math.inner.shallow");
    found("math.none", "", "-32601: method not found: math.none");
    found("deep", "", "-32601: method not found: deep");
    found("echo/any/thing", "", r#""any/thing""#);
    found("echo/", "", r#""""#);
    assert!(service.has_method("math.inner.deep") && !service.has_method("math.inner.none"));
}

#[test]
fn methods_come_and_go_while_serving() {
    let service = Dispatcher::new().method("old", || "old").nest("echo.", Echo);
    let handle = service.handle();
    let shared = service.clone();
    handle.try_insert("new", || "new").expect("a free name");
    assert_eq!(handle.try_insert("old", || 1).expect_err("taken").name, "old");
    assert_eq!(handle.names(), ["new", "old"]);
    for service in [&service, &shared] {
        check(service, "new", "", r#""new""#);
        check(service, "old", "", r#""old""#);
        check(service, "echo.x", "", r#""x""#);
    }
    assert!(handle.remove("old") && !handle.remove("old"));
    check(&shared, "old", "", "-32601: method not found: old");
    let service = service.method("late", || "late").nest("late.", Echo);
    check(&shared, "late", "", r#""late""#);
    check(&shared, "late.x", "", r#""x""#);
    drop(service);
    assert_eq!(handle.names(), ["late", "new"]);
}

#[test]
fn a_handler_may_change_its_own_dispatcher() {
    let service = Dispatcher::new();
    let handle = service.handle();
    let service = service.method("once", move || handle.remove("once"));
    check_once(&service, "true");
    check_once(&service, "method not found: once");
}

#[track_caller]
fn check_once(service: &Dispatcher, expected: &str) {
    let answer = Call::new(Format::Json, "once", "").answer(service);
    assert_eq!(answer.unwrap_or_else(|error| error.message.into()), expected);
}

#[test]
fn a_call_that_goes_on_outlives_its_method() {
    let service = Dispatcher::new();
    let handle = service.handle();
    handle.try_insert("wait", std::future::pending::<()>).expect("a free name");
    let Begun::Pending(pending) = Call::new(Format::Json, "wait", "").start(&service) else {
        panic!("answered at once");
    };
    assert!(handle.remove("wait"));
    drop(service);
    drop(pending);
}

#[test]
fn lookups_and_changes_from_many_threads() {
    let service = Dispatcher::new().method("stay", || 1);
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (service, done) = (service.clone(), Arc::clone(&done));
            thread::spawn(move || {
                while !done.load(Relaxed) {
                    check(&service, "stay", "", "1");
                }
            })
        })
        .collect();
    let handle = service.handle();
    for round in 0..100 {
        handle.try_insert("come", move || round).expect("a free name");
        check(&service, "come", "", &round.to_string());
        assert!(handle.remove("come"));
    }
    done.store(true, Relaxed);
    for reader in readers {
        reader.join().expect("no panic");
    }
}
