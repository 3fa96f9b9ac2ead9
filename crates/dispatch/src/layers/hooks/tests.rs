//! What hooks see of calls, and what they change.

use std::{
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
};

use tinyrpc_core::{Code, Format, Limits, ReplyTo, RpcError};
use tinyrpc_protocols::JsonRpc;

use super::{End, Finished, HooksLayer};
use crate::{
    Begun, Dispatched, Dispatcher, Endpoint, Invocation, Service, Started,
    testing::{Call, Clock, FORMATS, poll, scope, text},
};

/// What hooks were told, a line each.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn add(&self, line: String) {
        self.0.lock().expect("no panic under it").push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().expect("no panic under it"))
    }

    fn after(&self) -> impl Fn(&Finished<'_>) + Send + Sync + 'static {
        let notes = self.clone();
        move |call| {
            let end = match call.end {
                End::Failed(error) => format!("{error}"),
                other => format!("{other:?}"),
            };
            let took = call.took.map_or_else(|| "?".into(), |took| format!("{took:?}"));
            let arrow = if call.notification { "~" } else { "" };
            notes.add(format!("{arrow}{} {took} {end}", call.method));
        }
    }
}

/// Goes on once, then is `outcome`.
async fn later<T>(outcome: T) -> T {
    let mut polled = false;
    poll_fn(|_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
    outcome
}

fn methods() -> Dispatcher {
    let refusal = || Err::<u8, _>(RpcError::new(9, "no"));
    Dispatcher::new()
        .method("value", || 1)
        .method("fail", refusal)
        .method("bad", || f64::NAN)
        .method("panic", || -> u8 { panic!("at once") })
        .method("value later", || later(1))
        .method("fail later", move || later(refusal()))
        .method("panic later", async || -> u8 {
            later(()).await;
            panic!("later")
        })
        .method("never", pending::<()>)
}

fn call(format: Format, method: &str, notification: bool) -> Call {
    let scope = Arc::new(scope(Some(Arc::new(Clock::default()))));
    Call { scope, notification, ..Call::new(format, method, "") }
}

/// Calls a method and drives it to its end, or as far as it goes.
fn run(service: &dyn Service, call: &Call) -> String {
    let answer = catch_unwind(AssertUnwindSafe(|| match call.start(service) {
        Begun::Ready(answer) => Some(answer),
        Begun::Pending(mut pending) => {
            for _ in 0..2 {
                if let Poll::Ready(answer) = poll(&mut pending) {
                    return Some(answer);
                }
            }
            None
        }
    }));
    match answer {
        Err(panic) => format!("panic {}", panic.downcast_ref::<&str>().expect("words")),
        Ok(None) => "goes on".into(),
        Ok(Some(answer)) => text(answer).unwrap_or_else(|error| error.to_string()),
    }
}

#[test]
fn every_end_is_told_once() {
    let notes = Notes::default();
    let service = methods().layer(HooksLayer::new().after(notes.after()));
    let cases = [
        ("value", "1", "Answered"),
        ("fail", "no (code 9)", "no (code 9)"),
        ("panic", "panic at once", "Panicked"),
        ("value later", "1", "Answered"),
        ("fail later", "no (code 9)", "no (code 9)"),
        ("panic later", "panic later", "Panicked"),
        ("never", "goes on", "Dropped"),
        ("none", "method not found: none (code -32601)", "method not found: none (code -32601)"),
    ];
    for format in FORMATS {
        for (method, answer, end) in cases {
            assert_eq!(run(&service, &call(format, method, false)), answer);
            assert_eq!(notes.take(), [format!("{method} 0ns {end}")]);
        }
    }
    // Notifications end in the same ways, though nobody hears of it.
    for (method, answer, end) in cases {
        let answered = run(&service, &call(Format::Json, method, true));
        let silent = !matches!(answer, "goes on" | "panic at once" | "panic later")
            && method != "fail later";
        assert_eq!(answered, if silent { "nothing" } else { answer }, "{method}");
        assert_eq!(notes.take(), [format!("~{method} 0ns {end}")]);
    }
    // What does not encode is an error too, and without a clock there is no time.
    let error = Call::new(Format::Json, "bad", "").error(&service);
    assert_eq!(notes.take(), [format!("bad ? {error} (code {})", Code::UNSENDABLE)]);
}

/// Forgets to answer.
struct Mute;

impl Service for Mute {
    fn start(&self, _: &mut Invocation<'_, '_>, _: &mut ReplyTo<'_>) -> Started {
        Started::Done
    }
}

#[test]
fn no_answer_is_an_error_to_whoever_waits_for_one() {
    let notes = Notes::default();
    let service = Mute.layer(HooksLayer::new().after(notes.after()));
    for notification in [false, true] {
        _ = call(Format::Json, "any", notification).start(&service);
    }
    assert_eq!(notes.take(), ["any 0ns internal error (code -32603)", "~any 0ns Answered"]);
}

#[test]
fn before_may_refuse() {
    let (notes, ran) = (Notes::default(), Arc::new(AtomicUsize::default()));
    let counted = Arc::clone(&ran);
    let hooks = HooksLayer::new().before(|invocation| match invocation.method {
        "closed" => Err(RpcError::new(403, format!("not for {}", invocation.scope.peer))),
        _ => Ok(()),
    });
    let methods = || {
        let counted = Arc::clone(&counted);
        Dispatcher::new()
            .method("open", || 1)
            .method("closed", move || counted.fetch_add(1, Relaxed))
    };
    let plain = methods().layer(hooks);
    let watched = methods().layer(
        HooksLayer::new().before(|_| Err(RpcError::new(403, "closed"))).after(notes.after()),
    );
    let json = |method| call(Format::Json, method, false);
    assert_eq!(run(&plain, &json("open")), "1");
    assert_eq!(run(&plain, &json("closed")), "not for memory (code 403)");
    assert_eq!(run(&plain, &call(Format::Json, "closed", true)), "nothing");
    assert_eq!(run(&watched, &json("open")), "closed (code 403)");
    assert_eq!(notes.take(), ["open 0ns closed (code 403)"]);
    assert_eq!(ran.load(Relaxed), 0);
}

#[test]
fn errors_become_what_is_made_of_them() {
    let notes = Notes::default();
    let named = |name: &'static str| {
        HooksLayer::new()
            .map_error(move |error| RpcError::new(error.code, format!("{name}({})", error.message)))
    };
    let service = methods()
        .layer(named("inner").before(|invocation| match invocation.method {
            "closed" => Err(RpcError::new(403, "closed")),
            _ => Ok(()),
        }))
        .layer(named("outer").after(notes.after()));
    let cases = [
        ("value", "1"),
        ("value later", "1"),
        ("fail", "outer(inner(no)) (code 9)"),
        ("fail later", "outer(inner(no)) (code 9)"),
        ("closed", "outer(inner(closed)) (code 403)"),
        ("none", "outer(inner(method not found: none)) (code -32601)"),
        ("panic", "panic at once"),
    ];
    for (method, answer) in cases {
        assert_eq!(run(&service, &call(Format::Json, method, false)), answer);
        let told = notes.take().concat();
        if answer.contains("code") {
            assert_eq!(told, format!("{method} 0ns {answer}"));
        }
    }
    let bad = run(&service, &call(Format::Json, "bad", false));
    assert!(bad.starts_with("outer(inner(the result cannot be encoded"), "{bad}");
}

