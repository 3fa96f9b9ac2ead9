//! ZeroMQ by sockets that are driven by hand: what the suite's own client never does.
#![cfg(all(unix, feature = "zmq", feature = "jsonrpc"))]

#[path = "../support/folder.rs"]
mod folder;
mod one_way;
mod sides;
mod urls;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use tinyrpc::{Dispatcher, Limits, Server, ServerHandle};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::spawn_blocking,
};
use zmq::{Context, DEALER, REQ, Socket, SocketType};

/// No step takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until something holds; the test fails where it never does.
async fn until(mut what: impl AsyncFnMut() -> bool) {
    let holds = async {
        while !what().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.expect("it holds in time");
}

fn service(noted: &Arc<AtomicU32>) -> Dispatcher {
    let noted = Arc::clone(noted);
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("note", move || _ = noted.fetch_add(1, SeqCst))
        .method("size", |text: String| text.len())
}

async fn served(limits: Limits) -> (ServerHandle, String, Arc<AtomicU32>) {
    let noted = Arc::default();
    let server = Server::new(service(&noted)).limits(limits);
    let server = server.listen("zmq://127.0.0.1:0").await.expect("a free port");
    let address = server.addresses().concat().replace("zmq://", "tcp://");
    (server, address, noted)
}

fn socket(kind: SocketType, address: &str) -> Socket {
    let socket = Context::new().socket(kind).expect("a socket");
    socket.set_rcvtimeo(PATIENCE.as_millis() as i32).expect("a timeout");
    socket.set_linger(0).expect("no linger");
    socket.connect(address).expect("an address");
    socket
}

/// Runs a blocking peer beside the server.
async fn beside(peer: impl FnOnce() + Send + 'static) {
    spawn_blocking(peer).await.expect("the peer did not panic");
}

fn add(id: u32) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"add","params":[{id},1],"id":{id}}}"#)
}

fn sum(id: u32) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, id + 1)
}

fn parts(socket: &Socket) -> Vec<String> {
    let parts = socket.recv_multipart(0).expect("an answer in time");
    parts.into_iter().map(|part| String::from_utf8(part).expect("text")).collect()
}

