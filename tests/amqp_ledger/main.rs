//! Calls through a RabbitMQ that is killed again and again, to workers that are killed as well, and
//! the book that is kept of all of them.
//!
//! Every call ends exactly once and in time. One that was answered was executed; one that was
//! *certainly not executed* was not. Where a call has an idempotency key, it is made again until it
//! is answered, and its effect is there exactly once. Beside the calls a foreign client publishes
//! notifications: what the broker has confirmed to it is executed, whatever happens. Towards a
//! worker a queue delivers *at least once*, so all others may be executed again where a worker or
//! the broker has died over them; how many is printed.
//!
//! `TINYRPC_CHAOS_SEED=17 cargo test --all-features --test amqp_ledger` repeats the plan and the
//! traffic of a run, the system decides the rest. `TINYRPC_CHAOS_CALLS` sets how many calls are
//! made. The seed and what the calls came to are printed, also where the test passes.
// The library by which it publishes by hand has deep types.
#![recursion_limit = "256"]
#![cfg(all(unix, feature = "amqp", feature = "msgpack"))]

mod book;
#[path = "../support/broker.rs"]
mod broker;
mod callers;
mod faults;
#[path = "../support/folder.rs"]
mod folder;
mod publisher;
#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "../chaos/seed.rs"]
mod seed;
mod store;
mod worker;

use std::{sync::Arc, time::Duration};

use broker::Broker;
use seed::Seed;
use tokio::time::Instant;

use crate::{
    book::Book,
    callers::Traffic,
    faults::{Faults, Stage},
    folder::Folder,
    store::{Done, Store},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_brokers_and_workers_are_killed() {
    let name = "amqp_ledger";
    let Some(broker) = Broker::start() else { return };
    let seed = Seed::of(name);
    let calls = seed::calls(CALLS) as u64;
    let folder = Folder::new();
    let place = folder.path("");
    Store::prepare(&place);
    let (url, plain) = (queue(&broker), broker.url().to_owned());
    let mut stage = Stage::open(broker, url.clone(), place.clone(), WORKERS).await;
    let began = Instant::now();
    let book = Arc::new(Book::default());
    let mut rng = seed.rng();
    let faults = Faults::draw(&mut rng, DEATHS, WORKERS, calls);
    let traffic = Traffic::new(url, rng.u64(..), calls, Arc::clone(&book));
    let publishing = publisher::publish(plain, Arc::clone(&book), Arc::clone(&traffic));
    let (toll, (), ()) =
        tokio::join!(faults.happen(&mut stage, &traffic), traffic.run(), publishing);
    let took = began.elapsed();
    let made = traffic.is_over().expect("all calls have ended");
    drop(traffic);
    // What nobody waits for any more is done, too.
    let Stage { broker, workers, .. } = stage;
    let drained = tokio::task::spawn_blocking(move || {
        let until = Instant::now() + PATIENCE;
        while let Some(left) = left(&broker, QUEUE) {
            assert!(Instant::now() < until, "nobody does what is in the queue: {left}");
        }
        assert_eq!(left(&broker, &format!("{QUEUE}.dead")), None, "nothing is to be given up");
        workers.into_iter().for_each(worker::Worker::stop);
    });
    drained.await.expect("the workers end");
    let tally = book.check(made, &Done::read(&place));
    Seed::say(&format!("{name}: {tally}; {toll}; {took:?}"));
    assert!(toll.slowest() <= RECOVERY, "calls were answered too late: {toll}, {seed}");
    assert!(tally.latest() <= LATE, "a call ended too late: {tally}, {seed}");
}

/// What is in a queue or with its workers.
fn left(broker: &Broker, name: &str) -> Option<String> {
    let said = broker.ctl("-q list_queues messages name");
    let line = said.lines().find(|line| line.ends_with(&format!("\t{name}")))?;
    (!line.starts_with("0\t")).then(|| line.to_owned())
}

/// The URL of a queue that outlives its broker, and of workers that share it evenly.
fn queue(broker: &Broker) -> String {
    format!("msgpack+{}?queue={QUEUE}&durable=true&prefetch=16&tries=20", broker.url())
}

const QUEUE: &str = "ledger";
const CALLS: usize = 20_000;
const WORKERS: usize = 3;
/// Of the broker, and as many of workers.
const DEATHS: usize = 5;
/// From the return of the broker to an answer.
const RECOVERY: Duration = Duration::from_secs(5);
/// How much later than its deadline a call may end, on a machine with other things to do.
const LATE: Duration = Duration::from_millis(500);
/// For what is left over when the calls have ended.
const PATIENCE: Duration = Duration::from_secs(60);
