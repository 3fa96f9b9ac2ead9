//! The examples of the specifications, and what stock peers were seen to send, to our server.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst},
};

use tinyrpc::{Dispatcher, RpcError};

use crate::{
    data,
    server::Way,
    transcript::{exchanges, same},
    value::Value,
    wire::Wire,
};

/// What the files describe at their tops, and how often methods that answer nobody were called.
fn service(notified: &Arc<AtomicUsize>) -> Dispatcher {
    let count = |notified: &Arc<AtomicUsize>| {
        let notified = Arc::clone(notified);
        move || _ = notified.fetch_add(1, SeqCst)
    };
    let (hello, sum, update) = (count(notified), count(notified), count(notified));
    let noted = Arc::new(AtomicI64::new(0));
    let note = Arc::clone(&noted);
    Dispatcher::new()
        .method("subtract", |minuend: i64, subtrahend: i64| minuend - subtrahend)
        .params(["minuend", "subtrahend"])
        .method("update", move |_: i64, _: i64, _: i64, _: i64, _: i64| update())
        .method("sum", |a: i64, b: Option<i64>, c: Option<i64>| {
            a + b.unwrap_or_default() + c.unwrap_or_default()
        })
        .method("get_data", || ("hello", 5))
        .method("notify_hello", move |_: i64| hello())
        .method("notify_sum", move |_: i64, _: i64, _: i64| sum())
        .method("add", |a: i64, b: i64| a + b)
        .params(["a", "b"])
        .method("echo", |value: Value| value)
        .method("nothing", || {})
        .method("fail", || Err::<(), _>(RpcError::server("it failed")))
        .method("note", move |n: i64| _ = note.fetch_add(n, SeqCst))
        .method("noted", move || noted.load(SeqCst))
}

#[track_caller]
fn replay(file: &str, wire: Wire, ways: &[Way], at_least: usize, notifications: usize) {
    let exchanges = exchanges(&data(file), wire).expect("the data is valid");
    assert!(exchanges.len() >= at_least, "{file}: only {} exchanges", exchanges.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        for &way in ways {
            let notified = Arc::default();
            let mut served = way.serve(wire, service(&notified)).await;
            for exchange in &exchanges {
                let (got, closed) = served.exchange(wire, &exchange.sent).await;
                let at = format!("{file}:{} over {way:?}", exchange.line);
                assert!(!closed, "{at}: the connection is closed");
                assert!(
                    same(&exchange.answers, &got, exchange.unordered),
                    "{at}: got {:?}, expected {:?}",
                    got.iter().map(|one| String::from_utf8_lossy(one)).collect::<Vec<_>>(),
                    exchange.answers,
                );
            }
            assert_eq!(notified.load(SeqCst), notifications, "{file} over {way:?}: executed");
        }
    });
}

fn json(file: &str, at_least: usize, notifications: usize) {
    let ways = [&Way::ALL[..], &[Way::Lines]].concat();
    replay(&format!("jsonrpc/{file}.transcript"), Wire::Json, &ways, at_least, notifications);
}

#[test]
fn jsonrpc_calls() {
    json("spec_calls", 6, 1);
}

#[test]
fn jsonrpc_errors() {
    json("spec_errors", 3, 0);
}

#[test]
fn jsonrpc_batches() {
    json("spec_batches", 6, 3);
}

#[test]
fn msgpack_specification() {
    replay("msgpack/spec.transcript", Wire::MessagePack, &Way::ALL, 10, 0);
}

#[test]
fn msgpack_quirks() {
    replay("msgpack/quirks.transcript", Wire::MessagePack, &Way::ALL, 30, 0);
}
