//! What our client asks every server of theirs. A peer that cannot do all of it picks.

use futures_util::{
    future::join_all,
    stream::{FuturesUnordered, StreamExt},
};
use serde_json::{Value, json};
use tinyrpc::{Caller, Code, Error, Outcome};

/// Integers of up to `bits` bits and a sign, on both sides of every length of theirs.
pub(crate) async fn integers(client: &Caller, bits: u32) {
    let (most, least) = (i64::MAX >> (63 - bits), i64::MIN >> (63 - bits));
    for (a, b) in [(2, 3), (-(1 << 31), 1 << 40), (most, 0), (least, 0), (-32, -33)] {
        assert_eq!(client.call::<_, i64>("add", (a, b)).await.expect("a sum"), a + b);
    }
}

/// Texts of every kind of length up to `longest`, and beyond ASCII.
pub(crate) async fn texts(client: &Caller, longest: usize) {
    for length in [0, 31, 32, 255, 256, 65_535, 65_536, 300_000] {
        if length <= longest {
            echo(client, json!("s".repeat(length))).await;
        }
    }
    echo(client, json!("grüße, 世界 😀 \"\\\n\t\u{7f}".repeat(20))).await;
}

/// Values of every type of JSON, alone and inside each other.
pub(crate) async fn values(client: &Caller) {
    let nested = json!({
        "list": [1, [2, [3, ["four", {"five": 5.5}]]], [], {}],
        "text": "t".repeat(40),
        "k".repeat(40): [null, true, false, 1 << 31, -(1_i64 << 40)],
        "map": {"a": {"b": {"c": (0..200).collect::<Vec<_>>()}}},
    });
    for value in [json!(null), json!(false), json!(1.5), json!([]), json!({}), nested] {
        echo(client, value).await;
    }
    client.call::<_, ()>("nothing", ()).await.expect("nothing");
}

/// Sends a value and gets it back.
pub(crate) async fn echo(client: &Caller, value: Value) {
    let got: Value = client.call("echo", (&value,)).await.expect("the value");
    assert!(got == value, "sent {value}, got {got}");
}

/// An answer that is no error, but not of the type that was asked for.
pub(crate) async fn mismatch(client: &Caller) {
    let error = client.call::<_, i64>("echo", ("text",)).await.expect_err("an error");
    assert!(matches!(error, Error::Mismatch(_)), "{error}");
    alive(client).await;
}

/// A call that goes well.
pub(crate) async fn alive(client: &Caller) {
    assert_eq!(client.call::<_, i64>("add", (20, 22)).await.expect("it lives"), 42);
}

/// A call that the peer answers with an error.
pub(crate) async fn error(client: &Caller, method: &str, params: Value, code: i64, text: &str) {
    let params = params.as_array().expect("a sequence");
    let error = client.call::<_, Value>(method, params).await.expect_err("an error");
    let rpc = error.as_rpc().unwrap_or_else(|| panic!("{method}: no answer: {error}"));
    assert_eq!(rpc.code, Code(code), "{method}: {rpc}");
    assert!(rpc.message.contains(text), "{method}: {rpc}");
    assert_eq!(error.outcome(), Outcome::Answered);
}

/// A hundred notifications, which arrive, and one of a method that is not there.
pub(crate) async fn notifications(client: &Caller) {
    let before: i64 = client.call("noted", ()).await.expect("a count");
    for n in 1..=100 {
        client.notify("note", (n,)).await.expect("it is sent");
    }
    client.notify("nosuch", ()).await.expect("it is sent");
    let after: i64 = client.call("noted", ()).await.expect("a count");
    assert_eq!(after - before, 5050);
}

/// Some notifications, which arrive some time, and may overtake each other and the calls.
pub(crate) async fn notifications_in_any_order(client: &Caller) {
    let noted = async || client.call::<_, i64>("noted", ()).await.expect("a count");
    let before = noted().await;
    for n in 1..=10 {
        client.notify("note", (n,)).await.expect("it is sent");
    }
    client.notify("nosuch", ()).await.expect("it is sent");
    while noted().await - before < 55 {}
    assert_eq!(noted().await - before, 55);
}

