//! pika 1.4, RabbitMQ for Python, with which programs speak JSON-RPC and MessagePack-RPC by hand.
//!
//! | | its client | its server |
//! |---|---|---|
//! | messages | of both protocols in one queue, by their content type or by their first byte | as the client sends them |
//! | where answers go | a queue of its own, or RabbitMQ's direct reply-to | where the message says |
//! | ids | the same in all messages: correlation ids tell them apart | echoed |
//! | calls in flight | hundreds, answered in any order | one after the other |
//! | notifications | with a place for an answer and without: run once, never answered | run once |
//! | streams | both ways, written from `docs/extensions.md` alone | both ways, likewise |
//! | mischief | calls without a place for the answer, or whose place is gone | answers that nobody waits for, and one answer twice |

use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use tinyrpc::{Context, Dispatcher, Input, Outcome, RpcError, Server, connect};
use tokio::process::Command;

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, their_client_as_told, within},
    queue::Queue,
};

async fn both(name: &str) -> Option<(Kit, Queue)> {
    Some((Kit::get("pika")?, Queue::get(name).await?))
}

fn program(kit: &Kit, script: &str, queue: &Queue) -> Command {
    let mut command = kit.python(script);
    command.args([queue.broker, &queue.name]);
    command
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some((kit, queue)) = both("pika-client").await else { return };
    let server = queue.serve("").await;
    their_client_as_told(program(&kit, "client.py", &queue), 9).await;
    within(server.shutdown()).await;
    // All of it is acknowledged.
    let left = within(program(&kit, "left.py", &queue).output()).await.expect("it starts");
    assert_eq!(String::from_utf8_lossy(&left.stdout).trim(), "0 0", "consumers and messages");
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some((kit, queue)) = both("pika-server").await else { return };
    let _server = TheirServer::start(program(&kit, "server.py", &queue)).await;
    for protocol in ["jsonrpc", "msgpack"] {
        let client = connect(queue.url(protocol)).await.expect("there is a broker");
        within(async {
            checks::integers(&client, 63).await;
            checks::texts(&client, 300_000).await;
            checks::values(&client).await;
            checks::mismatch(&client).await;
            checks::notifications(&client).await;
            checks::pipelining(&client, 100_000).await;
            for _ in 0..20 {
                let done: String = client.call("mischief", ()).await.expect("an answer");
                assert_eq!(done, "done");
            }
            let error = client.call::<_, i64>("nosuch", ()).await.expect_err("an error");
            assert!(error.as_rpc().is_some_and(|rpc| rpc.message.contains("KeyError")), "{error}");
            checks::alive(&client).await;
        })
        .await;
    }
}

/// Streams both ways. Whoever holds `alive` counts its handlers.
fn streaming(alive: &Arc<()>) -> Dispatcher {
    let alive = Arc::clone(alive);
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .stream("count", |to: u64| stream::iter(0..to))
        .stream("endless", move || {
            let alive = Arc::clone(&alive);
            stream::iter(0_u64..).inspect(move |_| _ = &alive)
        })
        .method("sum", async |context: Context| {
            let (mut numbers, mut sum) = (context.input::<u64>(), 0);
            while let Some(number) = numbers.next().await {
                sum += number?;
            }
            Ok::<_, RpcError>(sum)
        })
        .stream("double", |context: Context| {
            let numbers: Input<u64> = context.input();
            numbers.map(|number| number.map(|number| 2 * number))
        })
}

#[tokio::test]
async fn their_client_streams_from_our_server() {
    let Some((kit, queue)) = both("pika-streams-client").await else { return };
    let alive = Arc::new(());
    let server = Server::new(streaming(&alive)).listen(queue.url("")).await;
    let server = server.expect("there is a broker");
    their_client_as_told(program(&kit, "stream_client.py", &queue), 6).await;
    // The service has one of them; a handler of a caller without a queue ends a minute later.
    within(async {
        while Arc::strong_count(&alive) > 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    within(async {
        server.close();
        server.stopped().await;
    })
    .await;
    let left = within(program(&kit, "left.py", &queue).output()).await.expect("it starts");
    assert_eq!(String::from_utf8_lossy(&left.stdout).trim(), "0 0", "consumers and messages");
}

#[tokio::test]
async fn our_client_streams_from_their_server() {
    let Some((kit, queue)) = both("pika-streams-server").await else { return };
    let _server = TheirServer::start(program(&kit, "stream_server.py", &queue)).await;
    for (protocol, options) in [
        ("jsonrpc", ""),
        ("msgpack", ""),
        ("jsonrpc", "&reply=direct"),
        ("msgpack", "&reply=direct"),
    ] {
        let client = connect(format!("{}{options}", queue.url(protocol))).await.expect("a broker");
        within(async {
            let numbers = client.stream::<_, u64>("count", (3_000,)).await.expect("it is sent");
            let numbers: Vec<_> = numbers.map(|number| number.expect("a number")).collect().await;
            assert_eq!(numbers, (0..3_000).collect::<Vec<_>>());

            let (sender, sum) = client.upload::<_, u64, u64>("sum", ()).await.expect("it is sent");
            for number in 0..500 {
                sender.send(number).await.expect("it takes it");
            }
            sender.close();
            assert_eq!(sum.await.expect("a sum"), 250 * 499);

            let (sender, mut doubles) =
                client.duplex::<_, u64, u64>("double", ()).await.expect("it is sent");
            for number in 0..50 {
                sender.send(number).await.expect("it takes it");
                let double = doubles.next().await.expect("a value").expect("a number");
                assert_eq!(double, 2 * number);
            }
            sender.close();
            assert!(doubles.next().await.is_none());

            // What nobody reads is not sent.
            let before: u64 = client.call("sent", ()).await.expect("a count");
            let mut numbers =
                client.stream::<_, u64>("endless", ()).window(7, 1_000).await.expect("it is sent");
            assert_eq!(numbers.next().await.expect("a value").expect("a number"), 0);
            for _ in 0..20 {
                let sent: u64 = client.call("sent", ()).await.expect("a count");
                assert!(sent - before <= 8, "{sent} behind {before}");
            }
            assert_eq!(client.call::<_, u64>("running", ()).await.expect("a count"), 1);
            drop(numbers);
            while client.call::<_, u64>("running", ()).await.expect("a count") > 0 {}

            let mut lost = client.stream::<_, u64>("lose", ()).await.expect("it is sent");
            assert_eq!(lost.next().await.expect("a value").expect("a number"), 0);
            let error = lost.next().await.expect("an end").expect_err("no answer comes");
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
            assert_eq!(client.call::<_, i64>("add", (20, 22)).await.expect("a sum"), 42);
        })
        .await;
    }
}
