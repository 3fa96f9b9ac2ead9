//! Calls that stream by way of a queue: what is said, and what becomes of them where somebody goes.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::stream::{self, StreamExt};
use lapin::{
    options::{BasicPublishOptions, QueueDeleteOptions},
    types::FieldTable,
};
use tinyrpc::{ClientBuilder, Context, Dispatcher, Limits, Outcome, Server};
use tokio::sync::Notify;

use crate::{
    broker::Broker,
    streams_by_hand::{about, answer, by_hand, marked, reply_to},
    world::{Count, World, in_time, service},
};

/// How many handlers there are.
#[derive(Clone, Default)]
pub(crate) struct Alive(Arc<(AtomicI64, Notify)>);

impl Alive {
    fn enter(&self) -> Entered {
        self.add(1);
        Entered(self.clone())
    }

    fn add(&self, count: i64) {
        self.0.0.fetch_add(count, SeqCst);
        self.0.1.notify_waiters();
    }

    pub(crate) async fn until(&self, count: i64) {
        loop {
            let changed = self.0.1.notified();
            if self.0.0.load(SeqCst) == count {
                return;
            }
            changed.await;
        }
    }
}

struct Entered(Alive);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// Counts without an end, and adds up what is sent.
pub(crate) fn streaming(alive: &Alive, begun: &Count) -> Dispatcher {
    let (ours, begun) = (alive.clone(), begun.clone());
    let theirs = alive.clone();
    service()
        .stream("count", |to: u64| stream::iter(0..to))
        .stream("endless", move || {
            begun.add();
            let entered = ours.enter();
            stream::iter(0_u64..).inspect(move |_| _ = &entered)
        })
        .method("sum", move |context: Context| {
            let entered = theirs.enter();
            async move {
                let _entered = entered;
                let (mut numbers, mut sum) = (context.input::<u64>(), 0);
                while let Some(number) = numbers.next().await {
                    sum += number?;
                }
                Ok::<_, tinyrpc::RpcError>(sum)
            }
        })
}

/// Short times, so that nobody waits long for what is noticed by a clock.
fn quick() -> Limits {
    let short = Duration::from_millis(400);
    Limits { idle: short, heartbeat: Duration::from_secs(1), ..Limits::default() }
}

/// The broker gives the request to another worker, which begins anew.
#[tokio::test]
async fn nothing_is_taken_from_another_worker() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let hand = by_hand(&world).await;
        let own = hand.answers().await;
        let mut requests = hand.hold(&world.queue).await;
        let client = world.client("jsonrpc", "").await;
        let mut numbers = client.stream::<_, u64>("endless", ()).await.expect("it is sent");
        let request = requests.next().await.expect("a message").expect("a message");
        let to = reply_to(&request);
        let item = r#"{"jsonrpc":"2.0","method":"rpc.item","params":[1,0]}"#;
        answer(&hand, &to, &own, "down 1", &request, item).await;
        assert_eq!(numbers.next().await.expect("a value").expect("a number"), 0);
        // It is lost, and another one is there.
        let (alive, begun) = (Alive::default(), Count::default());
        let _server = world.serve(streaming(&alive, &begun), "").await;
        drop((requests, hand));
        let error = numbers.next().await.expect("an end").expect_err("it is lost");
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        assert!(error.to_string().contains("worker"), "{error}");
        assert!(numbers.next().await.is_none());
        // That one was told to stop, and has nothing left to do.
        begun.until(1).await;
        alive.until(0).await;
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
    })
    .await;
}

/// A worker in a process of its own.
struct Process(Child);

