//! Params of every form, in every format.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tinyrpc_core::{Format, Payload};

use crate::{
    Dispatcher,
    testing::{Call, FORMATS, check, encode},
};

#[derive(Deserialize)]
struct Point {
    x: i64,
    y: i64,
}

fn service() -> Dispatcher {
    Dispatcher::new()
        .method("none", || "none")
        .method("add", |a: i64, b: i64| a + b)
        .method("sub", |a: i64, b: i64| a - b)
        .params(["a", "b"])
        .method("one", |a: i64| a)
        .method("one_named", |a: i64| a)
        .params(["a"])
        .method("point", |p: Point| p.x + p.y)
        .method("point_named", |p: Point| p.x + p.y)
        .params(["p"])
        .method("maybe", |a: Option<i64>| a.unwrap_or(-1))
        .method("some", |a: i64, b: Option<i64>, c: Option<String>| (a, b, c))
        .params(["a", "b", "c"])
        .method("gap", |a: Option<i64>, b: i64| (a, b))
        .params(["a", "b"])
        .method("list", |all: Vec<i64>| all.len())
        .method("value", |value: Value| value)
        .method("map", |map: BTreeMap<String, i64>| map.len())
        .params(["map"])
        .method("unit", |(): ()| "unit")
        .method("twelve", twelve)
}

#[expect(clippy::too_many_arguments, reason = "as many as there may be")]
fn twelve(
    a: i8,
    b: i16,
    c: i32,
    d: i64,
    e: u8,
    f: u16,
    g: u32,
    h: u64,
    i: f32,
    j: f64,
    k: bool,
    l: Option<char>,
) -> String {
    format!("{a} {b} {c} {d} {e} {f} {g} {h} {i} {j} {k} {l:?}")
}

