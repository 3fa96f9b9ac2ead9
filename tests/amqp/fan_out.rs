//! More and more workers at one queue: they share the work evenly, and it is done the sooner, the
//! more they are.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tinyrpc::Dispatcher;

use crate::world::{Count, World, in_time};

/// Has so many workers do all calls; gives how many each did, and how long it took.
async fn done_by(workers: usize) -> Option<(Vec<u32>, Duration)> {
    let world = World::new()?;
    let counts: Vec<_> = (0..workers).map(|_| Count::default()).collect();
    let mut servers = Vec::new();
    for count in &counts {
        let count = count.clone();
        let wait = move |n: u32| {
            count.add();
            async move {
                tokio::time::sleep(WAIT).await;
                n
            }
        };
        // What one worker has at a time.
        servers.push(world.serve(Dispatcher::new().method("wait", wait), "&prefetch=4").await);
    }
    let client = world.client("msgpack", "").await;
    let began = Instant::now();
    let answers = join_all((0..CALLS).map(|n| client.call::<_, u32>("wait", (n,)))).await;
    let took = began.elapsed();
    for (n, answer) in (0..).zip(answers) {
        assert_eq!(answer.expect("an answer"), n);
    }
    Some((counts.iter().map(Count::get).collect(), took))
}

#[tokio::test]
async fn workers_share_a_queue() {
    in_time(async {
        let mut times = Vec::new();
        for workers in [1, 2, 4] {
            let Some((shares, took)) = done_by(workers).await else { return };
            eprintln!("{workers} workers did {shares:?} in {took:?}");
            assert_eq!(shares.iter().sum::<u32>(), CALLS, "each once: {shares:?}");
            for share in &shares {
                let even = CALLS / workers as u32;
                assert!(share * 4 >= even * 3, "an uneven share: {shares:?}");
            }
            times.push(took);
        }
        // Workers wait most of the time, so the processors of this machine do not matter.
        assert!(times.is_sorted_by(|fewer, more| more < fewer), "the more, the sooner: {times:?}");
    })
    .await;
}

const CALLS: u32 = 240;
const WAIT: Duration = Duration::from_millis(20);