impl Process {
    fn start(url: &str) -> Self {
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args(["streams::worker_process", "--exact", "--nocapture"])
            .env(URL, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a copy of this test");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line == READY));
        assert!(ready, "it does not serve");
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| eprintln!("{line}"));
        });
        Self(child)
    }

    /// As `kill -9` does.
    fn kill(&mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("a child");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Not a test of its own.
#[tokio::test]
async fn worker_process() {
    let Ok(url) = env::var(URL) else { return };
    let service = streaming(&Alive::default(), &Count::default());
    let _server = Server::new(service).listen(url).await.expect("it serves");
    eprintln!("\n{READY}");
    let end = || std::io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(end).await.expect("an end").expect("a pipe");
}

const URL: &str = "TINYRPC_TEST_AMQP_STREAMS_URL";
const READY: &str = "serving";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed() {
    let Some(world) = World::new() else { return };
    in_time(async {
        for (protocol, options) in [("jsonrpc", ""), ("msgpack", ""), ("msgpack", "&reply=direct")]
        {
            let mut worker = Process::start(&world.url("auto", ""));
            let url = world.url(protocol, options);
            let client = ClientBuilder::from_url(url).expect("a URL").limits(quick());
            let client = client.connect().await.expect("it connects");
            let mut numbers = client.stream::<_, u64>("endless", ()).await.expect("it is sent");
            for number in 0..1_000 {
                assert_eq!(numbers.next().await.expect("a value").expect("a number"), number);
            }
            let (sender, sum) = client.upload::<_, u64, u64>("sum", ()).await.expect("it is sent");
            for number in 0..1_000 {
                sender.send(number).await.expect("it is sent");
            }
            worker.kill();
            // There is nobody else: it is noticed by what comes back.
            let killed = Instant::now();
            let mut next = 1_000;
            let error = loop {
                match numbers.next().await.expect("an end") {
                    Ok(number) => assert_eq!(number, next),
                    Err(error) => break error,
                }
                next += 1;
            };
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
            let error = sum.await.expect_err("it is lost");
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
            assert!(sender.send(1).await.is_err());
            eprintln!("{protocol}{options}: both end {:?} behind the worker", killed.elapsed());
            // What it had is begun anew by the next one, which is told that nobody wants it.
            let (alive, begun) = (Alive::default(), Count::default());
            let server = world.serve(streaming(&alive, &begun), "").await;
            begun.until(1).await;
            alive.until(0).await;
            assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
            server.shutdown().await;
            assert_eq!(world.by_hand().await.count(&world.queue).await, 0, "all is done with");
        }
    })
    .await;
}

/// Whoever has asked for a stream is gone, while its values wait for credit or are sent.
#[tokio::test]
async fn a_queue_of_answers_that_is_gone() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let alive = Alive::default();
        let server = Server::new(streaming(&alive, &Count::default())).limits(quick());
        let server = server.listen(world.url("auto", "")).await.expect("it serves");
        let hand = world.by_hand().await;
        for credit in ["[1,1]", "[2147483647,2147483647]"] {
            let own = hand.answers().await;
            let call = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"endless","rpc":{{"stream":{credit}}}}}"#
            );
            hand.publish(&world.queue, call.as_bytes(), marked(about(&own, ""))).await;
            hand.next(&own).await;
            hand.next(&own).await;
            alive.until(1).await;
            let deleted =
                hand.channel.queue_delete(own.as_str().into(), QueueDeleteOptions::default());
            deleted.await.expect("it is its own");
            alive.until(0).await;
        }
        // One that waits for what is sent into it, of a caller that reads no queue.
        let consumer = hand.channel.basic_consume(
            "amq.rabbitmq.reply-to".into(),
            "".into(),
            lapin::options::BasicConsumeOptions { no_ack: true, ..Default::default() },
            FieldTable::default(),
        );
        let mut answers = consumer.await.expect("it consumes");
        let call = br#"{"jsonrpc":"2.0","id":1,"method":"sum","rpc":{"send":true}}"#;
        let publishing = hand.channel.basic_publish(
            "".into(),
            world.queue.as_str().into(),
            BasicPublishOptions::default(),
            call,
            marked(about("amq.rabbitmq.reply-to", "")),
        );
        publishing.await.expect("it is sent").await.expect("it is confirmed");
        answers.next().await.expect("a message").expect("a message");
        alive.until(1).await;
        drop((answers, hand));
        alive.until(0).await;
        // The messages are done with, and their worker lives.
        let client = world.client("jsonrpc", "").await;
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
        server.shutdown().await;
        assert_eq!(world.by_hand().await.count(&world.queue).await, 0);
    })
    .await;
}

