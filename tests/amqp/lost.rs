//! Brokers, queues and workers that go, and come back.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tinyrpc::{Error, Outcome};

use crate::{
    broker::Broker,
    world::{Count, World, in_time, service},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_comes_back() {
    let Some(broker) = Broker::start() else { return };
    let world = World::at(&broker);
    in_time(async {
        let count = Count::default();
        let counted = count.clone();
        let service = service().method("wait", move || {
            counted.add();
            std::future::pending::<()>()
        });
        let server = world.serve(service, "&durable").await;
        let client = world.client("msgpack", "&durable").await;
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
        let running = client.call::<_, ()>("wait", ()).send().await.expect("it is sent");
        count.until(1).await;
        tokio::task::block_in_place(|| broker.kill());
        // It was with a worker.
        let error = running.await.expect_err("its answer is lost");
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        // Nobody was there to take it.
        let late = client.call::<_, i64>("add", (2, 3)).timeout(Duration::from_millis(300));
        let error = late.await.expect_err("no broker");
        assert!(error.is_timeout() && error.outcome() == Outcome::NotExecuted, "{error}");
        let patient = client.call::<_, i64>("add", (20, 3)).timeout(Duration::from_secs(50));
        let patient = patient.send().await.expect("it waits");
        tokio::task::block_in_place(|| broker.restart());
        let back = Instant::now();
        assert_eq!(patient.await.expect("an answer"), 23);
        let recovery = back.elapsed();
        eprintln!("calls are answered {recovery:?} behind the return of the broker");
        assert!(recovery < Duration::from_secs(5), "{recovery:?}");
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
        drop(server);
    })
    .await;
}

#[tokio::test]
async fn a_queue_that_is_deleted_is_made_again() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let _server = world.serve(service(), "").await;
        let client = world.client("jsonrpc", "").await;
        for _ in 0..3 {
            assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
            let hand = world.by_hand().await;
            let deleted = hand.channel.queue_delete(
                world.queue.as_str().into(),
                lapin::options::QueueDeleteOptions::default(),
            );
            deleted.await.expect("it is deleted");
            // Until it is there again, calls are certainly not executed.
            loop {
                match client.call::<_, i64>("add", (2, 3)).await {
                    Ok(sum) => break assert_eq!(sum, 5),
                    Err(error) => assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}"),
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_lost_worker_had_goes_to_another() {
    let Some(world) = World::new() else { return };
    in_time(async {
        world.serve(service(), "").await.shutdown().await;
        // A worker that takes everything and does nothing.
        let hand = world.by_hand().await;
        let mut held = hand.hold(&world.queue).await;
        let client = world.client("msgpack", "").await;
        let calls = (0..10).map(|number| client.call::<_, i64>("add", (number, 1)).send());
        let calls: Vec<_> = join_all(calls).await;
        for _ in 0..10 {
            use futures_util::StreamExt;
            held.next().await.expect("a message").expect("a message");
        }
        let _server = world.serve(service(), "").await;
        drop((held, hand));
        for (number, call) in calls.into_iter().enumerate() {
            let sum = call.expect("it was sent").await.expect("an answer of the other");
            assert_eq!(sum, number as i64 + 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_shuts_down_leaves_nothing_undone() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let count = Count::default();
        let service = || {
            let count = count.clone();
            service().method("work", move || {
                count.add();
                tokio::time::sleep(Duration::from_millis(20))
            })
        };
        let first = world.serve(service(), "&prefetch=8").await;
        let client = world.client("msgpack", "").await;
        let calls = (0..40).map(|_| client.call::<_, ()>("work", ()).send());
        let calls: Vec<_> = join_all(calls).await;
        count.until(4).await;
        let second = world.serve(service(), "&prefetch=8").await;
        first.shutdown().await;
        for call in calls {
            call.expect("it was sent").await.expect("an answer");
        }
        assert_eq!(count.get(), 40, "each once");
        second.shutdown().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_memory_delays_and_loses_nothing() {
    let Some(broker) = Broker::start() else { return };
    let world = World::at(&broker);
    in_time(async {
        let count = Count::default();
        let counted = count.clone();
        let service = service().method("late", move || {
            counted.add();
            tokio::time::sleep(Duration::from_millis(100))
        });
        let _server = world.serve(service, "").await;
        let client = world.client("msgpack", "").await;
        client.call::<_, i64>("add", (2, 3)).await.expect("an answer");
        tokio::task::block_in_place(|| {
            broker.ctl("set_vm_memory_high_watermark 0.00000001");
        });
        let began = Instant::now();
        let calls = (0..20).map(|number| {
            client.call::<_, i64>("add", (number, 1)).timeout(Duration::from_millis(500))
        });
        for error in join_all(calls).await {
            let error: Error = error.expect_err("nothing is taken");
            assert!(error.is_timeout(), "{error}");
        }
        assert!(began.elapsed() < Duration::from_secs(5), "they end by their deadline");
        let patient = client.call::<_, i64>("add", (20, 3)).timeout(Duration::from_secs(40));
        let patient = patient.send().await.expect("it waits");
        tokio::task::block_in_place(|| {
            broker.ctl("set_vm_memory_high_watermark 0.6");
        });
        assert_eq!(patient.await.expect("an answer"), 23);
        client.call::<_, ()>("late", ()).await.expect("an answer");
        assert_eq!(count.get(), 1);
    })
    .await;
}
