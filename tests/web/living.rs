//! How long connections live: heartbeats that no handler holds up, peers that hang up, and a server
//! that shuts down.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tinyrpc::{ClientBuilder, Dispatcher, Limits, Server, ServerHandle, transports::http::Web};
use tokio::sync::{Notify, oneshot};

use crate::{
    block_on,
    raw::Raw,
    shop::{JSON, Shop, next, post},
    socket::{CLOSE, PING, PONG, Seen, Socket, TEXT, handshake},
    wire::{self, Wire},
};

fn call(method: &str) -> Vec<u8> {
    wire::call(Wire::Json, Some(7), method, &[])
}

/// A service whose `hold` says that it began, and lasts until it is let go or dropped.
struct Held {
    server: ServerHandle,
    address: String,
    began: Arc<Notify>,
    dropped: Arc<Notify>,
    release: Option<oneshot::Sender<()>>,
}

/// Raises a notice when it is dropped.
struct Ends(Arc<Notify>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Held {
    async fn open(url: &str, limits: Limits) -> Self {
        let (began, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (release, released) = oneshot::channel();
        let (begin, drop) = (Arc::clone(&began), Arc::clone(&dropped));
        let released = Mutex::new(Some(released));
        let service =
            Dispatcher::new().method("add", |a: i64, b: i64| a + b).method("hold", move || {
                let ends = Ends(Arc::clone(&drop));
                let released = released.lock().expect("no panic").take();
                begin.notify_one();
                async move {
                    let _ends = ends;
                    match released {
                        Some(released) => released.await.is_ok(),
                        None => std::future::pending().await,
                    }
                }
            });
        let server = Server::new(service).limits(limits).listen(url).await.expect("a free port");
        let bound = server.addresses().concat();
        let address = bound.split_once("://").expect("a URL").1.to_owned();
        Self { server, address, began, dropped, release: Some(release) }
    }
}

/// A silent peer is asked twice and then given up; one that answers is not.
#[test]
fn heartbeats() {
    block_on(async {
        let limits = Limits { heartbeat: Duration::from_millis(100), ..Limits::default() };
        let shop = Shop::open("ws://127.0.0.1:0", |server| server.limits(limits)).await;
        let mut living = Socket::open(&shop.address, "/", "").await;
        let mut dead = Socket::open(&shop.address, "/", "").await;
        let mut asked = 0;
        loop {
            match dead.next().await {
                Seen::Frame(first, _) if first == 0x80 | PING => asked += 1,
                Seen::Frame(first, _) if first == 0x80 | CLOSE => break,
                other => panic!("{other:?}"),
            }
            living.expect(PING).await;
            living.frame(PONG, b"").await;
        }
        assert_eq!(asked, 2);
        for _ in 0..4 {
            living.expect(PING).await;
            living.frame(PONG, b"").await;
        }
        living.frame(TEXT, &wire::probe(Wire::Json)).await;
        assert!(wire::is_probed(Wire::Json, &living.expect(TEXT).await));
    });
}

/// Neither pings nor heartbeats wait for handlers: not for one that goes on, nor for a thread that
/// blocks for many of them.
#[test]
fn handlers_hold_nothing_up() {
    block_on(async {
        let limits = Limits { heartbeat: Duration::from_millis(50), ..Limits::default() };
        let mut held = Held::open("ws://127.0.0.1:0", limits.clone()).await;
        let mut peer = Socket::open(&held.address, "/", "").await;
        peer.frame(TEXT, &call("hold")).await;
        held.began.notified().await;
        for _ in 0..5 {
            assert_eq!(peer.next().await, Seen::Frame(0x80 | PING, Vec::new()));
            peer.frame(PONG, b"").await;
        }
        held.release.take().expect("once").send(()).expect("it waits");
        let answer = loop {
            match peer.next().await {
                Seen::Frame(0x81, answer) => break answer,
                Seen::Frame(..) => peer.frame(PONG, b"").await,
                other => panic!("{other:?}"),
            }
        };
        assert!(String::from_utf8_lossy(&answer).contains("true"), "{answer:?}");

        let work = || std::thread::sleep(Duration::from_millis(600));
        let service = Dispatcher::new().method("work", work).blocking();
        let server = Server::new(service).limits(limits.clone());
        let server = server.listen("ws://127.0.0.1:0").await.expect("a free port");
        let url = format!("jsonrpc+{}", server.addresses().concat());
        let client = ClientBuilder::from_url(url).expect("a URL").limits(limits);
        let client = client.connect().await.expect("it listens");
        client.call::<_, ()>("work", ()).await.expect("it lives");
    });
}

/// Whoever hangs up, or waits no longer, has its handler cancelled.
#[test]
fn hang_ups() {
    block_on(async {
        for url in ["http://127.0.0.1:0", "ws://127.0.0.1:0"] {
            let held = Held::open(url, Limits::default()).await;
            if url.starts_with("http") {
                let mut peer = Raw::connect(&held.address).await.expect("it listens");
                peer.send(&post(JSON, &call("hold"))).await.expect("it listens");
                held.began.notified().await;
            } else {
                let mut peer = Socket::open(&held.address, "/", "").await;
                peer.frame(TEXT, &call("hold")).await;
                held.began.notified().await;
            }
            held.dropped.notified().await;
        }
        // Over HTTP a call that is given up closes its connection.
        let held = Held::open("http://127.0.0.1:0", Limits::default()).await;
        let client =
            tinyrpc::connect(format!("http://{}", held.address)).await.expect("it listens");
        let caller = client.with_timeout(Duration::from_millis(50));
        caller.call::<_, bool>("hold", ()).await.expect_err("nobody answers");
        held.dropped.notified().await;
    });
}

/// A shutdown says farewell over WebSocket, lets go who is served, and executes nothing more.
#[test]
fn shutdowns() {
    block_on(async {
        let mut held = Held::open("tcp://127.0.0.1:0", Limits::default()).await;
        let mut socket = Socket::open(&held.address, "/", "").await;
        socket.frame(TEXT, &wire::probe(Wire::Json)).await;
        socket.expect(TEXT).await;
        let mut posting = Raw::connect(&held.address).await.expect("it listens");
        posting.send(&post(JSON, &call("hold"))).await.expect("it listens");
        held.began.notified().await;
        let mut late = Raw::connect(&held.address).await.expect("it listens");
        late.send(&post(JSON, &wire::probe(Wire::Json))).await.expect("it listens");
        assert_eq!(next(&mut late).await.expect("an answer").status, 200);

        let server = held.server.clone();
        let shutdown = tokio::spawn(async move { server.shutdown().await });
        assert_eq!(socket.expect(CLOSE).await, 1001_u16.to_be_bytes());
        // A connection that is kept is closed, or says that nothing was executed.
        _ = late.send(&post(JSON, &call("hold"))).await;
        if let Some(reply) = next(&mut late).await {
            assert_eq!((reply.status, reply.header("rpc-outcome")), (503, Some("not-executed")));
        }
        held.release.take().expect("once").send(()).expect("it waits");
        let reply = next(&mut posting).await.expect("an answer");
        assert!(String::from_utf8_lossy(&reply.body).contains("true"), "{reply:?}");
        shutdown.await.expect("it ends");
        assert!(Raw::connect(&held.address).await.is_err(), "it listens");
    });
}

/// The service under its path, a page beside it, and nothing elsewhere.
#[test]
fn paths() {
    block_on(async {
        let web = Web::new().path("/rpc").page("/", "text/plain", "a page");
        let shop = Shop::open("ws://127.0.0.1:0", |server| server.web(web)).await;
        for (path, status) in [("/rpc", 101), ("/", 404), ("/rpc/", 404), ("/rpc?a=b", 101)] {
            let peer = Socket::open(&shop.address, path, "").await;
            assert_eq!(peer.reply.status, status, "{path}");
        }
        for (path, status, words) in [("/", 200, "a page"), ("/rpc", 426, "send an upgrade")] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let reply = shop.ask(request.as_bytes()).await;
            assert_eq!(reply.status, status, "{path}");
            assert!(String::from_utf8_lossy(&reply.body).contains(words), "{path}: {reply:?}");
        }
    });
}

/// A subprotocol is agreed on where both sides know one.
#[test]
fn subprotocols() {
    block_on(async {
        for (url, offer, agreed) in [
            ("ws://127.0.0.1:0", "", None),
            ("ws://127.0.0.1:0", "msgpack", Some("msgpack")),
            ("ws://127.0.0.1:0", "graphql, jsonrpc, msgpack", Some("jsonrpc")),
            ("ws://127.0.0.1:0", "graphql", None),
            ("msgpack+ws://127.0.0.1:0", "jsonrpc, msgpack", Some("msgpack")),
            ("msgpack+ws://127.0.0.1:0", "jsonrpc", None),
            ("tcp://127.0.0.1:0", "jsonrpc", Some("jsonrpc")),
        ] {
            let shop = Shop::open(url, |server| server).await;
            let header = match offer {
                "" => String::new(),
                offer => format!("Sec-WebSocket-Protocol: {offer}\r\n"),
            };
            let peer = Socket::open(&shop.address, "/", &header).await;
            assert_eq!(peer.reply.status, 101, "{offer}");
            assert_eq!(peer.reply.header("sec-websocket-protocol"), agreed, "{url} {offer}");
        }
        // A handshake that is none.
        let shop = Shop::open("ws://127.0.0.1:0", |server| server).await;
        let whole = String::from_utf8(handshake("/", "")).expect("text");
        for (name, request) in [
            ("an old version", whole.replace("Version: 13", "Version: 8")),
            ("no key", whole.replace("Sec-WebSocket-Key", "X-Key")),
            ("no version", whole.replace("Sec-WebSocket-Version", "X-Version")),
        ] {
            assert_eq!(shop.ask(request.as_bytes()).await.status, 400, "{name}");
        }
    });
}
