//! Streams that are started and given up at random.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use futures_util::{
    FutureExt,
    stream::{self, StreamExt},
};
use tinyrpc::{Client, Context, Dispatcher, Items, Sender, Sent, Server};
use tokio::sync::Notify;

use crate::{
    block_on,
    child::{self, Copy, Memory},
};

/// Handlers that are alive.
#[derive(Default)]
struct Alive {
    count: AtomicUsize,
    begun: AtomicUsize,
    fell: Notify,
}

struct Guard(Arc<Alive>);

impl Guard {
    fn new(alive: &Arc<Alive>) -> Self {
        alive.count.fetch_add(1, SeqCst);
        alive.begun.fetch_add(1, SeqCst);
        Self(Arc::clone(alive))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, SeqCst);
        self.0.fell.notify_one();
    }
}

fn service(alive: &Arc<Alive>) -> Dispatcher {
    let (down, up, both) = (Arc::clone(alive), Arc::clone(alive), Arc::clone(alive));
    Dispatcher::new()
        .stream("down", move || {
            let guard = Guard::new(&down);
            stream::iter(0_u64..).inspect(move |_| _ = &guard)
        })
        .method("up", move |context: Context| {
            let guard = Guard::new(&up);
            async move {
                let _guard = guard;
                let mut numbers = context.input::<u64>();
                while numbers.next().await.is_some() {}
                std::future::pending::<()>().await;
            }
        })
        .stream("both", move |context: Context| {
            let guard = Guard::new(&both);
            context.input::<u64>().inspect(move |_| _ = &guard)
        })
}

/// A stream of the client, begun and not ended.
enum Begun {
    Down(Items<u64>),
    Up(Sender<u64>, #[expect(dead_code, reason = "only its end matters")] Sent<()>),
    Both(Sender<u64>, Items<u64>),
}

impl Begun {
    async fn begin(client: &Client, random: &mut fastrand::Rng) -> Option<Self> {
        let hasty = random.u8(..8) == 0;
        let begin = async {
            match fastrand::Rng::with_seed(random.u64(..)).u8(..3) {
                0 => Self::Down(client.stream("down", ()).await.expect("a stream")),
                1 => {
                    let (sender, answer) = client.upload("up", ()).await.expect("a stream");
                    Self::Up(sender, answer)
                }
                _ => {
                    let (sender, items) = client.duplex("both", ()).await.expect("a stream");
                    Self::Both(sender, items)
                }
            }
        };
        if hasty {
            // Some are given up before anybody knows whether they have begun.
            return begin.now_or_never();
        }
        Some(begin.await)
    }

    /// Does a little with it.
    async fn go_on(&mut self, random: &mut fastrand::Rng) {
        match self {
            Self::Down(items) => {
                for _ in 0..random.u8(..4) {
                    items.next().await.expect("it has no end").expect("a number");
                }
            }
            Self::Up(sender, _) => sender.send(random.u64(..)).await.expect("it is read"),
            Self::Both(sender, items) => {
                let number = random.u64(..);
                sender.send(number).await.expect("it is read");
                assert_eq!(items.next().await.expect("an echo").expect("a number"), number);
            }
        }
    }
}

#[test]
fn giving_up_process() {
    let Some(task) = child::task() else { return };
    let [count, seed] = task.as_slice() else { panic!("{task:?}") };
    let (count, seed) = (count.parse().expect("a number"), seed.parse().expect("a number"));
    let alive = Arc::<Alive>::default();
    block_on(async {
        let server = Server::new(service(&alive)).listen("tcp://127.0.0.1:0").await;
        let server = server.expect("a free port");
        let client = Client::connect(format!("msgpack+{}", server.addresses().concat())).await;
        let client = client.expect("it listens");
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut begun, mut early) = (Vec::new(), None);
        for number in 0_usize..count {
            begun.extend(Begun::begin(&client, &mut random).await);
            if !begun.is_empty() {
                let at = random.usize(..begun.len());
                begun[at].go_on(&mut random).await;
            }
            while begun.len() > random.usize(..MOST_OPEN) {
                drop(begun.swap_remove(random.usize(..begun.len())));
            }
            if number == count / 4 {
                early = Some(Memory::own());
            }
        }
        drop(begun);
        let given_up = Instant::now();
        while alive.count.load(SeqCst) > 0 {
            alive.fell.notified().await;
        }
        let took = given_up.elapsed();
        assert!(took < Duration::from_secs(1), "handlers were alive for {took:?}");
        assert_eq!(client.in_flight(), 0);
        let begun = alive.begun.load(SeqCst);
        assert!(begun > count / 2, "{begun} of {count} had a handler");
        for peer in server.peers() {
            assert_eq!(peer.caller.in_flight(), 0);
        }
        let late = Memory::own();
        let grown = late.peak.saturating_sub(early.expect("there are some").now);
        // With nothing in its tables a server has nothing to wait for.
        let stopping = Instant::now();
        client.close().await;
        server.shutdown().await;
        assert!(stopping.elapsed() < Duration::from_secs(5), "something was still running");
        child::say(format_args!(
            "{count} streams, {begun} handlers, gone after {took:?}, grown by {grown} KiB"
        ));
        assert!(grown < GROWTH, "the process grew by {grown} KiB");
        child::say("well");
    });
}

/// Streams that are open at once, at most.
const MOST_OPEN: usize = 64;
/// What the process may grow by after a quarter of them, in KiB.
const GROWTH: u64 = 4 << 10;

#[track_caller]
fn check(count: usize, seed: u64) {
    let (count, seed) = (count.to_string(), seed.to_string());
    let mut child = Copy::start("cancel::giving_up_process", &[&count, &seed]);
    eprintln!("{}", child.hear());
    assert_eq!(child.hear(), "well");
}

#[test]
fn nothing_is_left_of_2000_streams_that_were_given_up() {
    check(2_000, 1);
}

/// `cargo test --release --test streams -- --ignored --nocapture 100000`
#[test]
#[ignore = "takes a minute without optimisation"]
fn nothing_is_left_of_100000_streams_that_were_given_up() {
    check(100_000, 2);
}