/// A REQ client is stuck if it gets no answer, and fails if it gets two.
#[tokio::test]
async fn every_request_of_a_req_client_has_one_answer() {
    let (_server, address, noted) = served(Limits::default()).await;
    beside(move || {
        let req = socket(REQ, &address);
        for id in 0..50 {
            req.send(&add(id), 0).expect("room");
            assert_eq!(parts(&req), [sum(id)]);
            let note = r#"{"jsonrpc":"2.0","method":"note"}"#;
            for (bad, answer) in [
                (note, ""),
                ("[]", "-32600"),
                ("{", "-32700"),
                ("", ""),
                (r#"{"jsonrpc":"2.0","method":"nosuch","id":1}"#, "-32601"),
            ] {
                req.send(bad, 0).expect("room");
                let parts = parts(&req).concat();
                assert!(
                    parts.contains(answer) && parts.is_empty() == (bad == note),
                    "{bad}: {parts}"
                );
            }
        }
    })
    .await;
    assert_eq!(noted.load(SeqCst), 50);
}

/// What stands before the message comes back as it was, whoever put it there.
#[tokio::test]
async fn envelopes_come_back() {
    let (_server, address, _) = served(Limits::default()).await;
    beside(move || {
        let dealer = socket(DEALER, &address);
        let envelopes: [&[&str]; 4] = [&[], &[""], &["client", ""], &["a", "b", "c", ""]];
        for (id, envelope) in (0..).zip(envelopes.iter().cycle().take(40)) {
            let message: Vec<_> =
                envelope.iter().map(|part| (*part).to_owned()).chain([add(id)]).collect();
            dealer.send_multipart(&message, 0).expect("room");
            let answer: Vec<_> =
                envelope.iter().map(|part| (*part).to_owned()).chain([sum(id)]).collect();
            assert_eq!(parts(&dealer), answer);
        }
    })
    .await;
}

/// A message of too many parts is refused, and the next one of the same peer is not.
#[tokio::test]
async fn messages_of_many_parts_are_refused() {
    let (_server, address, _) = served(Limits::default()).await;
    beside(move || {
        let req = socket(REQ, &address);
        let dealer = socket(DEALER, &address);
        for (id, count) in (0..).zip([61, 62, 63, 64, 1000, 100_000]) {
            let mut many = vec!["x".to_owned(); count];
            many.push(add(id));
            // With the id of the peer, and the empty part of a REQ.
            let is_refused = count + 3 > 64;
            req.send_multipart(&many, 0).expect("room");
            let answer = parts(&req);
            match is_refused {
                true => assert_eq!(answer, [""], "{count}"),
                false => assert_eq!(answer.last(), Some(&sum(id)), "{count}"),
            }
            req.send(&add(id), 0).expect("room");
            assert_eq!(parts(&req), [sum(id)]);
            many.insert(0, String::new());
            dealer.send_multipart(&many, 0).expect("room");
            assert_eq!(parts(&dealer).concat().contains("result"), !is_refused);
            dealer.send(&add(id), 0).expect("room");
            assert_eq!(parts(&dealer), [sum(id)]);
        }
        // And so is one whose parts are too long.
        let long = ["y".repeat(10_000), "y".repeat(10_000), add(1)];
        req.send_multipart(&long, 0).expect("room");
        assert_eq!(parts(&req), [""]);
        req.send(&add(1), 0).expect("room");
        assert_eq!(parts(&req), [sum(1)]);
    })
    .await;
}

/// What a peer says that was dismissed belongs to nobody: an answer to a call of before is none to a
/// call of the next connection.
#[tokio::test]
async fn a_peer_that_was_dismissed_is_nobody() {
    let connections: Arc<AtomicU32> = Arc::default();
    let count = Arc::clone(&connections);
    let server = Server::new(service(&Arc::default()))
        .on_connect(move |_| _ = count.fetch_add(1, SeqCst))
        .authenticate(tinyrpc::TokenLogin::new("somebody", "a secret of the two"))
        .listen("zmq://127.0.0.1:0")
        .await
        .expect("a free port");
    let address = server.addresses().concat().replace("zmq://", "tcp://");
    beside(move || {
        let dealer = socket(DEALER, &address);
        let wrong = r#"{"jsonrpc":"2.0","method":"rpc.auth","params":["wrong"],"id":1}"#;
        dealer.send(wrong, 0).expect("room");
        assert!(parts(&dealer).concat().contains("error"));
        assert_eq!(parts(&dealer), [""], "it is served no longer");
        for id in 0..20 {
            dealer.send(&add(id), 0).expect("room");
            assert_eq!(parts(&dealer), [""]);
        }
        // Over another network connection it is somebody else.
        dealer.disconnect(&address).expect("it is connected");
        dealer.connect(&address).expect("an address");
        dealer.send(wrong, 0).expect("room");
        assert!(parts(&dealer).concat().contains("error"));
    })
    .await;
    assert_eq!(connections.load(SeqCst), 2);
}

/// The second of two peers of one id is not served, and takes nothing from the first.
#[tokio::test]
async fn ids_are_not_taken_over() {
    let (_server, address, _) = served(Limits::default()).await;
    beside(move || {
        let context = Context::new();
        let twin = || {
            let dealer = context.socket(DEALER).expect("a socket");
            dealer.set_identity(b"twin").expect("an id");
            dealer.set_linger(0).expect("no linger");
            dealer.set_rcvtimeo(PATIENCE.as_millis() as i32).expect("a timeout");
            dealer.connect(&address).expect("an address");
            dealer
        };
        let first = twin();
        first.send(&add(1), 0).expect("room");
        assert_eq!(parts(&first), [sum(1)]);
        let second = twin();
        second.set_rcvtimeo(200).expect("a timeout");
        second.send(&add(2), 0).expect("room");
        assert!(second.recv_bytes(0).is_err(), "nobody knows whose answer that would be");
        for id in 3..100 {
            first.send(&add(id), 0).expect("room");
            assert_eq!(parts(&first), [sum(id)]);
        }
        // Its id is free behind it.
        drop((first, second));
        let third = twin();
        let start = std::time::Instant::now();
        third.set_rcvtimeo(200).expect("a timeout");
        loop {
            third.send(&add(5), 0).expect("room");
            match third.recv_string(0) {
                Ok(answer) => break assert_eq!(answer, Ok(sum(5))),
                Err(_) => assert!(start.elapsed() < PATIENCE, "the next one is served"),
            }
            third.disconnect(&address).expect("it is connected");
            third.connect(&address).expect("an address");
        }
    })
    .await;
}

/// A message over `max_message` costs its sender the connection, and nobody else anything.
#[tokio::test]
async fn large_messages_are_refused() {
    let limits = Limits { max_message: 4096, ..Limits::default() };
    let (_server, address, _) = served(limits).await;
    let url = address.replace("tcp://", "zmq://");
    let client = tinyrpc::connect(&url).await.expect("it listens");
    beside(move || {
        let dealer = socket(DEALER, &address);
        dealer.set_rcvtimeo(200).expect("a timeout");
        dealer.send(vec![b'x'; 5000], 0).expect("room");
        assert!(dealer.recv_bytes(0).is_err());
    })
    .await;
    let big = tinyrpc::connect(&url).await.expect("it listens");
    let error = big.call::<_, usize>("size", ("x".repeat(5000),)).await.expect_err("too large");
    assert!(!error.is_timeout(), "{error}");
    assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
}

/// Bytes that are no ZeroMQ, and messages that are no JSON: the server goes on.
#[tokio::test]
async fn garbage_costs_nobody_else_anything() {
    let (_server, address, _) = served(Limits::default()).await;
    let url = address.replace("tcp://", "zmq://");
    let client = tinyrpc::connect(&url).await.expect("it listens");
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 64], &[0; 64], b"{\"id\":1}\n"] {
        let port = address.trim_start_matches("tcp://");
        let mut stream = tokio::net::TcpStream::connect(port).await.expect("it listens");
        // It may be closed before all is written.
        _ = stream.write_all(garbage).await;
        _ = stream.shutdown().await;
        let mut said = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut said));
        _ = end.await.expect("the server closes it");
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
    }
}