#[test]
fn positional() {
    let service = service();
    check(&service, "none", "[]", r#""none""#);
    check(&service, "add", "[2, 3]", "5");
    check(&service, "sub", "[2, 3]", "-1");
    check(&service, "one", "[2]", "2");
    check(&service, "one_named", "[2]", "2");
    check(&service, "point", r#"[{"x": 1, "y": 2}]"#, "3");
    check(&service, "point", "[[1, 2]]", "3");
    check(&service, "list", "[[1, 2, 3]]", "3");
    check(&service, "unit", "[null]", r#""unit""#);
    check(&service, "gap", "[null, 1]", "[null,1]");
    check(
        &service,
        "twelve",
        "[1, 2, 3, 4, 5, 6, 7, 8, 9.5, 10.5, true]",
        r#""1 2 3 4 5 6 7 8 9.5 10.5 true None""#,
    );
}

#[test]
fn positional_that_do_not_fit() {
    let service = service();
    check(&service, "none", "[1]", "-32602: expected 0 params, found 1");
    check(&service, "one", "[1, 2]", "-32602: expected 1 param, found 2");
    check(&service, "add", "[1, 2, 3]", "-32602: expected 2 params, found 3");
    check(&service, "add", r#"["1", 2, 3, 4]"#, "-32602: expected 2 params, found 4");
    check(&service, "some", "[1, 2, \"3\", 4]", "-32602: expected 1 to 3 params, found 4");
    check(&service, "add", "[1]", "-32602: missing param 2: expected i64");
    check(&service, "sub", "[1]", "-32602: missing param 2 `b`: expected i64");
    check(&service, "sub", "[]", "-32602: missing param 1 `a`: expected i64");
    check(&service, "gap", "[1]", "-32602: missing param 2 `b`: expected i64");
    check(&service, "point", "[]", "-32602: missing param 1: expected struct Point");
    check(&service, "list", "[1, 2]", "-32602: expected 1 param, found 2");
    check(&service, "add", "3", "-32602: params must be a sequence or a map");
}

#[test]
fn absent() {
    let service = service();
    for nothing in ["", "null", "[]"] {
        check(&service, "none", nothing, r#""none""#);
        check(&service, "maybe", nothing, "-1");
        check(&service, "one", nothing, "-32602: missing param 1: expected i64");
        check(&service, "add", nothing, "-32602: missing param 1: expected i64");
        check(&service, "sub", nothing, "-32602: missing param 1 `a`: expected i64");
        check(&service, "unit", nothing, "-32602: missing param 1: expected unit");
    }
    check(&service, "some", "[1]", "[1,null,null]");
    check(&service, "some", "[1, null]", "[1,null,null]");
    check(&service, "some", "[1, 2]", "[1,2,null]");
}

#[test]
fn named() {
    let service = service();
    check(&service, "none", "{}", r#""none""#);
    check(&service, "sub", r#"{"a": 2, "b": 3}"#, "-1");
    check(&service, "sub", r#"{"b": 3, "a": 2}"#, "-1");
    check(&service, "one_named", r#"{"a": 2}"#, "2");
    check(&service, "some", r#"{"c": "x", "a": 1}"#, r#"[1,null,"x"]"#);
    check(&service, "gap", r#"{"b": 1}"#, "[null,1]");
}

#[test]
fn named_that_do_not_fit() {
    let service = service();
    let sub = |params, expected| check(&service, "sub", params, expected);
    sub(r#"{"a": 2}"#, "-32602: missing param 2 `b`: expected i64");
    sub("{}", "-32602: missing param 1 `a`: expected i64");
    sub(r#"{"a": 2, "b": 3, "c\n": [4]}"#, r"-32602: unknown param `c\n`, expected `a`, `b`");
    check(&service, "none", r#"{"a": 2}"#, "-32602: unknown param `a`: the method has no params");
    let undeclared = "-32602: named params, but the names are not known: the server declares them \
                      with `.params([..])`; without, the method takes 2 positional params";
    check(&service, "add", r#"{"a": 2, "b": 3}"#, undeclared);
}

#[test]
fn a_name_is_given_twice() {
    let payloads = [
        (Format::Json, br#"{"a": 1, "b": 2, "a": 3}"#.to_vec()),
        (Format::MsgPack, b"\x83\xa1a\x01\xa1b\x02\xa1a\x03".to_vec()),
    ];
    for (format, bytes) in payloads {
        let params = Payload { bytes: bytes.into(), format };
        let call = Call { params, ..Call::new(format, "sub", "") };
        assert_eq!(call.error(&service()), "param 1 `a` is given twice");
    }
}

#[test]
fn names_may_be_bin() {
    let params =
        Payload { bytes: b"\x82\xc4\x01a\x05\xa1b\x02"[..].into(), format: Format::MsgPack };
    let call = Call { params, ..Call::new(Format::MsgPack, "sub", "") };
    assert_eq!(call.answer(&service()).expect("an answer"), "3");
}

#[test]
fn the_only_param_receives_the_whole_object() {
    let service = service();
    check(&service, "point", r#"{"x": 1, "y": 2}"#, "3");
    check(&service, "value", r#"{"x": [1]}"#, r#"{"x":[1]}"#);
    check(&service, "value", "{}", "{}");
    check(&service, "point", r#"{"x": 1}"#, "-32602: params: missing field `y`");
}

#[test]
fn a_map_in_a_sequence_of_one() {
    let service = service();
    check(&service, "sub", r#"[{"b": 3, "a": 2}]"#, "-1");
    check(&service, "sub", r#"[{"a": 2}]"#, "-32602: missing param 2 `b`: expected i64");
    check(&service, "one_named", r#"[{"a": 2}]"#, "2");
    check(&service, "some", r#"[{"a": 1, "c": "x"}]"#, r#"[1,null,"x"]"#);
    // What fits the first param is the first param.
    check(&service, "point_named", r#"[{"x": 1, "y": 2}]"#, "3");
    check(&service, "point_named", r#"[{"p": {"x": 1, "y": 2}}]"#, "3");
    check(&service, "map", r#"[{"map": 1}]"#, "1");
    check(&service, "map", r#"[{"map": {}}]"#, "0");
    // Errors speak of the form that was probably meant.
    for format in FORMATS {
        let call = Call::new(format, "point_named", r#"[{"x": 1, "y": "2"}]"#);
        let message = call.error(&service);
        assert!(message.starts_with("params[0].y: invalid type: string"), "{message}");
        let call = Call::new(format, "sub", r#"[{"a": 1, "b": "2"}]"#);
        let message = call.error(&service);
        assert!(message.starts_with("params[0].b: invalid type: string"), "{message}");
    }
}

#[test]
fn white_space_means_nothing() {
    for params in [" [ 2 , 3 ] ", " [ { \"b\" : 3 , \"a\" : 2 } ] ", "\n{\"a\":2,\"b\":3}\t"] {
        let params = Payload { bytes: params.into(), format: Format::Json };
        let call = Call { params, ..Call::new(Format::Json, "sub", "") };
        assert_eq!(call.answer(&service()).expect("an answer"), "-1");
    }
}

#[test]
fn a_fault_has_a_path() {
    for format in FORMATS {
        let faults = [
            ("add", r#"[1, "x"]"#, "params[1]: invalid type: string"),
            ("sub", r#"{"a": 1, "b": "x"}"#, "params.b: invalid type: string"),
            ("sub", r#"[{"b": 3, "a": 2}, 4]"#, "params[0]: invalid type: map"),
            ("point", r#"[{"x": 1, "y": "x"}]"#, "params[0].y: invalid type: string"),
            ("point", r#"{"x": 1, "y": "x"}"#, "params.y: invalid type: string"),
            ("maybe", r#"{"x": 1}"#, "params: invalid type: map"),
            ("list", r#"[[1, 2, "x"]]"#, "params[0][2]: invalid type: string"),
        ];
        for (method, params, expected) in faults {
            let message = Call::new(format, method, params).error(&service());
            assert!(message.starts_with(expected), "{method} {params}: {message}");
        }
    }
}

#[test]
fn positional_and_named_together() {
    let mixed = |positional, named| {
        FORMATS.map(|format| {
            let named = Some(encode(format, named));
            let call = Call { named, ..Call::new(format, "some", positional) };
            call.answer(&service()).unwrap_or_else(|error| error.message.into())
        })
    };
    let check = |positional, named, expected: &str| {
        assert_eq!(mixed(positional, named), [expected, expected], "{positional} {named}");
    };
    check("[1]", r#"{"c": "x"}"#, r#"[1,null,"x"]"#);
    check("", r#"{"c": "x", "a": 2}"#, r#"[2,null,"x"]"#);
    check("[1]", "{}", "[1,null,null]");
    check("[1]", r#"{"a": 2}"#, "param 1 `a` is given twice");
    check("[1]", r#"{"d": 2}"#, "unknown param `d`, expected `a`, `b`, `c`");
    check("[]", r#"{"c": "x"}"#, "missing param 1 `a`: expected i64");
    check("[1]", "", "[1,null,null]");
    check("[1]", "null", "[1,null,null]");
    check("[1]", "2", "params must be a sequence or a map");
}
