//! The reference MessagePack-RPC implementation for Python, in both directions: its client calls
//! our server, and our client calls its server.
//!
//! `scripts/setup-peers.sh` installs it. Every process that is started here ends with its test.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tinyrpc::{Client, Dispatcher, Error, Outcome, RpcError, Server, connect};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Starting Python takes a second; the rest is for a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

fn python() -> PathBuf {
    const PYTHON: &str = "peers/msgpack-rpc-python/bin/python";
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = std::env::var_os("CARGO_TARGET_DIR").map(|folder| project.join(folder));
    let places = [Some(project.join("target")), built];
    let found = places.into_iter().flatten().map(|place| place.join(PYTHON)).find(|p| p.exists());
    found.expect("msgpack-rpc-python is not there: run scripts/setup-peers.sh first")
}

fn script(name: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/msgpack_rpc_python");
    let mut command = Command::new(python());
    command.arg("-B").arg(folder.join(name)).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Their server. It ends with this value.
struct Peer {
    address: String,
    _process: Child,
}

async fn their_server() -> Peer {
    let mut process = script("server.py").stdout(Stdio::piped()).spawn().expect("Python starts");
    let stdout = process.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("it starts in time");
    let line = line.expect("it is text").expect("it does not end");
    let port = line.strip_prefix("ready ").unwrap_or_else(|| panic!("it says {line}"));
    Peer { address: format!("msgpack+tcp://127.0.0.1:{port}"), _process: process }
}

async fn within<F: Future>(what: F) -> F::Output {
    timeout(PATIENCE, what).await.expect("it hangs")
}

/// What `client.py` asks for.
fn service() -> Dispatcher {
    let noted = Arc::new(AtomicI64::new(0));
    let note = Arc::clone(&noted);
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("echo", |value: Value| value)
        .method("fail", || Err::<(), _>(RpcError::server("it failed")))
        .method("note", move |n: i64| _ = note.fetch_add(n, SeqCst))
        .method("noted", move || noted.load(SeqCst))
}

/// Runs all the checks of `client.py` against a server of ours.
async fn their_client(url: &str) {
    let server = Server::new(service()).listen(url).await.expect("a free port");
    let address = server.addresses().concat();
    let port = address.rsplit(':').next().expect("a port");
    let output = timeout(PATIENCE, script("client.py").arg(port).output()).await;
    let output = output.expect("it ends in time").expect("Python starts");
    let (said, erred) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{erred}");
    let checks = said.lines().filter(|line| line.starts_with("ok ")).count();
    assert_eq!(checks, 11, "{said}");
}

#[tokio::test]
async fn their_client_calls_our_server_that_recognises_protocols() {
    their_client("tcp://127.0.0.1:0").await;
}

#[tokio::test]
async fn their_client_calls_our_server_of_one_protocol() {
    their_client("msgpack+tcp://127.0.0.1:0").await;
}

/// What an old peer says is wrong: a text, and no code of its own.
#[track_caller]
fn assert_text(error: Error, text: &str) {
    let rpc = error.as_rpc().unwrap_or_else(|| panic!("no answer: {error}"));
    assert_eq!(rpc.code.0, -32000);
    assert!(rpc.message.contains(text), "{}", rpc.message);
    assert_eq!(error.outcome(), Outcome::Answered);
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let peer = their_server().await;
    let client = connect(&peer.address).await.expect("it listens");
    within(values(&client)).await;
    within(errors(&client)).await;
    within(notifications(&client)).await;
    within(answers_out_of_order(&client)).await;
    within(pipelining(&client)).await;
    assert_eq!(within(client.call::<_, i64>("add", (20, 22))).await.expect("it lives"), 42);
}

async fn values(client: &Client) {
    for (a, b) in [(2, 3), (-(1 << 31), 1 << 40), (i64::MAX, 0), (i64::MIN, 0), (-32, -33)] {
        assert_eq!(client.call::<_, i64>("add", (a, b)).await.expect("a sum"), a + b);
    }
    client.call::<_, ()>("nothing", ()).await.expect("nothing");
    for length in [0, 31, 32, 255, 256, 65_535, 65_536, 300_000] {
        let text = "s".repeat(length);
        let got: String = client.call("echo", (&text,)).await.expect("a text");
        assert!(got == text, "{length} characters");
    }
    let nested = json!({
        "list": [1, [2, [3, ["four", {"five": 5.5}]]], [], {}],
        "text": "grüße, 世界 😀 ".repeat(20),
        "k".repeat(40): [null, true, false, u64::MAX, i64::MIN],
        "map": {"a": {"b": {"c": (0..200).collect::<Vec<_>>()}}},
    });
    for value in [json!(null), json!(false), json!(1.5), json!([]), json!({}), nested] {
        assert_eq!(client.call::<_, Value>("echo", (&value,)).await.expect("a value"), value);
    }
}

async fn errors(client: &Client) {
    assert_text(client.call::<_, ()>("fail", ()).await.expect_err("an error"), "it failed");
    assert_text(client.call::<_, ()>("nosuch", (1,)).await.expect_err("an error"), "nosuch");
    assert_text(client.call::<_, i64>("add", (1,)).await.expect_err("an error"), "argument");
    assert_text(client.call::<_, i64>("add", (1, 2, 3)).await.expect_err("an error"), "argument");
    // An answer, but not of the type that was asked for.
    let error = client.call::<_, i64>("echo", ("text",)).await.expect_err("an error");
    assert!(matches!(error, Error::Mismatch(_)), "{error}");
    assert_eq!(client.call::<_, i64>("add", (1, 2)).await.expect("it lives"), 3);
}

async fn notifications(client: &Client) {
    for n in 1..=100 {
        client.notify("note", (n,)).await.expect("it is sent");
    }
    client.notify("nosuch", ()).await.expect("it is sent");
    assert_eq!(client.call::<_, i64>("noted", ()).await.expect("a count"), 5050);
}

/// Calls that are made first and answered last.
async fn answers_out_of_order(client: &Client) {
    let mut order = Vec::new();
    let mut calls = Vec::new();
    for value in 0..8_u32 {
        let milliseconds = 20 * (8 - value);
        let call = client.call::<_, u32>("later", (value, milliseconds));
        calls.push(call.send().await.expect("it is sent"));
    }
    let mut calls: futures_util::stream::FuturesUnordered<_> = calls.into_iter().collect();
    while let Some(answer) = futures_util::StreamExt::next(&mut calls).await {
        order.push(answer.expect("a value"));
    }
    assert_ne!(order, (0..8).collect::<Vec<_>>(), "the answers were to overtake each other");
    order.sort_unstable();
    assert_eq!(order, (0..8).collect::<Vec<_>>());
}

async fn pipelining(client: &Client) {
    for round in 0..4_i64 {
        let calls = (0..64).map(|n| client.call::<_, i64>("add", (round * 100, n)));
        let answers = join_all(calls).await;
        for (n, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.expect("a sum"), round * 100 + n as i64);
        }
    }
    // Large answers among small ones.
    let large = "x".repeat(100_000);
    let echo = || client.call::<_, String>("echo", (&large,));
    let add = |n| client.call::<_, i64>("add", (n, n));
    let (one, sums, two) = tokio::join!(echo(), join_all((0..64).map(add)), echo());
    assert!(one.expect("a text") == large && two.expect("a text") == large);
    assert!(sums.into_iter().enumerate().all(|(n, sum)| sum.is_ok_and(|s| s == 2 * n as i64)));
}

/// Clients of both kinds at the same port, at the same time.
#[tokio::test]
async fn both_clients_call_our_server_at_once() {
    let server = Server::new(service()).listen("tcp://127.0.0.1:0").await.expect("a free port");
    let address = server.addresses().concat();
    let port = address.rsplit(':').next().expect("a port");
    let theirs = script("client.py").arg(port).output();
    let ours = async {
        for protocol in ["jsonrpc", "msgpack"] {
            let client = connect(format!("{protocol}+{address}")).await.expect("it listens");
            for n in 0..200 {
                assert_eq!(client.call::<_, i64>("add", (n, n)).await.expect("a sum"), 2 * n);
            }
        }
    };
    let (theirs, ()) = within(async { tokio::join!(theirs, ours) }).await;
    let theirs = theirs.expect("Python starts");
    assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stdout));
}
