//! Calls that stream: down, up, both ways, and what ends them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::stream::{self, StreamExt};
use tinyrpc::{
    Blob, Code, Context, Dispatcher, Error, Input, Limits, Reason, RpcError, Server, Unsent,
    produce,
};
use tokio::sync::Notify;

use crate::world::{Connected, World, service};

/// What the handlers of a case tell it.
#[derive(Default)]
struct Watch {
    produced: AtomicU64,
    alive: AtomicU64,
    changed: Notify,
}

impl Watch {
    async fn until(&self, done: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            if done(self) {
                return;
            }
            changed.await;
        }
    }
}

/// Alive as long as a handler is.
struct Alive(Arc<Watch>);

impl Alive {
    fn new(watch: &Arc<Watch>) -> Self {
        watch.alive.fetch_add(1, SeqCst);
        Self(Arc::clone(watch))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, SeqCst);
        self.0.changed.notify_waiters();
    }
}

fn streaming(watch: &Arc<Watch>) -> Dispatcher {
    let (endless, waiting) = (Arc::clone(watch), Arc::clone(watch));
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("echo", |text: String| text)
        .stream("count", |to: u64| stream::iter(0..to))
        .params(["to"])
        .stream("later", async |to: u64| -> Result<_, RpcError> {
            match to {
                0 => Err(RpcError::new(Code(17), "nothing to count")),
                _ => Ok(stream::iter(0..to)),
            }
        })
        .stream("fails", |at: u64| {
            produce(move |out| async move {
                for number in 0..at {
                    out.send(number).await;
                }
                Err(RpcError::new(Code(18), "that was all"))
            })
        })
        .stream("endless", move || {
            let alive = Alive::new(&endless);
            stream::iter(0_u64..).inspect(move |_| {
                alive.0.produced.fetch_add(1, SeqCst);
                alive.0.changed.notify_waiters();
            })
        })
        .stream("blobs", |count: u64, size: usize| {
            stream::iter((0..count).map(move |number| Blob::from(vec![number as u8; size])))
        })
        .method("sum", async |context: Context| {
            let (mut numbers, mut sum) = (context.input::<u64>(), 0);
            while let Some(number) = numbers.next().await {
                sum += number?;
            }
            Ok::<_, RpcError>(sum)
        })
        .method("first", async |context: Context| {
            let first = context.input::<u64>().next().await;
            first.unwrap_or_else(|| Err(RpcError::server("there is none")))
        })
        .stream("double", |context: Context| {
            let numbers: Input<u64> = context.input();
            numbers.map(|number| number.map(|number| 2 * number))
        })
        .method("until", async |context: Context| context.remaining().map(|left| left.as_secs()))
        .method("wait", move |context: Context| {
            let alive = Alive::new(&waiting);
            async move {
                let _alive = alive;
                let mut numbers = context.input::<u64>();
                while numbers.next().await.is_some() {}
                std::future::pending::<()>().await;
            }
        })
}

/// A server and a client, where streams can be both ways; otherwise it says in words that they
/// cannot.
async fn open(world: &World, watch: &Arc<Watch>) -> Option<Connected> {
    let at = world.serve(streaming(watch)).await;
    if world.streams() {
        return Some(at);
    }
    let refused = match world.streams_down() {
        true => {
            let numbers = at.client.stream::<_, u64>("count", (3,)).await.unwrap();
            let numbers: Vec<_> = numbers.map(Result::unwrap).collect().await;
            assert_eq!(numbers, [0, 1, 2]);
            at.client.upload::<_, u64, u64>("sum", ()).await.err().unwrap()
        }
        false => at.client.stream::<_, u64>("count", (3,)).await.unwrap_err(),
    };
    let Error::NotExecuted(Reason::Unsupported(unsupported)) = &refused else {
        panic!("{refused}");
    };
    assert!(unsupported.to_string().contains("stream"), "{unsupported}");
    None
}

pub(crate) async fn down(world: World) {
    let Some(at) = open(&world, &Arc::default()).await else { return };
    for method in ["count", "later"] {
        for to in [1, 3, 5_000] {
            let numbers = at.client.stream::<_, u64>(method, (to,)).await.unwrap();
            let numbers: Vec<_> = numbers.map(Result::unwrap).collect().await;
            assert_eq!(numbers, (0..to).collect::<Vec<_>>(), "{method}");
        }
    }
    assert!(at.client.stream::<_, u64>("count", (0,)).await.unwrap().next().await.is_none());
    // A method that does not stream gives its only value.
    let mut sum = at.client.stream::<_, u64>("add", (2, 3)).await.unwrap();
    assert_eq!(sum.next().await.unwrap().unwrap(), 5);
    assert!(sum.next().await.is_none());
    assert_eq!(at.client.in_flight(), 0);
}

