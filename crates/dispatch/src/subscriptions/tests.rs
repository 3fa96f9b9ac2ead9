//! Subscriptions in an engine that is driven by hand.
#![expect(clippy::unwrap_used, reason = "what cannot fail here fails its test")]

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
};

use futures_channel::{mpsc, oneshot};
use futures_util::{Stream, stream};
use tinyrpc_core::{
    Incoming, Limits, Protocol, ReplyOrder, ReplyTo, Role, RpcError, Settings, Shape, Slow,
};
use tinyrpc_protocols::JsonRpc;

use crate::{Dispatcher, Engine, Invocation, Service, Started};

/// A server, and what its peer sees of it.
struct Server {
    engine: Engine,
    incoming: Incoming,
    /// The ids that were seen, in their order.
    ids: Vec<String>,
}

impl Server {
    fn new(service: impl Service + 'static) -> Self {
        Self::with(service, |settings| settings)
    }

    fn with(service: impl Service + 'static, set: impl FnOnce(Settings) -> Settings) -> Self {
        let protocols: Vec<Arc<dyn Protocol>> = vec![Arc::new(JsonRpc)];
        let settings = set(Settings::new(Role::Server, Shape::Stream, protocols));
        let engine = Engine::open(settings, service);
        Self { engine, incoming: Incoming::new(), ids: Vec::new() }
    }

    fn limited(service: impl Service + 'static, limits: Limits) -> Self {
        Self::with(service, |settings| Settings { limits: Arc::new(limits), ..settings })
    }

    /// Some turns, in which nothing is sent.
    fn turns(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..4 {
            self.engine.turn(&mut self.incoming, 0, &mut cx);
        }
    }

    /// Sends what there is: a message a line, with ids as `#0`, `#1` and so on.
    fn said(&mut self) -> Vec<String> {
        self.turns();
        let outgoing = self.engine.session().outgoing();
        let mut bytes = Vec::new();
        while !outgoing.bytes().is_empty() {
            bytes.extend_from_slice(outgoing.bytes());
            let count = outgoing.bytes().len();
            outgoing.advance(count);
        }
        self.engine.sent(&mut Context::from_waker(Waker::noop()));
        let text = String::from_utf8(bytes).expect("text");
        for part in text.split('"').filter(|part| part.starts_with("0x")) {
            if !self.ids.iter().any(|id| id == part) {
                self.ids.push(part.to_owned());
            }
        }
        let mut short = text.replace("\"jsonrpc\":\"2.0\",", "");
        for (index, id) in self.ids.iter().enumerate() {
            short = short.replace(&format!("\"{id}\""), &format!("#{index}"));
        }
        short.lines().map(str::to_owned).collect()
    }

    /// The peer makes calls: the first has the id 0.
    fn call(&mut self, calls: &[(&str, &str)]) {
        for (id, (method, params)) in calls.iter().enumerate() {
            let call = format!(
                r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#,
                params = self.long(params)
            );
            self.hear(&call);
        }
    }

    fn hear(&mut self, message: &str) {
        let message = self.long(message);
        self.incoming.buffer().extend_from_slice(message.as_bytes());
        self.incoming.buffer().extend_from_slice(b"\n");
    }

    fn long(&self, text: &str) -> String {
        self.ids.iter().enumerate().fold(text.to_owned(), |text, (index, id)| {
            text.replace(&format!("#{index}"), &format!("\"{id}\""))
        })
    }

    #[track_caller]
    fn says(&mut self, expected: &[&str]) {
        assert_eq!(self.said(), expected);
    }

    fn subscriptions(&self) -> usize {
        self.engine.scope().subscriptions.len()
    }
}

/// Streams that are alive, and how often they were asked for an item.
#[derive(Clone, Default)]
struct Watch {
    alive: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

struct Watched<S> {
    stream: S,
    watch: Watch,
}

impl Watch {
    fn on<S>(&self, stream: S) -> Watched<S> {
        self.alive.fetch_add(1, SeqCst);
        Watched { stream, watch: self.clone() }
    }

