//! Calls and notifications by way of a queue.

use std::time::Duration;

use futures_util::future::join_all;
use tinyrpc::{Context, Outcome};

use crate::world::{Count, World, in_time, service};

#[tokio::test]
async fn one_queue_serves_both_protocols() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let _server = world.serve(service(), "").await;
        for options in ["", "&reply=direct"] {
            for protocol in ["jsonrpc", "msgpack"] {
                let client = world.client(protocol, options).await;
                assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
                let calls = (0..200).map(|number| client.call::<_, i64>("add", (number, 1)));
                for (number, sum) in join_all(calls).await.into_iter().enumerate() {
                    assert_eq!(sum.expect("an answer"), number as i64 + 1, "{protocol}{options}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn notifications_return_at_once_and_run_once() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let count = Count::default();
        let counted = count.clone();
        let service = service().method("note", move || {
            counted.add();
        });
        let server = world.serve(service, "").await;
        let client = world.client("msgpack", "").await;
        for _ in 0..100 {
            client.notify("note", ()).await.expect("it is sent");
        }
        count.until(100).await;
        // They are in order with a call behind them, and after it none is run again.
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
        assert!(client.close().await, "the broker has all of it");
        server.shutdown().await;
        assert_eq!(count.get(), 100);
        let hand = world.by_hand().await;
        assert_eq!(hand.count(&world.queue).await, 0, "none is left in the queue");
    })
    .await;
}

#[tokio::test]
async fn no_queue_means_not_executed() {
    let Some(world) = World::new() else { return };
    in_time(async {
        for options in ["", "&reply=direct", "&exchange=amq.direct"] {
            let client = world.client("jsonrpc", options).await;
            let began = std::time::Instant::now();
            let calls = join_all((0..20).map(|_| client.call::<_, i64>("add", (2, 3)))).await;
            for error in calls.into_iter().map(|answer| answer.expect_err("nobody serves")) {
                assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
                assert!(error.to_string().contains("NO_ROUTE"), "{error}");
            }
            assert!(began.elapsed() < Duration::from_secs(10), "they ended by their deadline");
        }
        // The same client goes on once somebody serves.
        let client = world.client("jsonrpc", "").await;
        client.call::<_, i64>("add", (2, 3)).await.expect_err("nobody serves");
        let _server = world.serve(service(), "").await;
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
    })
    .await;
}

#[tokio::test]
async fn through_an_exchange() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let options = format!("&exchange=amq.direct&routing_key=key-of-{}", world.queue);
        let _server = world.serve(service(), &options).await;
        let client = world.client("msgpack", &options).await;
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
        let error = world.serve_error("&exchange=nowhere").await;
        assert!(error.contains("no exchange 'nowhere'"), "{error}");
        let error = world.serve_error("&durable").await;
        assert!(error.contains("inequivalent arg 'durable'"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn handlers_read_what_came_beside_a_message() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let service = service().method("read", |context: Context, name: String| {
            context.header(&name).unwrap_or_default()
        });
        let _server = world.serve(service, "").await;
        let client = world.client("jsonrpc", "").await;
        let read =
            async |name: &str| client.call::<_, String>("read", (name,)).await.expect("an answer");
        assert_eq!(read("Content-Type").await, "application/json");
        assert_eq!(read("redelivered").await, "false");
        let (one, other) = (read("message-id").await, read("message-id").await);
        assert!(one.len() > 32 && one != other, "{one} {other}");
        assert_eq!(read("no-such-header").await, "");
    })
    .await;
}

#[tokio::test]
async fn large_and_too_large() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let _server = world.serve(service(), "&max_message=100000").await;
        let text = |size: usize| "x".repeat(size);
        // MessagePack-RPC has no words for a message that was not read.
        for (protocol, outcome, words) in [
            ("jsonrpc", Outcome::NotExecuted, "100000"),
            ("msgpack", Outcome::Unknown, "the exchange ended without an answer"),
        ] {
            let client = world.client(protocol, "").await;
            // Several frames of AMQP cannot be told from one.
            let echo = async |size| client.call::<_, String>("echo", (text(size),)).await;
            assert_eq!(echo(99_000).await.expect("an answer").len(), 99_000);
            let error = echo(100_001).await.expect_err("the server's limit");
            assert_eq!(error.outcome(), outcome, "{error}");
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(echo(10).await.expect("an answer").len(), 10);
        }
        let small = world.client("msgpack", "&max_message=1000").await;
        let error = small.call::<_, String>("echo", (text(2000),)).await.expect_err("its limit");
        assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
        let service = service().method("long", |size: usize| "x".repeat(size));
        let other = World::new().expect("a broker");
        let _other = other.serve(service, "").await;
        let small = other.client("msgpack", "&max_message=1000").await;
        let error = small.call::<_, String>("long", (2000,)).await.expect_err("its limit");
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        assert!(error.to_string().contains("max_message"), "{error}");
        assert_eq!(small.call::<_, String>("long", (10,)).await.expect("an answer").len(), 10);
    })
    .await;
}
