//! Our server of JSON-RPC 1.x in the place of bjsonrpc's: what its client sent, and what it got.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value as Json;
use tinyrpc::{
    Dispatcher, Limits, RpcError,
    protocols::{JsonRpc1, Protocol},
    transports::Shape,
};

use crate::{
    bench::Bench,
    recordings::{BJSONRPC, Vector},
};

/// What has to do with remote objects, and with calls of the server.
const OTHERS: &[&str] =
    &["remote_", "object_", "function_", "method_reference", "bad_object", "bidirectional_"];

/// Errors whose words are ours.
const OWN_WORDS: &[&str] =
    &["error_unknown_method", "raw_wrong_argc", "raw_private", "raw_onechar"];

fn service() -> Dispatcher {
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .params(["a", "b"])
        .method("none", || {})
        .method("echo", |value: Json| value)
        .method("getabc", |a: Json, b: Option<Json>, c: Option<Json>| (a, b, c))
        .params(["a", "b", "c"])
        .method("kw", |a: i64, b: i64, x: i64| ((a, b), BTreeMap::from([("x", x)])))
        .params(["a", "b", "x"])
        .method("boom", || Err::<(), _>(RpcError::server("ValueError: bad thing")))
        .method("serr", || Err::<(), _>(RpcError::server("custom")))
}

fn lines(parts: &[Vec<u8>]) -> Vec<Json> {
    let text = String::from_utf8(parts.join(&b'\n')).expect("text");
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn answers(vector: &Vector, step: usize) -> Vec<Json> {
    let protocols = vec![Arc::new(JsonRpc1) as Arc<dyn Protocol>];
    let mut bench = Bench::new(service(), protocols, Shape::Stream, None, Limits::default());
    for sent in &vector.sent {
        bench.give_in_steps(sent, step);
    }
    assert!(!bench.is_closed(), "{}", vector.name);
    lines(&bench.take())
}

#[test]
fn bjsonrpc() {
    let mut seen = 0;
    for vector in &BJSONRPC.read() {
        if OTHERS.iter().any(|other| vector.name.starts_with(other)) {
            continue;
        }
        for step in [usize::MAX, 1] {
            let mut ours = answers(vector, step);
            let mut recorded = lines(&vector.answers);
            if vector.name == "raw_bad_json" {
                // The real server says nothing.
                let error = ours.pop().expect("an answer");
                assert_eq!(
                    (&error["error"]["code"], &error["id"]),
                    (&(-32700).into(), &Json::Null)
                );
            }
            if OWN_WORDS.contains(&&*vector.name) {
                for answer in ours.iter_mut().chain(&mut recorded) {
                    assert!(!answer["error"].take().is_null(), "{}", vector.name);
                }
            }
            assert_eq!(ours, recorded, "{} in steps of {step}", vector.name);
        }
        seen += 1;
    }
    assert_eq!(seen, 22);
}