    fn alive(&self) -> usize {
        self.alive.load(SeqCst)
    }
}

impl<S: Stream + Unpin> Stream for Watched<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.watch.asked.fetch_add(1, SeqCst);
        Pin::new(&mut self.stream).poll_next(cx)
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        self.watch.alive.fetch_sub(1, SeqCst);
    }
}

/// Streams that are fed by the test: each subscriber gets the next of them.
#[derive(Clone, Default)]
struct Feeds {
    senders: Arc<Mutex<Vec<mpsc::UnboundedSender<Fed>>>>,
    watch: Watch,
}

/// What a test feeds.
type Fed = Result<u32, RpcError>;

impl Feeds {
    fn open(&self) -> Watched<mpsc::UnboundedReceiver<Fed>> {
        let (sender, receiver) = mpsc::unbounded();
        self.senders.lock().unwrap().push(sender);
        self.watch.on(receiver)
    }

    fn service(&self) -> Dispatcher {
        let (feeds, later) = (self.clone(), self.clone());
        Dispatcher::new()
            .method("echo", |value: u32| value)
            .subscription("sub", "tick", "unsub", move || feeds.open())
            .subscription("sub_later", "late", "unsub_later", move |how: String| {
                let feeds = later.clone();
                async move {
                    match &*how {
                        "fail" => Err(RpcError::server("no")),
                        "never" => std::future::pending().await,
                        _ => Ok(feeds.open()),
                    }
                }
            })
    }

    fn send(&self, index: usize, item: u32) {
        _ = self.senders.lock().unwrap()[index].unbounded_send(Ok(item));
    }

    fn fail(&self, index: usize) {
        _ = self.senders.lock().unwrap()[index].unbounded_send(Err(RpcError::new(17, "broken")));
    }

    fn end(&self, index: usize) {
        self.senders.lock().unwrap()[index].close_channel();
    }
}