pub(crate) async fn up(world: World) {
    let Some(at) = open(&world, &Arc::default()).await else { return };
    let (numbers, sum) = at.client.upload::<_, u64, u64>("sum", ()).await.unwrap();
    for number in 0..5_000 {
        numbers.send(number).await.unwrap();
    }
    numbers.close();
    assert_eq!(sum.await.unwrap(), 4_999 * 5_000 / 2);
    // Who sends nothing has sent the end.
    assert_eq!(at.client.call::<_, u64>("sum", ()).await.unwrap(), 0);

    let (numbers, sum) = at.client.upload::<_, u64, u64>("sum", ()).await.unwrap();
    numbers.send(1).await.unwrap();
    numbers.fail(RpcError::new(Code(19), "the disk is full"));
    assert_eq!(sum.await.unwrap_err().as_rpc().unwrap().code, Code(19));

    let (numbers, sum) = at.client.upload::<_, u64, u64>("sum", ()).await.unwrap();
    numbers.send(1).await.unwrap();
    drop(numbers);
    assert_eq!(sum.await.unwrap_err().as_rpc().unwrap().code, Code::CANCELLED);

    // A handler that has heard enough.
    let (numbers, first) = at.client.upload::<_, u64, u64>("first", ()).await.unwrap();
    let mut sent = 0;
    let unsent = loop {
        match numbers.send(7).await {
            Ok(()) => sent += 1,
            Err(unsent) => break unsent,
        }
    };
    assert!(matches!(unsent, Unsent::Stopped | Unsent::Over), "{unsent}");
    assert!(sent > 0);
    assert_eq!(first.await.unwrap(), 7);
}

pub(crate) async fn both(world: World) {
    let Some(at) = open(&world, &Arc::default()).await else { return };
    let (numbers, mut doubles) = at.client.duplex::<_, u64, u64>("double", ()).await.unwrap();
    for number in 0..50 {
        numbers.send(number).await.unwrap();
        assert_eq!(doubles.next().await.unwrap().unwrap(), 2 * number);
    }
    numbers.close();
    assert!(doubles.next().await.is_none());

    // A value of another type is the caller's error.
    let (texts, mut doubles) = at.client.duplex::<_, &str, u64>("double", ()).await.unwrap();
    texts.send("two").await.unwrap();
    let error = doubles.next().await.unwrap().unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, Code::INVALID_PARAMS);
    assert!(doubles.next().await.is_none());
}

/// Callers that know no streams.
pub(crate) async fn collected(world: World) {
    let at = world.serve(streaming(&Arc::default())).await;
    let numbers: Vec<u64> = at.client.call("count", (3,)).await.unwrap();
    assert_eq!(numbers, [0, 1, 2]);
    let many: Vec<u64> = at.client.call("later", (1_000,)).await.unwrap();
    assert_eq!(many.len(), 1_000);
    assert!(at.client.call::<_, Vec<u64>>("count", (0,)).await.unwrap().is_empty());
    let error = at.client.call::<_, Vec<u64>>("fails", (3,)).await.unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, Code(18));
    if world.large() {
        let error = at.client.call::<_, Vec<u64>>("endless", ()).await.unwrap_err();
        assert_eq!(error.as_rpc().unwrap().code, Code::UNSENDABLE);
        assert!(error.to_string().contains("`max_collected`"), "{error}");
    }
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
}

/// A reader that does not read stops its producer, and nobody else.
pub(crate) async fn slow_readers(world: World) {
    let watch = Arc::default();
    let Some(at) = open(&world, &watch).await else { return };
    let mut numbers = at.client.stream::<_, u64>("endless", ()).window(10, 1_000).await.unwrap();
    watch.until(|watch| watch.produced.load(SeqCst) == 10).await;
    for expected in 0..100 {
        assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
        let ahead = watch.produced.load(SeqCst) - expected;
        assert!(ahead <= 10, "{ahead} values are ahead");
        assert_eq!(numbers.next().await.unwrap().unwrap(), expected);
    }
    // Whoever only wants to know how it is now does not stop it.
    let mut newest = at.client.stream::<_, u64>("count", (10_000,)).newest(1).await.unwrap();
    let mut last = None;
    while let Some(number) = newest.next().await {
        let number = number.unwrap();
        assert!(last < Some(number));
        last = Some(number);
    }
    assert_eq!(last, Some(9_999));
}

