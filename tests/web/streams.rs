//! Streams over plain HTTP: lines and events, what ends them, and what holds them up.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::stream::{self, StreamExt};
use http_body_util::BodyExt;
use tinyrpc::{
    Code, Dispatcher, Limits, RpcError, Server, ServerHandle, produce, transports::http::Web,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};
use tower::ServiceExt;

use crate::{
    block_on,
    raw::Raw,
    shop::{JSON, Reply, next, post},
};

const LINES: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";

/// What the handlers tell.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) produced: AtomicU64,
    pub(crate) alive: AtomicU64,
    changed: Notify,
}

struct Alive(Arc<Watch>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Watch {
    fn enter(self: &Arc<Self>) -> Alive {
        self.alive.fetch_add(1, SeqCst);
        self.changed.notify_waiters();
        Alive(Arc::clone(self))
    }

    pub(crate) async fn until(&self, done: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            if done(self) {
                return;
            }
            changed.await;
        }
    }
}

fn service(watch: &Arc<Watch>) -> Dispatcher {
    let (endless, quiet) = (Arc::clone(watch), Arc::clone(watch));
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .stream("count", |to: u64| stream::iter(0..to))
        .stream("fails", |at: u64| {
            produce(move |out| async move {
                for number in 0..at {
                    out.send(number).await;
                }
                Err(RpcError::new(Code(18), "that was all"))
            })
        })
        .stream("texts", |count: u64, size: usize| {
            stream::iter((0..count).map(move |number| format!("{number} {}", "x".repeat(size))))
        })
        .stream("repeat", |count: usize, text: String| stream::iter(vec![text; count]))
        .stream("endless", move |size: usize| {
            let (alive, text) = (endless.enter(), "x".repeat(size));
            stream::repeat(text).inspect(move |_| {
                alive.0.produced.fetch_add(1, SeqCst);
            })
        })
        // One value, and then nothing for ever.
        .stream("quiet", move || {
            let alive = quiet.enter();
            stream::iter([1]).chain(stream::pending()).inspect(move |_| _ = &alive)
        })
}

pub(crate) struct Open {
    _server: ServerHandle,
    pub(crate) address: String,
    pub(crate) watch: Arc<Watch>,
}

pub(crate) async fn open(url: &str, build: impl FnOnce(Server) -> Server) -> Open {
    let watch = Arc::default();
    let server = build(Server::new(service(&watch))).listen(url).await.expect("a free port");
    let address = server.addresses().concat().split_once("://").expect("a URL").1.to_owned();
    Open { _server: server, address, watch }
}

impl Open {
    async fn visit(&self) -> Raw<TcpStream> {
        Raw::connect(&self.address).await.expect("it listens")
    }

    /// Asks on a connection of its own.
    async fn ask(&self, accept: &str, body: &str) -> Reply {
        let mut peer = self.visit().await;
        peer.send(&accepting(accept, body)).await.expect("it listens");
        let reply = next(&mut peer).await.expect("an answer");
        // The connection goes on.
        peer.send(&accepting("*/*", &call(9, "add", "[2,3]"))).await.expect("it listens");
        let after = next(&mut peer).await.expect("another answer");
        assert_eq!(after.header("content-type"), Some("application/json"));
        assert_eq!(after.body, br#"{"jsonrpc":"2.0","id":9,"result":5}"#, "{after:?}");
        reply
    }

    /// Begins a call and reads until its first value.
    async fn begin(&self, method: &str, params: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).await.expect("it listens");
        let request = accepting(LINES, &call(7, method, params));
        stream.write_all(&request).await.expect("it listens");
        let mut heard = Vec::new();
        while !contains(&heard, "]}\n\r\n") {
            assert!(stream.read_buf(&mut heard).await.expect("it lives") > 0, "{heard:?}");
        }
        stream
    }
}

fn contains(heard: &[u8], words: &str) -> bool {
    heard.windows(words.len()).any(|window| window == words.as_bytes())
}

fn call(id: u64, method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#)
}

fn accepting(accept: &str, body: &str) -> Vec<u8> {
    post(&format!("{JSON}Accept: {accept}\r\n"), body.as_bytes())
}

/// The messages of a body, whole or in chunks.
fn unchunked(reply: &Reply) -> String {
    let mut rest = reply.body.as_slice();
    if reply.header("transfer-encoding") != Some("chunked") {
        return String::from_utf8(rest.to_vec()).expect("text");
    }
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").expect("a line");
        let size = std::str::from_utf8(&rest[..line]).expect("text");
        let size = usize::from_str_radix(size, 16).expect("a size");
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 4 + size..];
        if size == 0 {
            return String::from_utf8(body).expect("text");
        }
    }
}

fn item(id: u64, value: impl std::fmt::Display) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"rpc.item","params":[{id},{value}]}}"#)
}