/// Either side closes, and tells the other at once.
#[tokio::test]
async fn whoever_closes_says_so() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let alive = Alive::default();
        let server = world.serve(streaming(&alive, &Count::default()), "").await;
        for options in ["", "&reply=direct"] {
            let limits = Limits { shutdown: Duration::from_millis(100), ..Limits::default() };
            let client = ClientBuilder::from_url(world.url("msgpack", options)).expect("a URL");
            let client = client.limits(limits).connect().await.expect("it connects");
            let mut numbers = client.stream::<_, u64>("endless", ()).await.expect("it is sent");
            numbers.next().await.expect("a value").expect("a number");
            alive.until(1).await;
            client.close().await;
            alive.until(0).await;
            let last = loop {
                if let Err(error) = numbers.next().await.expect("an end") {
                    break error;
                }
            };
            assert_eq!(last.outcome(), Outcome::Unknown, "{last}");
        }
        let client = world.client("msgpack", "").await;
        let mut numbers = client.stream::<_, u64>("endless", ()).await.expect("it is sent");
        numbers.next().await.expect("a value").expect("a number");
        server.close();
        server.stopped().await;
        let error = loop {
            if let Err(error) = numbers.next().await.expect("an end") {
                break error;
            }
        };
        // Its handler may still have had the last word.
        assert_ne!(error.outcome(), Outcome::NotExecuted, "{error}");
        assert_eq!(world.by_hand().await.count(&world.queue).await, 0, "nobody begins it anew");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_ends_streams() {
    let Some(broker) = Broker::start() else { return };
    let world = World::at(&broker);
    in_time(async {
        let (alive, begun) = (Alive::default(), Count::default());
        let _server = world.serve(streaming(&alive, &begun), "&durable").await;
        let client = world.client("msgpack", "&durable").await;
        let mut numbers = client.stream::<_, u64>("endless", ()).await.expect("it is sent");
        numbers.next().await.expect("a value").expect("a number");
        let (sender, sum) = client.upload::<_, u64, u64>("sum", ()).await.expect("it is sent");
        sender.send(1).await.expect("it is sent");
        alive.until(2).await;
        tokio::task::block_in_place(|| broker.kill());
        let error = sum.await.expect_err("it is lost");
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        let error = loop {
            if let Err(error) = numbers.next().await.expect("an end") {
                break error;
            }
        };
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        alive.until(0).await;
        tokio::task::block_in_place(|| broker.restart());
        // The requests come again, and are not executed again.
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
        let numbers = client.stream::<_, u64>("count", (1_000,)).await.expect("it is sent");
        assert_eq!(numbers.collect::<Vec<_>>().await.len(), 1_000);
        assert_eq!(begun.get(), 1);
    })
    .await;
}

/// Many streams share two workers with ordinary calls, each at its own pace.
#[tokio::test]
async fn many_streams_and_workers() {
    let Some(world) = World::new() else { return };
    in_time(async {
        let alive = Alive::default();
        let _servers = [
            world.serve(streaming(&alive, &Count::default()), "").await,
            world.serve(streaming(&alive, &Count::default()), "").await,
        ];
        let client = world.client("msgpack", "").await;
        let mut idle = Vec::new();
        for _ in 0..20 {
            // Nobody reads it.
            idle.push(client.stream::<_, u64>("endless", ()).await.expect("it is sent"));
        }
        let streams = (0..20).map(async |number| {
            let numbers = client.stream::<_, u64>("count", (500 + number,)).await.expect("sent");
            let numbers: Vec<_> = numbers.map(|number| number.expect("a number")).collect().await;
            assert_eq!(numbers, (0..500 + number).collect::<Vec<_>>());
        });
        let sums = (0..20).map(async |number| {
            let (sender, sum) = client.upload::<_, u64, u64>("sum", ()).await.expect("it is sent");
            for value in 0..300 {
                sender.send(value + number).await.expect("it is sent");
            }
            sender.close();
            assert_eq!(sum.await.expect("a sum"), 299 * 150 + 300 * number);
        });
        let calls = (0..200).map(async |number| {
            let sum = client.call::<_, i64>("add", (number, 1)).await;
            assert_eq!(sum.expect("an answer"), number + 1);
        });
        let all = futures_util::future::join_all(streams);
        let sums = futures_util::future::join_all(sums);
        let calls = futures_util::future::join_all(calls);
        futures_util::future::join3(all, sums, calls).await;
        alive.until(20).await;
        drop(idle);
        alive.until(0).await;
        assert_eq!(client.in_flight(), 0);
    })
    .await;
}