/// Nobody there, or nobody who speaks ZeroMQ: an error at once.
#[tokio::test]
async fn a_client_without_a_server_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let error = tinyrpc::connect(format!("zmq://{address}")).await.expect_err("nobody listens");
    assert!(error.to_string().contains("nobody listens"), "{error}");
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("zmq://{}", other.local_addr().expect("an address"));
    let speaks = tokio::spawn(async move {
        let (mut stream, _) = other.accept().await.expect("a client");
        _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let error = tinyrpc::connect(url).await.expect_err("it does not speak ZeroMQ");
    assert!(!error.to_string().contains("longer"), "{error}");
    speaks.await.expect("it did not panic");
}

/// A REP takes the next request when the one before is answered, and answers a notification, too.
#[tokio::test]
async fn a_rep_is_called() {
    let rep = Context::new().socket(zmq::REP).expect("a socket");
    rep.bind("tcp://127.0.0.1:*").expect("a free port");
    rep.set_rcvtimeo(PATIENCE.as_millis() as i32).expect("a timeout");
    let address = rep.get_last_endpoint().expect("it is bound").expect("text");
    let serving = spawn_blocking(move || {
        let endpoint =
            tinyrpc::Endpoint::new(service(&Arc::default()), tinyrpc::protocols::JsonRpc);
        for _ in 0..65 {
            let request = rep.recv_bytes(0).expect("a request in time");
            let tinyrpc::Dispatched::Ready(answer) = endpoint.dispatch_now(request) else {
                panic!("no handler waits");
            };
            rep.send(&*answer.unwrap_or_default(), 0).expect("room");
        }
    });
    let url = address.replace("tcp://", "zmq://") + "?envelope";
    let client = tinyrpc::connect(url).await.expect("it listens");
    client.notify("note", ()).await.expect("it is sent");
    let calls = (0..64).map(|n| client.call::<_, i64>("add", (n, n)));
    for (n, answer) in (0..).zip(futures_util::future::join_all(calls).await) {
        assert_eq!(answer.expect("an answer"), 2 * n);
    }
    serving.await.expect("it did not panic");
}