/// Calls that are made first and answered last.
pub(crate) async fn overtaking(client: &Caller) {
    let mut calls = FuturesUnordered::new();
    for value in 0..8_u32 {
        let milliseconds = 20 * (8 - value);
        let call = client.call::<_, u32>("later", (value, milliseconds));
        calls.push(call.send().await.expect("it is sent"));
    }
    let mut order = Vec::new();
    while let Some(answer) = calls.next().await {
        order.push(answer.expect("a value"));
    }
    assert_ne!(order, (0..8).collect::<Vec<_>>(), "the answers were to overtake each other");
    order.sort_unstable();
    assert_eq!(order, (0..8).collect::<Vec<_>>());
}

/// Many calls at once, and large ones among them.
pub(crate) async fn pipelining(client: &Caller, large: usize) {
    for round in 0..4_i64 {
        let calls = (0..64).map(|n| client.call::<_, i64>("add", (round * 100, n)));
        for (n, answer) in join_all(calls).await.into_iter().enumerate() {
            assert_eq!(answer.expect("a sum"), round * 100 + n as i64);
        }
    }
    let large = "x".repeat(large);
    let echo = || client.call::<_, String>("echo", (&large,));
    let add = |n| client.call::<_, i64>("add", (n, n));
    let (one, sums, two) = tokio::join!(echo(), join_all((0..64).map(add)), echo());
    assert!(one.expect("a text") == large && two.expect("a text") == large);
    assert!(sums.into_iter().enumerate().all(|(n, sum)| sum.is_ok_and(|s| s == 2 * n as i64)));
}

/// One side calls the other during its call, once, with an error, and many calls deep. The client
/// serves [`service`](crate::service::service).
pub(crate) async fn both_ways(client: &Caller) {
    let asked: Value = client.call("ask", ("add", (20, 22))).await.expect("an answer");
    assert_eq!(asked, json!(42));
    error(client, "ask", json!(["fail", []]), 17, "it failed").await;
    let deep: u32 = client.call("deeper", (12,)).await.expect("a depth");
    assert_eq!(deep, 12);
    let calls = (0..32).map(|n| client.call::<_, Value>("ask", ("add", (n, n))));
    for (n, answer) in join_all(calls).await.into_iter().enumerate() {
        assert_eq!(answer.expect("an answer"), json!(2 * n));
    }
}

/// The peer notifies the client, which serves [`service`](crate::service::service), and then asks
/// it what it knows.
pub(crate) async fn told(client: &Caller) {
    for n in 1..=10 {
        client.call::<_, ()>("tell", ("note", (n,))).await.expect("it is sent");
    }
    let noted: Value = client.call("ask", json!(["noted", []])).await.expect("an answer");
    assert_eq!(noted, json!(55));
}

/// A call with the params `a` and `b` by their names.
pub(crate) async fn named(client: &Caller) {
    let sum: i64 = client.call("add", json!({"b": 22, "a": 20})).await.expect("a sum");
    assert_eq!(sum, 42);
}

/// Calls, notifications and errors in one message.
pub(crate) async fn batch(client: &Caller) {
    let before: i64 = client.call("noted", ()).await.expect("a count");
    batch_but_notes(client).await;
    let after: i64 = client.call("noted", ()).await.expect("a count");
    assert_eq!(after - before, 5);
}

/// The same, where the peer drops notifications.
pub(crate) async fn batch_but_notes(client: &Caller) {
    let mut batch = client.batch();
    let sum = batch.call::<i64>("add", (1, 2)).expect("it encodes");
    batch.notify("note", (5,)).expect("it encodes");
    let failed = batch.call::<Value>("fail", ()).expect("it encodes");
    let text = batch.call::<String>("echo", ("text",)).expect("it encodes");
    let unknown = batch.call::<Value>("nosuch", ()).expect("it encodes");
    let mut answers = batch.send().await.expect("answers");
    assert_eq!(answers.take(sum).expect("a sum"), 3);
    assert_eq!(answers.take(text).expect("a text"), "text");
    for (item, code) in [(failed, 17), (unknown, -32601)] {
        let error = answers.take(item).expect_err("an error");
        assert_eq!(error.as_rpc().map(|error| error.code), Some(Code(code)), "{error}");
    }
}