fn tick(id: usize, result: u32) -> String {
    format!(r##"{{"method":"tick","params":{{"subscription":#{id},"result":{result}}}}}"##)
}

#[test]
fn ids_and_items_and_the_end() {
    let feeds = Feeds::default();
    let mut server = Server::new(feeds.service());
    server.call(&[("sub", "[]"), ("sub", "[]")]);
    server.says(&[r##"{"id":0,"result":#0}"##, r##"{"id":1,"result":#1}"##]);
    for n in 0..3 {
        feeds.send(1, n);
    }
    feeds.send(0, 7);
    let said = server.said();
    let of = |id: usize| said.iter().filter(move |line| line.contains(&format!("#{id}"))).cloned();
    assert_eq!(of(1).collect::<Vec<_>>(), [tick(1, 0), tick(1, 1), tick(1, 2)]);
    assert_eq!(of(0).collect::<Vec<_>>(), [tick(0, 7)]);
    // Its own error ends one, and the other has nothing more to say.
    feeds.send(0, 8);
    feeds.fail(0);
    feeds.end(1);
    let mut said = server.said();
    said.sort();
    assert_eq!(
        said,
        [
            r##"{"method":"tick","params":{"subscription":#0,"error":{"code":17,"message":"broken"}}}"##,
            &tick(0, 8),
            r##"{"method":"tick","params":{"subscription":#1,"error":{"code":-32015,"message":"the subscription has ended"}}}"##,
        ]
    );
    assert_eq!((feeds.watch.alive(), server.subscriptions()), (0, 0));
    server.call(&[("unsub", "[#0]"), ("unsub", "[#1]")]);
    server.says(&[r#"{"id":0,"result":false}"#, r#"{"id":1,"result":false}"#]);
}

#[test]
fn unsubscribing_drops_the_stream_before_it_is_answered() {
    let feeds = Feeds::default();
    let mut server = Server::new(feeds.service());
    server.call(&[("sub", "[]"), ("sub_later", "[\"now\"]")]);
    server.says(&[r##"{"id":0,"result":#0}"##, r##"{"id":1,"result":#1}"##]);
    assert_eq!((feeds.watch.alive(), server.subscriptions()), (2, 2));
    // Those of another method, of another connection and of nobody are left alone.
    let mut other = Server::new(feeds.service());
    other.call(&[("unsub", &server.long("[#0]"))]);
    other.says(&[r#"{"id":0,"result":false}"#]);
    server.call(&[("unsub", "[#1]"), ("unsub", "[\"0x1\"]"), ("unsub", "[4]")]);
    server.says(&[
        r#"{"id":0,"result":false}"#,
        r#"{"id":1,"result":false}"#,
        r#"{"id":2,"result":false}"#,
    ]);
    // What came in the same turn is too late.
    feeds.send(0, 1);
    server.call(&[("unsub", "[#0]"), ("unsub_later", r##"{"subscription":#1}"##)]);
    server.engine.turn(&mut server.incoming, 0, &mut Context::from_waker(Waker::noop()));
    assert_eq!((feeds.watch.alive(), server.subscriptions()), (0, 0));
    server.says(&[r#"{"id":0,"result":true}"#, r#"{"id":1,"result":true}"#]);
    server.call(&[("unsub", "[#0]")]);
    server.says(&[r#"{"id":0,"result":false}"#]);
}

#[test]
fn the_end_of_a_connection_drops_all_streams() {
    let feeds = Feeds::default();
    let mut server = Server::new(feeds.service());
    server.call(&[("sub", "[]"), ("sub", "[]"), ("sub_later", "[\"never\"]")]);
    server.said();
    assert_eq!((feeds.watch.alive(), server.subscriptions()), (2, 3));
    let table = Arc::clone(&server.engine.scope().subscriptions);
    server.engine.abort_all();
    assert_eq!((feeds.watch.alive(), table.len()), (0, 0));
    // Where it is dropped as a whole, it is no different, not even for what has not begun.
    let mut server = Server::new(feeds.service());
    server.call(&[("sub", "[]")]);
    let mut cx = Context::from_waker(Waker::noop());
    server.engine.handle(&mut server.incoming, &mut cx);
    assert_eq!(feeds.watch.alive(), 1);
    let table = Arc::clone(&server.engine.scope().subscriptions);
    drop(server);
    assert_eq!((feeds.watch.alive(), table.len()), (0, 0));
}

/// The stream has items from the first moment on.
#[test]
fn nothing_overtakes_the_answer() {
    fn service(go: oneshot::Receiver<()>) -> Dispatcher {
        let go = Mutex::new(Some(go));
        Dispatcher::new()
            .subscription("sub", "tick", "unsub", || stream::iter([1, 2]))
            .subscription("sub_async", "tick", "unsub_async", async || stream::iter([1, 2]))
            .method("wait", move || {
                let go = go.lock().unwrap().take().unwrap();
                async move { _ = go.await }
            })
    }
    let ended = r##"{"method":"tick","params":{"subscription":#0,"error":{"code":-32015,"message":"the subscription has ended"}}}"##;
    let (one, two) = (tick(0, 1), tick(0, 2));
    let behind = [one.as_str(), &two, ended];
    let expect = |answers: &[&str]| -> Vec<String> {
        [answers, &behind].concat().into_iter().map(str::to_owned).collect()
    };
    for method in ["sub", "sub_async"] {
        let (_go, gone) = oneshot::channel();
        let mut server = Server::new(service(gone));
        server.call(&[(method, "[]")]);
        assert_eq!(server.said(), expect(&[r##"{"id":0,"result":#0}"##]));

        // The answer waits for those before it.
        let (go, gone) = oneshot::channel();
        let in_order = |settings| Settings { reply_order: ReplyOrder::InOrder, ..settings };
        let mut server = Server::with(service(gone), in_order);
        server.call(&[("wait", "[]"), (method, "[]")]);
        server.says(&[]);
        go.send(()).unwrap();
        let answers = [r#"{"id":0,"result":null}"#, r##"{"id":1,"result":#0}"##];
        assert_eq!(server.said(), expect(&answers));

        // The answer waits for those of its batch.
        let (go, gone) = oneshot::channel();
        let mut server = Server::new(service(gone));
        server.hear(&format!(
            r#"[{{"jsonrpc":"2.0","id":0,"method":"{method}"}},{{"jsonrpc":"2.0","id":1,"method":"wait"}}]"#
        ));
        server.says(&[]);
        go.send(()).unwrap();
        let batch = r##"[{"id":0,"result":#0},{"id":1,"result":null}]"##;
        assert_eq!(server.said(), expect(&[batch]));
    }
}

#[test]
fn what_is_refused_makes_no_stream() {
    let feeds = Feeds::default();
    let limits = Limits { max_subscriptions: 2, ..Limits::default() };
    let mut server = Server::limited(feeds.service(), limits);
    server.call(&[
        ("sub", "[1]"),
        ("sub_later", "[\"fail\"]"),
        ("sub_later", "[\"never\"]"),
        ("sub", "[]"),
        ("sub", "[]"),
    ]);
    server.hear(r#"{"jsonrpc":"2.0","method":"sub"}"#);
    let refusal = r#"{"code":-32010,"message":"too many subscriptions: the limit `max_subscriptions` of 2 is reached","data":"rpc.not_executed"}"#;
    let mut said = server.said();
    said.sort();
    assert!(said[0].starts_with(r#"{"id":0,"error":{"code":-32602,"#), "{}", said[0]);
    assert_eq!(said[1], r#"{"id":1,"error":{"code":-32000,"message":"no"}}"#);
    // The one that fails is known to have failed only behind those that were refused meanwhile.
    assert_eq!(said[2], format!(r#"{{"id":3,"error":{refusal}}}"#));
    assert_eq!(said[3], format!(r#"{{"id":4,"error":{refusal}}}"#));
    assert_eq!((feeds.watch.alive(), server.subscriptions(), said.len()), (0, 1, 4));
    server.call(&[("sub", "[]"), ("sub", "[]")]);
    server.says(&[r##"{"id":0,"result":#0}"##, &format!(r#"{{"id":1,"error":{refusal}}}"#)]);
    // A place that is free again is taken again, and an id never.
    server.call(&[("unsub", "[#0]"), ("sub", "[]")]);
    server.says(&[r#"{"id":0,"result":true}"#, r##"{"id":1,"result":#1}"##]);
}

#[test]
fn an_answer_that_becomes_an_error_leaves_no_stream() {
    /// Tells nobody of its successes.
    struct Grudge<S>(S);

    impl<S: Service> Service for Grudge<S> {
        fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
            let started = self.0.start(invocation, reply);
            reply.reset();
            reply.error(&RpcError::server("no"));
            started
        }
    }

    let feeds = Feeds::default();
    let mut server = Server::new(Grudge(feeds.service()));
    server.call(&[("sub", "[]")]);
    server.says(&[r#"{"id":0,"error":{"code":-32000,"message":"no"}}"#]);
    assert_eq!((feeds.watch.alive(), server.subscriptions()), (0, 0));
}

#[test]
fn a_stream_that_panics_ends_alone() {
    let mut server = Server::new(
        Dispatcher::new()
            .subscription("sub", "tick", "unsub", || {
                stream::poll_fn(|_| -> Poll<Option<u32>> { panic!("no more of this") })
            })
            .method("echo", |value: u32| value),
    );
    server.call(&[("sub", "[]"), ("echo", "[5]")]);
    server.says(&[r##"{"id":0,"result":#0}"##, r#"{"id":1,"result":5}"#]);
    assert_eq!(server.subscriptions(), 0);
}

#[test]
#[should_panic(expected = "would send its errors as items")]
fn an_error_is_never_an_item() {
    let items = || stream::iter([Ok::<u32, String>(1)]);
    drop(Dispatcher::new().subscription("sub", "tick", "unsub", items));
}

#[test]
fn exchanges_have_none() {
    let endpoint = crate::Endpoint::new(Feeds::default().service(), JsonRpc);
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"sub"}"#;
    let crate::Dispatched::Ready(Some(answer)) = endpoint.dispatch_now(call) else {
        panic!("no answer at once");
    };
    let answer = str::from_utf8(&answer).unwrap();
    assert!(answer.contains("-32601") && answer.contains("permanent connection"), "{answer}");
}

/// Numbers from 0 to 999, and which of them arrive at a peer that takes nothing before all have
/// come or nobody asks for more.
#[test]
fn slow_subscribers() {
    // A connection with room for the answer and a few items.
    let limits = Limits { max_outgoing: 512, ..Limits::default() };
    let run = |slow: Option<(Slow, usize)>| {
        let watch = Watch::default();
        let streams = watch.clone();
        let service = Dispatcher::new()
            .subscription("sub", "tick", "unsub", move || streams.on(stream::iter(0..1000)));
        let service = match slow {
            Some((slow, buffer)) => service.slow(slow, buffer),
            None => service,
        };
        let mut server = Server::limited(service, limits.clone());
        server.call(&[("sub", "[]")]);
        for _ in 0..10 {
            server.turns();
        }
        let asked = watch.asked.load(SeqCst);
        let mut items = Vec::new();
        let mut last = String::new();
        loop {
            let said = server.said();
            let Some(end) = said.last() else { break };
            last = end.clone();
            let numbers = said.iter().filter_map(|line| {
                let (_, rest) = line.split_once(r#","result":"#)?;
                rest.strip_suffix("}}")?.parse::<u32>().ok()
            });
            items.extend(numbers);
        }
        assert_eq!((watch.alive(), server.subscriptions()), (0, 0));
        (asked, items, last)
    };
    let all: Vec<u32> = (0..1000).collect();
    for slow in [None, Some((Slow::Wait, 10))] {
        let (asked, items, last) = run(slow);
        assert!(asked < 10, "asked for {asked} items that nobody takes");
        assert_eq!(items, all);
        assert!(last.contains("-32015"), "{last}");
    }
    let room = run(None).0 - 1;
    let (_, items, last) = run(Some((Slow::DropNewest, 10)));
    // Those that were sent, the one that waits for room, and ten behind it.
    assert_eq!(items, all[..room + 11]);
    assert!(last.contains("-32015"), "{last}");
    let (_, items, last) = run(Some((Slow::DropOldest, 10)));
    assert_eq!(items, [&all[..=room], &all[990..]].concat());
    assert!(last.contains("-32015"), "{last}");
    let (asked, items, last) = run(Some((Slow::Close, 10)));
    assert!(asked < 25, "asked for {asked} items of a stream that is closed");
    assert_eq!(items, all[..room + 11]);
    assert!(last.contains("-32016") && last.contains("more than 10 items wait"), "{last}");
}

/// A stream that always has more leaves room for others.
#[test]
fn an_endless_stream_starves_nobody() {
    let service = Dispatcher::new()
        .subscription("sub", "tick", "unsub", || stream::iter(0u64..))
        .slow(Slow::DropOldest, 4)
        .method("echo", |value: u32| value);
    let mut server = Server::new(service);
    server.call(&[("sub", "[]")]);
    server.said();
    server.call(&[("echo", "[5]")]);
    assert!(server.said().contains(&r#"{"id":0,"result":5}"#.to_owned()));
    server.call(&[("unsub", "[#0]")]);
    let said = server.said();
    assert_eq!(said.last().map(String::as_str), Some(r#"{"id":0,"result":true}"#));
    server.says(&[]);
}
