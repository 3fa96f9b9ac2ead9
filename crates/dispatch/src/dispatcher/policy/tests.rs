//! Params that are too many, and checks of one's own.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use serde::Deserialize;
use serde_json::Value;
use tinyrpc_core::{Code, Format, Payload, RpcError};

use super::Surplus;
use crate::{
    Dispatcher, Invocation, Method,
    testing::{Call, FORMATS, check, encode},
};

#[derive(Deserialize)]
struct Point {
    x: i64,
    y: i64,
}

fn service(surplus: Surplus) -> Dispatcher {
    Dispatcher::new()
        .method("none", || "none")
        .method("add", |a: i64, b: i64| a + b)
        .surplus(surplus)
        .method("sub", |a: i64, b: i64| a - b)
        .params(["a", "b"])
        .method("one", |a: i64| a)
        .params(["a"])
        .method("some", |a: i64, b: Option<i64>| (a, b))
        .params(["a", "b"])
        .method("point", |p: Point| p.x + p.y)
        .params(["p"])
        .method("value", |value: Value| value)
}

#[test]
fn what_is_too_much() {
    const SUB: &str = "-32602: unknown param `c`, expected `a`, `b`";
    const UNDECLARED: &str = "-32602: named params, but the names are not known: the server \
                              declares them with `.params([..])`; without, the method takes 2 \
                              positional params";
    // What each policy answers: refuse, ignore named ones, ignore all.
    let cases = [
        ("sub", r#"{"a": 2, "b": 3, "c": [4]}"#, [SUB, "-1", "-1"]),
        ("sub", r#"{"c": {"a": 7}, "b": 3, "a": 2}"#, [SUB, "-1", "-1"]),
        ("sub", r#"[{"a": 2, "b": 3, "c": 4}]"#, ["", "-1", "-1"]),
        ("sub", r#"{"a": 2, "c": 4}"#, [SUB, MISSING_B, MISSING_B]),
        ("sub", "[2, 3, 4]", ["-32602: expected 2 params, found 3"; 2].with("-1")),
        ("add", "[2, 3, null, {}]", ["-32602: expected 2 params, found 4"; 2].with("5")),
        ("add", r#"{"a": 2, "b": 3}"#, [UNDECLARED; 3]),
        (
            "none",
            r#"{"a": 1}"#,
            ["-32602: unknown param `a`: the method has no params", NONE, NONE],
        ),
        ("none", "[1]", ["-32602: expected 0 params, found 1"; 2].with(NONE)),
        ("some", r#"[{"a": 1, "c": 2}]"#, ["", "[1,null]", "[1,null]"]),
        ("one", r#"[{"a": 1, "c": 2}]"#, ["", "1", "1"]),
        // A map without any of the names was meant as a value.
        ("point", r#"[{"x": 1, "y": 2}]"#, ["3"; 3]),
        ("point", r#"[{"p": {"x": 1, "y": 2}, "q": 0}]"#, ["", "3", "3"]),
        ("one", r#"[{"c": 2}]"#, [""; 3]),
        // The whole object is the param: what is too much in it, its type decides.
        ("value", r#"{"a": 1}"#, [r#"{"a":1}"#; 3]),
        ("value", "[1, 2]", ["-32602: expected 1 param, found 2"; 2].with("1")),
    ];
    for (index, surplus) in
        [Surplus::Refuse, Surplus::IgnoreNamed, Surplus::Ignore].into_iter().enumerate()
    {
        let service = service(surplus);
        for (method, params, expected) in cases {
            match expected[index] {
                // Refused in words that differ from format to format.
                "" => FORMATS.into_iter().for_each(|format| {
                    let answer = Call::new(format, method, params).answer(&service);
                    let error = answer.expect_err("a refusal");
                    assert_eq!(error.code, Code::INVALID_PARAMS, "{method} {params}");
                }),
                expected => check(&service, method, params, expected),
            }
        }
    }
}

const MISSING_B: &str = "-32602: missing param 2 `b`: expected i64";
const NONE: &str = r#""none""#;

/// What two policies answer, and then what the third does.
trait With {
    fn with(self, last: &'static str) -> [&'static str; 3];
}

impl With for [&'static str; 2] {
    fn with(self, last: &'static str) -> [&'static str; 3] {
        [self[0], self[1], last]
    }
}

#[test]
fn what_is_wrong_is_still_told() {
    for surplus in [Surplus::IgnoreNamed, Surplus::Ignore] {
        let service = service(surplus);
        for format in FORMATS {
            let error = Call::new(format, "add", r#"[1, "x", 3]"#).error(&service);
            let expected = match surplus {
                Surplus::Ignore => "params[1]: invalid type: string",
                _ => "expected 2 params, found 3",
            };
            assert!(error.starts_with(expected), "{error}");
            let named = Some(encode(format, r#"{"b": 2, "c": 3}"#));
            let mixed = Call { named, ..Call::new(format, "some", "[1]") };
            assert_eq!(mixed.answer(&service).expect("an answer"), "[1,2]");
        }
        let bytes = br#"{"a": 1, "c": 0, "b": 2, "a": 3}"#;
        let params = Payload { bytes: bytes[..].into(), format: Format::Json };
        let call = Call { params, ..Call::new(Format::Json, "sub", "") };
        assert_eq!(call.error(&service), "param 1 `a` is given twice");
    }
}

#[test]
fn a_check_sees_what_was_called() {
    let asked = Arc::new(AtomicUsize::default());
    let counted = Arc::clone(&asked);
    let check_all = move |invocation: &Invocation<'_, '_>, method: &Method| {
        counted.fetch_add(1, Relaxed);
        let given = invocation.request.params.decode::<Vec<Value>>();
        match given {
            Ok(given) if given.len() > 1 => Err(RpcError::invalid_params(format!(
                "{}({}) of {} was given {} at once",
                invocation.method,
                method.names().unwrap_or_default().join(", "),
                method.arity(),
                given.len(),
            ))),
            _ => Ok(()),
        }
    };
    let nested = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    let inner = Dispatcher::new()
        .method("sub", |a: i64, b: i64| a - b)
        .params(["a", "b"])
        .validate(check_all)
        .nest("nested.", nested);
    let service = Dispatcher::new().nest("in.", inner.clone());
    check(&service, "in.sub", r#"{"a": 5, "b": 3}"#, "2");
    check(&service, "in.sub", "[5, 3]", "-32602: sub(a, b) of 2 was given 2 at once");
    assert_eq!(asked.load(Relaxed), 4, "two formats");
    // Nested services have their own rules, and names that are not there have none.
    check(&service, "in.nested.add", "[1, 2]", "3");
    check(&service, "in.none", "[1, 2]", "-32601: method not found: in.none");
    assert_eq!(asked.load(Relaxed), 4);
    // Methods that come later are no exception.
    inner.handle().try_insert("late", |a: i64, b: i64| a * b).expect("a free name");
    check(&service, "in.late", "[5, 3]", "-32602: late() of 2 was given 2 at once");
    let note = Call { notification: true, ..Call::new(Format::Json, "in.sub", "[5, 3]") };
    assert_eq!(note.answer(&service).expect("silence"), "nothing");
    assert_eq!(asked.load(Relaxed), 7);
}

#[test]
#[should_panic(expected = "said before")]
fn surplus_is_said_once() {
    drop(Dispatcher::new().surplus(Surplus::Ignore).surplus(Surplus::Refuse));
}

#[test]
#[should_panic(expected = "validates requests already")]
fn a_check_is_set_once() {
    drop(Dispatcher::new().validate(|_, _| Ok(())).validate(|_, _| Ok(())));
}