/// Whoever gives up is noticed by the other side at once.
pub(crate) async fn given_up_streams(world: World) {
    let watch = Arc::default();
    let Some(at) = open(&world, &watch).await else { return };
    for _ in 0..20 {
        let mut numbers = at.client.stream::<_, u64>("endless", ()).await.unwrap();
        assert_eq!(numbers.next().await.unwrap().unwrap(), 0);
        drop(numbers);
        let (numbers, waiting) = at.client.upload::<_, u64, ()>("wait", ()).await.unwrap();
        numbers.send(1).await.unwrap();
        drop(waiting);
        let over = loop {
            if let Err(over) = numbers.send(1).await {
                break over;
            }
        };
        assert!(matches!(over, Unsent::Over), "{over}");
    }
    watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
    assert_eq!(at.client.in_flight(), 0);
    if world.exchanges() {
        return;
    }
    // A call that is given up without any stream, too.
    let call = at.client.call::<_, ()>("wait", ()).timeout(Duration::from_millis(1)).await;
    assert!(call.unwrap_err().is_timeout());
    watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
    assert_eq!(at.client.in_flight(), 0);
}

pub(crate) async fn stream_failures(world: World) {
    let Some(at) = open(&world, &Arc::default()).await else { return };
    let numbers = at.client.stream::<_, u64>("fails", (3,)).await.unwrap();
    let mut numbers: Vec<_> = numbers.collect().await;
    let error = numbers.pop().unwrap().unwrap_err();
    assert_eq!(error.as_rpc().unwrap().code, Code(18));
    assert_eq!(numbers.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 1, 2]);
    for (method, code) in [("later", Code(17)), ("missing", Code::METHOD_NOT_FOUND)] {
        let mut numbers = at.client.stream::<_, u64>(method, (0,)).await.unwrap();
        let error = numbers.next().await.unwrap().unwrap_err();
        assert_eq!(error.as_rpc().unwrap().code, code, "{error}");
        assert!(numbers.next().await.is_none());
    }
    // Of another type: each value on its own.
    let texts = at.client.stream::<_, String>("count", (2,)).await.unwrap();
    let texts: Vec<_> = texts.collect().await;
    assert!(texts.len() == 2 && texts.iter().all(|text| matches!(text, Err(Error::Mismatch(_)))));
}

/// Values and messages that are larger than what goes at once.
pub(crate) async fn large_streams(world: World) {
    let Some(at) = open(&world, &Arc::default()).await else { return };
    let blobs = at.client.stream::<_, Blob>("blobs", (20, 300_000)).await.unwrap();
    let sizes = blobs.map(|blob| blob.unwrap().len()).collect::<Vec<_>>();
    let small = async {
        for _ in 0..20 {
            assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
        }
    };
    let (sizes, ()) = futures_util::future::join(sizes, small).await;
    assert_eq!(sizes, [300_000; 20]);
    if world.exchanges() {
        return;
    }
    // A message over `max_message` goes in chunks, once both know how.
    let large = "x".repeat(2 * Limits::default().max_message);
    let echoed: String = at.client.call("echo", (&large,)).await.unwrap();
    assert!(echoed == large);
}

/// A handler that streams calls its caller, which streams, too.
pub(crate) async fn nested_streams(world: World) {
    if !world.streams() {
        return;
    }
    let asking = service().stream("relay", |context: Context, to: u64| {
        produce(move |out| async move {
            let mut numbers =
                context.peer().stream::<_, u64>("count", (to,)).await.map_err(fault)?;
            while let Some(number) = numbers.next().await {
                out.send(10 * number.map_err(fault)?).await;
            }
            Ok::<_, RpcError>(())
        })
    });
    let served = streaming(&Arc::default());
    let at = world.serve_with(Server::new(asking), |builder| builder.serve(served)).await;
    for to in [3, 3_000] {
        let numbers = at.client.stream::<_, u64>("relay", (to,)).await.unwrap();
        let numbers: Vec<_> = numbers.map(Result::unwrap).collect().await;
        assert_eq!(numbers, (0..to).map(|number| 10 * number).collect::<Vec<_>>());
    }
}

fn fault(error: Error) -> RpcError {
    RpcError::server(error.to_string())
}

/// How long a caller waits is known to its handler, once both have said hello.
pub(crate) async fn time_left(world: World) {
    let Some(at) = open(&world, &Arc::default()).await else { return };
    assert_eq!(at.client.call::<_, Option<u64>>("until", ()).await.unwrap(), None);
    if world.exchanges() {
        // There it is said by calls that stream, and by no others.
        let timed = at.client.stream::<_, u64>("until", ()).timeout(Duration::from_secs(1_000));
        let left = timed.await.unwrap().next().await.expect("a value").unwrap();
        assert!((980..=1_000).contains(&left), "{left}");
        let refused = at.client.extend().await.unwrap_err();
        assert!(matches!(refused, Error::NotExecuted(Reason::Unsupported(_))), "{refused}");
        return;
    }
    at.client.extend().await.unwrap();
    let long = at.client.call::<_, Option<u64>>("until", ()).timeout(Duration::from_secs(1_000));
    let left = long.await.unwrap().expect("a deadline");
    assert!((980..=1_000).contains(&left), "{left}");
}