/// What is answered, line by line and event by event.
#[test]
fn transcripts() {
    block_on(async {
        let end = r#"{"jsonrpc":"2.0","id":7,"result":null}"#.to_owned();
        let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":18,"message":"that was all"}}"#;
        for url in ["http://127.0.0.1:0", "tcp://127.0.0.1:0"] {
            let at = open(url, |server| server).await;
            for (method, params, messages) in [
                ("count", "[2]", vec![item(7, 0), item(7, 1), end.clone()]),
                ("count", "[0]", vec![end.clone()]),
                ("fails", "[1]", vec![item(7, 0), error.into()]),
                ("fails", "[0]", vec![error.into()]),
                ("add", "[2,3]", vec![r#"{"jsonrpc":"2.0","id":7,"result":5}"#.into()]),
            ] {
                for accept in [LINES, "application/jsonl", EVENTS] {
                    let reply = at.ask(accept, &call(7, method, params)).await;
                    assert_eq!(reply.status, 200, "{reply:?}");
                    assert_eq!(reply.header("content-type"), Some(accept), "{reply:?}");
                    let expected: String = match accept {
                        EVENTS => messages.iter().map(|it| format!("data: {it}\n\n")).collect(),
                        _ => messages.iter().map(|it| format!("{it}\n")).collect(),
                    };
                    assert_eq!(unchunked(&reply), expected, "{method} as {accept}");
                }
            }
            let reply = at.ask(LINES, &call(7, "texts", "[500,1000]")).await;
            assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
            let lines = unchunked(&reply);
            assert_eq!(lines.lines().count(), 501);
            for (number, line) in lines.lines().take(500).enumerate() {
                let value = format!("\"{number} {}\"", "x".repeat(1000));
                assert_eq!(line, item(7, value));
            }
            // Values that are segments of their own, and ids as they were written.
            let reply = at.ask(LINES, &call(7, "texts", "[5,100000]")).await;
            let lines = unchunked(&reply);
            let starts: Vec<_> = lines.lines().map(|line| &line[..60.min(line.len())]).collect();
            assert_eq!(starts.len(), 6, "{starts:?}");
            assert!(starts[4].contains("[7,\"4 xx"), "{starts:?}");
            let text = r#"{"jsonrpc":"2.0","id":"a","method":"count","params":[1]}"#;
            let lines = unchunked(&at.ask(LINES, text).await);
            assert!(lines.starts_with(&item(0, 0).replace("[0,", "[\"a\",")), "{lines}");
        }
    });
}

/// What is no stream is answered as ever.
#[test]
fn as_ever() {
    block_on(async {
        let at = open("http://127.0.0.1:0", |server| server).await;
        let count = call(7, "count", "[2]");
        let collected = r#"{"jsonrpc":"2.0","id":7,"result":[0,1]}"#;
        let batch = format!("[{count}]");
        let batched = format!("[{collected}]");
        let notification = r#"{"jsonrpc":"2.0","method":"count","params":[2]}"#;
        let credit = r#"{"jsonrpc":"2.0","method":"rpc.credit","params":[7,1,1]}"#;
        let cancel = r#"{"jsonrpc":"2.0","method":"rpc.cancel","params":[7]}"#;
        let preferred = format!("{LINES};q=0.5, application/json");
        let json = Some("application/json");
        for (accept, body, status, media, words) in [
            ("*/*", &*count, 200, json, collected),
            ("application/json", &count, 200, json, collected),
            (&preferred, &count, 200, json, collected),
            ("application/x-ndjson;q=0", &count, 200, json, collected),
            (LINES, &batch, 200, json, &batched),
            (EVENTS, &batch, 200, json, &batched),
            (LINES, notification, 204, None, ""),
            (EVENTS, credit, 204, None, ""),
            ("*/*", cancel, 204, None, ""),
        ] {
            let reply = at.ask(accept, body).await;
            let heard = String::from_utf8_lossy(&reply.body);
            assert_eq!((reply.status, reply.header("content-type")), (status, media), "{heard}");
            assert_eq!(heard, words, "{accept}: {body}");
        }
        for method in ["GET", "HEAD"] {
            let mut peer = at.visit().await;
            let request =
                format!("{method} / HTTP/1.1\r\nHost: localhost\r\nAccept: {EVENTS}\r\n\r\n");
            peer.send(request.as_bytes()).await.expect("it listens");
            let mut heard = Vec::new();
            peer.stream.read_to_end(&mut heard).await.expect("an answer");
            assert!(heard.starts_with(b"HTTP/1.1 405 "), "{}", String::from_utf8_lossy(&heard));
        }
        let reply = at.ask(LINES, "{").await;
        assert!(unchunked(&reply).contains("-32700"), "{reply:?}");
    });
}

/// A client that does not read stops the producer of its stream, and nobody else's; one that is
/// gone drops it.
#[test]
fn who_does_not_read() {
    block_on(async {
        let at = open("http://127.0.0.1:0", |server| server).await;
        let mut slow = at.begin("endless", "[1000]").await;
        // It stands still when others have had many turns without a value more.
        let mut before = 0;
        loop {
            for _ in 0..20 {
                at.ask("*/*", &call(1, "add", "[1,1]")).await;
            }
            let now = at.watch.produced.load(SeqCst);
            if now == before {
                break;
            }
            before = now;
        }
        assert!(before < 20_000, "{before} values of 1 kB were taken ahead");
        // It goes on once what the system had taken was read.
        let mut heard = vec![0; 1 << 20];
        while at.watch.produced.load(SeqCst) == before {
            slow.read_exact(&mut heard).await.expect("it goes on");
        }
        assert_eq!(at.watch.alive.load(SeqCst), 1);
        drop(slow);
        at.watch.until(|watch| watch.alive.load(SeqCst) == 0).await;

        let quiet = at.begin("quiet", "[]").await;
        assert_eq!(at.watch.alive.load(SeqCst), 1);
        drop(quiet);
        at.watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
    });
}

/// A reader that takes nothing is given up, and a quiet stream is no idle connection.
#[test]
fn patience() {
    block_on(async {
        let short = Duration::from_millis(200);
        let limits = Limits { write_stall: short, idle: short, ..Limits::default() };
        let at = open("http://127.0.0.1:0", |server| server.limits(limits)).await;
        let mut quiet = at.begin("quiet", "[]").await;
        let _slow = at.begin("endless", "[1000]").await;
        at.watch.until(|watch| watch.alive.load(SeqCst) == 1).await;
        let more = tokio::time::timeout(2 * short, quiet.read_u8()).await;
        more.expect_err("nothing comes, and no end");
    });
}

/// A server that closes in the middle of a stream does not end it as if it were whole.
#[test]
fn broken_off() {
    block_on(async {
        let at = open("http://127.0.0.1:0", |server| {
            server.limits(Limits { shutdown: Duration::from_millis(100), ..Limits::default() })
        })
        .await;
        let mut quiet = at.begin("quiet", "[]").await;
        at._server.shutdown().await;
        let mut rest = Vec::new();
        _ = quiet.read_to_end(&mut rest).await;
        assert!(!rest.ends_with(b"0\r\n\r\n"), "{}", String::from_utf8_lossy(&rest));
        at.watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
    });
}

/// Inside of somebody else's server.
#[test]
fn mounted() {
    block_on(async {
        let watch = Arc::default();
        let server = Server::new(service(&watch)).web(Web::new()).start();
        let service = server.http_service();
        let request = |accept: &str, method: &str, params: &str| {
            let body = call(7, method, params);
            let request = hyper::Request::post("/").header("host", "localhost");
            let request = request.header("accept", accept);
            request.body(http_body_util::Full::new(hyper::body::Bytes::from(body))).expect("one")
        };
        for to in [1, 5_000] {
            let reply = service.clone().oneshot(request(EVENTS, "count", &format!("[{to}]")));
            let reply = reply.await.unwrap_or_else(|never| match never {});
            assert_eq!(reply.headers()["content-type"], EVENTS);
            let body = reply.into_body().collect().await.expect("a whole body").to_bytes();
            let body = String::from_utf8(body.to_vec()).expect("text");
            assert_eq!(body.matches("data: ").count(), to + 1);
            assert!(body.ends_with("\"id\":7,\"result\":null}\n\n"), "{body}");
        }
        let reply = service.clone().oneshot(request(LINES, "endless", "[1000]")).await;
        let mut body = reply.unwrap_or_else(|never| match never {}).into_body();
        let mut size = 0;
        while size < 1 << 20 {
            let frame = body.frame().await.expect("no end").expect("no error");
            size += frame.into_data().expect("data").len();
        }
        assert_eq!(watch.alive.load(SeqCst), 1);
        drop(body);
        watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
        let reply = service.clone().oneshot(request(LINES, "quiet", "[]")).await;
        let mut body = reply.unwrap_or_else(|never| match never {}).into_body();
        body.frame().await.expect("a value").expect("no error");
        drop(body);
        watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
    });
}

/// By curl, which prints as it reads.
#[test]
fn curl() {
    block_on(async {
        let at = open("http://127.0.0.1:0", |server| server).await;
        let curl = |method: &str, accept: &str| {
            let mut curl = tokio::process::Command::new("curl");
            curl.args(["-sN", "--noproxy", "*", "-H", &format!("Accept: {accept}")]);
            curl.args(["-H", "Content-Type: application/json", "-d", &call(7, method, "[3]")]);
            curl.arg(format!("http://{}/", at.address)).kill_on_drop(true);
            curl.stdout(Stdio::piped()).spawn()
        };
        let Ok(child) = curl("count", LINES) else {
            eprintln!("curl is not installed: skipped");
            return;
        };
        let output = child.wait_with_output().await.expect("it ends");
        let lines = String::from_utf8(output.stdout).expect("text");
        let end = "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":null}\n";
        assert_eq!(lines, format!("{}\n{}\n{}\n{end}", item(7, 0), item(7, 1), item(7, 2)));
        // What it has printed before it is ended came in the middle of the stream.
        let mut child = curl("endless", EVENTS).expect("it is there");
        let mut out = child.stdout.take().expect("it is piped");
        let mut heard = vec![0; 1 << 20];
        out.read_exact(&mut heard).await.expect("it goes on");
        assert!(heard.starts_with(b"data: {\"jsonrpc\""));
        child.kill().await.expect("it runs");
        at.watch.until(|watch| watch.alive.load(SeqCst) == 0).await;
    });
}