#[test]
fn hooks_that_panic_fail_their_call() {
    let service = |hooks: HooksLayer| methods().layer(hooks);
    let json = |method| call(Format::Json, method, false);
    for method in ["value", "value later"] {
        let service = service(HooksLayer::new().after(|_| panic!("after")));
        assert_eq!(run(&service, &json(method)), "panic after");
    }
    let before = service(HooksLayer::new().before(|_| panic!("before")));
    assert_eq!(run(&before, &json("value")), "panic before");
    let notes = Notes::default();
    let map = HooksLayer::new().map_error(|_| panic!("map")).after(notes.after());
    let map = service(map);
    for method in ["fail", "fail later"] {
        assert_eq!(run(&map, &json(method)), "panic map");
        assert_eq!(notes.take(), [format!("{method} 0ns Panicked")]);
    }
    // A panic while a call is dropped stays inside.
    let dropped = service(HooksLayer::new().after(|_| panic!("dropped")));
    assert_eq!(run(&dropped, &json("never")), "goes on");
}

#[test]
fn what_the_connection_cannot_take_is_an_error() {
    let notes = Notes::default();
    let hooks = HooksLayer::new().map_error(|_| RpcError::server("y".repeat(1000)));
    let service = Dispatcher::new()
        .method("large", || "x".repeat(1000))
        .method("fail", || Err::<u8, _>(RpcError::server("small")))
        .layer(hooks.after(notes.after()));
    let endpoint = Endpoint::with_limits(service, JsonRpc, Limits::smallest());
    for method in ["large", "fail"] {
        let call = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}"}}"#);
        let Dispatched::Ready(Some(answer)) = endpoint.dispatch_now(call) else {
            panic!("it goes on")
        };
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("-32013") && answer.contains("max_message"), "{answer}");
        assert_eq!(notes.take(), [format!("{method} ? the answer is over a limit (code -32013)")]);
    }
}
