//! A server that runs out of descriptors, and goes on when there are some again.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use tinyrpc::{Dispatcher, Server};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::TcpStream,
    process::Command,
};

use crate::{
    beside, block_on,
    raw::{Raw, soon},
    wire::{self, Wire},
};

/// Descriptors of the server's process.
const LIMIT: usize = 64;
/// Connections that are made to it.
const CONNECTIONS: usize = 200;
/// Says to a copy of this test that it is to be the server.
const ROLE: &str = "TINYRPC_TEST_DESCRIPTORS";

#[cfg(unix)]
#[test]
fn a_server_without_descriptors_serves_again() {
    beside(|| block_on(run_out_and_recover()));
}

/// The server: a process of its own, because the limit is one of the whole process.
#[test]
fn server_process() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    block_on(async {
        let service = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
        let server = Server::new(service).listen("tcp://127.0.0.1:0").await.expect("a free port");
        // Its own line: the test harness leaves one unfinished.
        eprintln!("\nready {}", server.addresses().concat());
        // Whoever started it is gone when this ends.
        _ = tokio::io::stdin().read(&mut [0]).await;
    });
}

async fn assert_probed(peer: &mut Raw<TcpStream>) {
    let answer = soon(peer.message()).await.expect("an answer");
    assert!(wire::is_probed(Wire::Json, &answer));
}

async fn run_out_and_recover() {
    let test = std::env::current_exe().expect("the path of this test");
    let mut process = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -n {LIMIT} && exec \"$0\" \"$@\""))
        .arg(test)
        .args(["descriptors::server_process", "--exact", "--nocapture"])
        .env(ROLE, "server")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a shell");
    let mut lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
    let address = loop {
        let line = lines.next_line().await.expect("text").expect("it says where it listens");
        if let Some(address) = line.strip_prefix("ready ") {
            break address.to_owned();
        }
    };

    let call = wire::on_stream(Wire::Json, wire::probe(Wire::Json));
    let mut peers = Vec::new();
    for _ in 0..CONNECTIONS {
        // Those that are not accepted wait in the system's queue.
        let mut peer = Raw::connect(&address).await.expect("the queue has room");
        peer.send(&call).await.expect("the system keeps it");
        peers.push(peer);
    }
    // In the order in which they came, as many are served as there are descriptors.
    for peer in &mut peers[..LIMIT / 2] {
        assert_probed(peer).await;
    }
    // The server has many more turns, and cannot accept any more.
    for _ in 0..20 {
        peers[0].send(&call).await.expect("it is served");
        assert_probed(&mut peers[0]).await;
    }
    let answered = peers[LIMIT / 2..].iter().filter(|peer| peer.stream.try_read(&mut [0]).is_ok());
    let answered = LIMIT / 2 + answered.count();
    assert!(answered < LIMIT, "{answered} connections fit into {LIMIT} descriptors");
    // The call of the last one waits since it was sent, and is answered when the others have gone.
    let mut last = peers.pop().expect("a peer");
    peers.clear();
    let released = Instant::now();
    assert_probed(&mut last).await;
    let waited = released.elapsed();
    assert!(waited < Duration::from_secs(2), "it took {waited:?} to serve again");
    // And so are new ones.
    for _ in 0..LIMIT / 2 {
        let mut peer = Raw::connect(&address).await.expect("it listens");
        peer.send(&call).await.expect("it is served");
        assert_probed(&mut peer).await;
        peers.push(peer);
    }
    drop(process.stdin.take());
    let status = soon(process.wait()).await.expect("it ends");
    assert!(status.success(), "{status}");
}
