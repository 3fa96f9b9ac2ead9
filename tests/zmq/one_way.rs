//! PUSH to PULL and PUB to SUB: notifications that nobody answers.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use tinyrpc::{
    Client, Dispatcher, Error, Limits, Outcome, Reason, Server, ServerHandle,
    protocols::{JsonRpc, MsgPackRpc},
    transports::zmq::{Endpoint, ZmqConnector, ZmqEndpoints, ZmqListener},
};
use tokio::time::timeout;
use zmq::{PUB, PULL, PUSH, SUB};

use crate::{PATIENCE, beside, folder::Folder, socket, until};

/// A service that notes what it is told.
struct Ear {
    server: ServerHandle,
    endpoints: ZmqEndpoints,
    heard: Arc<Mutex<Vec<i64>>>,
}

impl Ear {
    fn new(listener: ZmqListener) -> Self {
        let heard: Arc<Mutex<Vec<i64>>> = Arc::default();
        let note = Arc::clone(&heard);
        let service = Dispatcher::new()
            .method("note", move |n: i64| note.lock().expect("no panic").push(n))
            .method("add", |a: i64, b: i64| a + b);
        let endpoints = listener.endpoints();
        Self { server: Server::new(service).listen_on(listener), endpoints, heard }
    }

    fn pulling() -> Self {
        Self::new(ZmqListener::new(&Limits::default()).pulling())
    }

    fn heard(&self) -> Vec<i64> {
        self.heard.lock().expect("no panic").clone()
    }

    async fn hears(&self, expected: &[i64]) {
        until(async || self.heard().len() >= expected.len()).await;
        assert_eq!(self.heard(), expected);
    }
}

fn limits() -> Arc<Limits> {
    Arc::new(Limits::default())
}

fn tcp() -> Endpoint {
    Endpoint::Tcp("127.0.0.1:0".into())
}

async fn client(connector: &ZmqConnector) -> Client {
    Client::builder(connector.clone(), JsonRpc).connect().await.expect("it begins")
}

async fn tell(client: &Client, n: i64) {
    client.notify("note", (n,)).await.expect("it is sent");
}

/// Nothing waits for an answer that cannot come.
async fn check_calls(client: &Client) {
    let error = client.call::<_, i64>("add", (1, 2)).await.expect_err("it goes one way");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert!(matches!(&error, Error::NotExecuted(Reason::Unsupported(_))), "{error}");
    assert!(error.to_string().contains("one-way"), "{error}");
}

#[tokio::test]
async fn either_side_binds() {
    let folder = Folder::new();
    let path = |name: &str| Endpoint::Ipc(folder.fresh(name).display().to_string());
    let all: Vec<i64> = (0..2000).collect();
    for endpoint in [tcp(), path("a"), Endpoint::Inproc("one_way.a".into())] {
        let ear = Ear::pulling();
        let at = ear.endpoints.bind(&endpoint).await.expect("it is free");
        let client = client(&ZmqConnector::new(at, limits()).pushing()).await;
        check_calls(&client).await;
        for &n in &all {
            tell(&client, n).await;
        }
        // The linger is short: whoever hears it may be slow.
        ear.hears(&all).await;
        tell(&client, 2000).await;
        assert!(timeout(PATIENCE, client.close()).await.expect("it closes"));
        until(async || ear.heard().len() > all.len()).await;
    }
    for endpoint in [tcp(), path("b"), Endpoint::Inproc("one_way.b".into())] {
        let connector = ZmqConnector::bound(endpoint, limits()).pushing();
        let client = client(&connector).await;
        // What is said before anybody is there waits.
        tell(&client, 0).await;
        let ear = Ear::pulling();
        ear.endpoints.connect(&connector.bound_endpoints()[0]).await.expect("an endpoint");
        for &n in &all[1..] {
            tell(&client, n).await;
        }
        check_calls(&client).await;
        ear.hears(&all).await;
    }
}

/// Each goes to one of those that are there; in both protocols, at one endpoint.
#[tokio::test]
async fn work_is_shared() {
    let ears = [Ear::pulling(), Ear::pulling(), Ear::pulling()];
    let mut connector: Option<ZmqConnector> = None;
    for ear in &ears {
        let at = ear.endpoints.bind(&tcp()).await.expect("it is free");
        connector = Some(match connector {
            None => ZmqConnector::new(at, limits()).pushing(),
            Some(connector) => connector.and_connect(at),
        });
    }
    let connector = connector.expect("there are three");
    let one = client(&connector).await;
    let two = Client::builder(connector, MsgPackRpc).connect().await.expect("it begins");
    for n in 0..600 {
        tell(if n % 2 == 0 { &one } else { &two }, n).await;
    }
    let total = || ears.iter().map(|ear| ear.heard().len()).sum::<usize>();
    until(async || total() >= 600).await;
    let mut all = ears.iter().flat_map(Ear::heard).collect::<Vec<_>>();
    all.sort_unstable();
    assert_eq!(all, (0..600).collect::<Vec<_>>());
    assert!(ears.iter().all(|ear| ear.heard().len() >= 100), "everybody has a share");
    // One goes, and the others go on.
    let [first, rest @ ..] = &ears;
    first.server.shutdown().await;
    let before = rest.iter().map(|ear| ear.heard().len()).sum::<usize>();
    until(async || {
        tell(&one, 1).await;
        rest.iter().map(|ear| ear.heard().len()).sum::<usize>() > before + 20
    })
    .await;
}

