//! What both clients check of a server.

use anyhow::{Context, ensure};
use futures_util::{
    future::try_join_all,
    stream::{FuturesUnordered, TryStreamExt},
};
use jsonrpsee::{
    core::{
        ClientError,
        client::ClientT,
        params::{ArrayParams, BatchRequestBuilder, ObjectParams},
        rpc_params,
    },
    types::ErrorObjectOwned,
};
use serde_json::{Value, json};

pub(crate) async fn positional_and_named(client: &impl ClientT) -> anyhow::Result<()> {
    // The first call of a client has the id 0.
    equal(client.request("add", rpc_params![2, 3]).await?, 5)?;
    let mut params = ObjectParams::new();
    params.insert("b", 1_i64 << 40)?;
    params.insert("a", -(1_i64 << 31))?;
    equal(client.request("add", params).await?, (1_i64 << 40) - (1 << 31))
}

pub(crate) async fn values(client: &impl ClientT) -> anyhow::Result<()> {
    let nested = json!({
        "list": [1, [2, [3, ["four", {"five": 5.5}]]], [], {}],
        "k".repeat(40): [null, true, false],
        "map": {"a": {"b": {"c": (0..200).collect::<Vec<_>>()}}},
    });
    let numbers = [json!(1.5), json!(1e300), json!(i64::MAX), json!(i64::MIN), json!(u64::MAX)];
    let others = [json!(null), json!(true), json!([]), json!({}), nested];
    for value in numbers.into_iter().chain(others) {
        equal(client.request("echo", rpc_params![&value]).await?, value)?;
    }
    // Absent params.
    equal(client.request("nothing", ArrayParams::new()).await?, ())
}

pub(crate) async fn texts(client: &impl ClientT) -> anyhow::Result<()> {
    for length in [0, 31, 32, 255, 256, 65_535, 65_536, 300_000] {
        let text = "s".repeat(length);
        equal(client.request("echo", rpc_params![&text]).await?, text)?;
    }
    let text = "grüße, 世界 😀 \"\\\n\t\u{7f}".repeat(20);
    equal(client.request("echo", rpc_params![&text]).await?, text)
}

pub(crate) async fn errors(client: &impl ClientT) -> anyhow::Result<()> {
    let error = error_of(client, "nosuch", rpc_params![1]).await?;
    equal((error.code(), error.message()), (-32601, "method not found: nosuch"))?;
    for params in [rpc_params![1], rpc_params![1, 2, 3], rpc_params![1, "two"]] {
        equal(error_of(client, "add", params).await?.code(), -32602)?;
    }
    let error = error_of(client, "fail", rpc_params![]).await?;
    equal((error.code(), error.message()), (17, "it failed"))?;
    equal(error.data().context("data")?.get(), r#"["why",4711]"#)?;
    equal(client.request("add", rpc_params![20, 22]).await?, 42)
}

pub(crate) async fn notifications(client: &impl ClientT) -> anyhow::Result<()> {
    let before: i64 = client.request("noted", rpc_params![]).await?;
    for n in 1..=100 {
        client.notification("note", rpc_params![n]).await?;
    }
    client.notification("nosuch", rpc_params![1]).await?;
    client.notification("note", rpc_params![]).await?;
    let after: i64 = client.request("noted", rpc_params![]).await?;
    equal(after - before, 5050)
}

pub(crate) async fn calls_at_once(client: &impl ClientT) -> anyhow::Result<()> {
    let calls = (0..200_i64).map(|n| client.request::<i64, _>("add", rpc_params![n, n]));
    equal(try_join_all(calls).await?, (0..200).map(|n| 2 * n).collect())
}

pub(crate) async fn answers_overtake_each_other(client: &impl ClientT) -> anyhow::Result<()> {
    let later = |n: u32| client.request::<u32, _>("later", rpc_params![n, 20 * (8 - n)]);
    let calls: FuturesUnordered<_> = (0..8).map(later).collect();
    let order: Vec<u32> = calls.try_collect().await?;
    ensure!(!order.is_sorted(), "the answers were to overtake each other");
    equal(order.len(), 8)
}

pub(crate) async fn batches(client: &impl ClientT) -> anyhow::Result<()> {
    let mut batch = BatchRequestBuilder::new();
    batch.insert("add", rpc_params![1, 2])?;
    batch.insert("fail", rpc_params![])?;
    batch.insert("echo", rpc_params!["text"])?;
    batch.insert("nosuch", rpc_params![])?;
    let answers = client.batch_request::<Value>(batch).await?;
    let answers: Vec<_> =
        answers.into_iter().map(|answer| answer.map_err(|error| error.code())).collect();
    equal(answers, vec![Ok(json!(3)), Err(17), Ok(json!("text")), Err(-32601)])
}

/// The error that a call is answered with.
async fn error_of(
    client: &impl ClientT,
    method: &str,
    params: ArrayParams,
) -> anyhow::Result<ErrorObjectOwned> {
    match client.request::<Value, _>(method, params).await {
        Err(ClientError::Call(error)) => Ok(error),
        other => anyhow::bail!("{method}: no error, but {other:?}"),
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(got: T, expected: T) -> anyhow::Result<()> {
    ensure!(got == expected, "got {got:?}, expected {expected:?}");
    Ok(())
}