/// Everybody who has subscribed hears it, and nobody else.
#[tokio::test]
async fn news_go_to_all() {
    let topics = |topics: &[&str]| {
        let topics: Vec<_> = topics.iter().map(|topic| topic.as_bytes().to_vec()).collect();
        Ear::new(ZmqListener::new(&Limits::default()).subscribing(topics))
    };
    let (all, news, sport) = (topics(&[]), topics(&["news"]), topics(&["sport", "golf"]));
    let connector = ZmqConnector::bound(tcp(), limits()).publishing("news.today");
    let client = client(&connector).await;
    check_calls(&client).await;
    let at = connector.bound_endpoints().remove(0);
    for ear in [&all, &news, &sport] {
        ear.endpoints.connect(&at).await.expect("an endpoint");
    }
    until(async || {
        tell(&client, 0).await;
        tokio::task::yield_now().await;
        !all.heard().is_empty() && !news.heard().is_empty()
    })
    .await;
    for n in 1..=100 {
        tell(&client, n).await;
    }
    for ear in [&all, &news] {
        until(async || ear.heard().last() == Some(&100)).await;
        let heard: Vec<_> = ear.heard().into_iter().filter(|n| *n > 0).collect();
        assert_eq!(heard, (1..=100).collect::<Vec<_>>());
    }
    assert!(sport.heard().is_empty());
    // A SUB may be bound as well.
    let golf = ZmqConnector::new(sport.endpoints.bind(&tcp()).await.expect("it is free"), limits());
    let golf = self::client(&golf.publishing("golf")).await;
    until(async || {
        tell(&golf, 1007).await;
        tokio::task::yield_now().await;
        !sport.heard().is_empty()
    })
    .await;
    assert!(!all.heard().contains(&1007));
}

/// Sockets by hand: garbage costs its sender, and nobody else; a call is executed, and that is all.
#[tokio::test]
async fn strangers_send() {
    let limits = Limits { max_message: 4096, ..Limits::default() };
    for (kind, listener) in [
        (PUSH, ZmqListener::new(&limits).pulling()),
        (PUB, ZmqListener::new(&limits).subscribing([""])),
    ] {
        let ear = Ear::new(listener);
        let at = ear.endpoints.bind(&tcp()).await.expect("it is free");
        let address = at.to_string().replace("zmq://", "tcp://");
        let heard = Arc::clone(&ear.heard);
        beside(move || {
            let note = |n: i64| format!(r#"{{"jsonrpc":"2.0","method":"note","params":[{n}]}}"#);
            let call = r#"{"jsonrpc":"2.0","method":"note","params":[-1],"id":1}"#;
            let count = || heard.lock().expect("no panic").len();
            let sender = socket(kind, &address);
            // A PUB says nothing to whoever has not subscribed yet.
            while count() == 0 {
                sender.send(&note(0), 0).expect("room");
                std::thread::yield_now();
            }
            let parts = vec![vec![b'x'; 10]; 200];
            let large = socket(kind, &address);
            for _ in 0..50 {
                sender.send("{", 0).expect("room");
                sender.send("", 0).expect("room");
                sender.send(call, 0).expect("room");
                sender.send_multipart(&parts, 0).expect("room");
                _ = large.send(vec![b'x'; 5000], zmq::DONTWAIT);
            }
            let last = note(1);
            let parts: Vec<_> = vec![b"a".as_slice(), b"", last.as_bytes()];
            sender.send_multipart(parts, 0).expect("room");
            // What was not sent yet goes with the socket.
            let start = Instant::now();
            while heard.lock().expect("no panic").last() != Some(&1) {
                assert!(start.elapsed() < PATIENCE, "the last one is heard");
                std::thread::yield_now();
            }
        })
        .await;
        assert_eq!(ear.heard().iter().filter(|n| **n == -1).count(), 50);
    }
}

/// What our side sends, read by hand.
#[tokio::test]
async fn strangers_receive() {
    for (kind, connector) in [
        (PULL, ZmqConnector::bound(tcp(), limits()).pushing()),
        (SUB, ZmqConnector::bound(tcp(), limits()).publishing("")),
    ] {
        let client = client(&connector).await;
        let address = connector.bound_endpoints()[0].to_string().replace("zmq://", "tcp://");
        let reading = tokio::task::spawn_blocking(move || {
            let socket = socket(kind, &address);
            if kind == SUB {
                socket.set_subscribe(b"").expect("a topic");
            }
            socket.recv_multipart(0).expect("a message in time")
        });
        while !reading.is_finished() {
            tell(&client, 5).await;
            tokio::task::yield_now().await;
        }
        let parts = reading.await.expect("no panic");
        let message = br#"{"jsonrpc":"2.0","method":"note","params":[5]}"#;
        assert_eq!(parts, [message.to_vec()]);
    }
}
