//! UDP by datagrams that are sent by hand, and by a network that loses some.
#![cfg(all(feature = "udp", feature = "jsonrpc"))]

mod network;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use tinyrpc::{ClientBuilder, Dispatcher, Limits, Outcome, Server, ServerHandle};
use tokio::net::UdpSocket;

use self::network::Network;

/// Waits, but not for ever.
async fn soon<F: Future>(what: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it hangs")
}

/// A service whose notifications are counted.
fn service(noted: &Arc<AtomicU32>) -> Dispatcher {
    let noted = Arc::clone(noted);
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("echo", |text: String| text)
        .method("repeat", |text: String, count: usize| text.repeat(count))
        .method("note", move || noted.fetch_add(1, SeqCst) + 1)
}

async fn served(limits: Limits, options: &str) -> (ServerHandle, String, Arc<AtomicU32>) {
    let noted = Arc::default();
    let server = Server::new(service(&noted)).limits(limits);
    let server = server.listen(format!("udp://127.0.0.1:0{options}")).await.expect("a free port");
    let address = server.addresses().concat();
    (server, address, noted)
}

async fn socket(url: &str) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    socket.connect(url.trim_start_matches("udp://")).await.expect("an address");
    socket
}

async fn answer(socket: &UdpSocket) -> String {
    let mut buffer = vec![0; 1 << 16];
    let length = soon(socket.recv(&mut buffer)).await.expect("an answer");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test]
async fn a_datagram_is_answered_by_one() {
    let (_server, address, noted) = served(Limits::default(), "").await;
    let by_hand = socket(&address).await;
    let table = [
        // It is parted with who begins like that, and yet served again.
        (b"no message at all".as_slice(), "-32700"),
        (
            r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":"a"}"#.as_bytes(),
            r#"{"jsonrpc":"2.0","id":"a","result":3}"#,
        ),
        (b"{\"jsonrpc\"", "-32700"),
        // MessagePack from the same socket, each as it is said.
        (b"\x94\x00\x01\xa3add\x92\x01\x02", "\u{fffd}\u{1}\u{1}\u{fffd}\u{3}"),
        (
            br#"[{"jsonrpc":"2.0","method":"note"},{"jsonrpc":"2.0","method":"add","params":[2,2],"id":1}]"#,
            r#"[{"jsonrpc":"2.0","id":1,"result":4}]"#,
        ),
    ];
    for (sent, expected) in table {
        by_hand.send(sent).await.expect("sent");
        let got = answer(&by_hand).await;
        assert!(got.contains(expected), "{sent:?}: {got:?}");
    }
    // An empty datagram and a notification have no answer: the next one is that of the call.
    by_hand.send(b"").await.expect("sent");
    by_hand.send(br#"{"jsonrpc":"2.0","method":"note"}"#).await.expect("sent");
    by_hand.send(br#"{"jsonrpc":"2.0","method":"note","id":9}"#).await.expect("sent");
    assert_eq!(answer(&by_hand).await, r#"{"jsonrpc":"2.0","id":9,"result":3}"#);
    assert_eq!(noted.load(SeqCst), 3);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_never_cut() {
    for (options, most) in [("", 1232), ("?max_message=8000", 8000), ("?max_message=99999", 65_507)]
    {
        let (_server, address, _) = served(Limits::default(), options).await;
        let client = ClientBuilder::from_url(format!("jsonrpc+{address}{options}"));
        let client = client.expect("a URL").connect().await.expect("a client");
        // As much as can be: the envelope of the answer is the shorter one.
        let longest = "x"
            .repeat(most - r#"{"jsonrpc":"2.0","method":"echo","params":[""],"id":123456}"#.len());
        assert_eq!(
            client.call::<_, String>("echo", (&longest,)).await.expect("an answer"),
            longest
        );

        let error =
            client.call::<_, String>("echo", ("x".repeat(most),)).await.expect_err("too large");
        assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
        assert!(error.to_string().contains(&format!("`max_message` of {most}")), "{error}");
        // The server's answer is too large: it says so instead.
        let error = client.call::<_, String>("repeat", ("x", most)).await.expect_err("too large");
        assert_eq!(error.outcome(), Outcome::Answered, "{error}");
        assert!(error.to_string().contains("max_message"), "{error}");
        assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
        if most > 60_000 {
            continue;
        }
        // A stranger's datagram that is larger than that.
        let by_hand = socket(&address).await;
        by_hand.send(&vec![b' '; most + 1]).await.expect("sent");
        let got = answer(&by_hand).await;
        assert!(got.contains("max_message"), "{got}");
    }
}

#[tokio::test]
async fn peers_that_are_silent_expire() {
    let limits = Limits { idle: Duration::from_millis(50), ..Limits::default() };
    let (ended, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let server = Server::new(service(&Arc::default()))
        .limits(limits)
        .on_close(move |_, reason| _ = ended.send(reason.to_string()));
    let server = server.listen("udp://127.0.0.1:0").await.expect("a free port");
    let by_hand = socket(&server.addresses().concat()).await;
    for id in [1, 2] {
        let call = format!(r#"{{"jsonrpc":"2.0","method":"add","params":[{id},1],"id":{id}}}"#);
        by_hand.send(call.as_bytes()).await.expect("sent");
        let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{}}}"#, id + 1);
        assert_eq!(answer(&by_hand).await, expected, "it is served again");
        soon(ends.recv()).await.expect("an end");
    }
    assert!(server.peers().is_empty());
}

#[tokio::test]
async fn a_full_server_parts_with_who_was_silent_for_longest() {
    let limits = Limits { max_connections: 8, ..Limits::default() };
    let (server, address, _) = served(limits, "").await;
    let mut sockets = Vec::new();
    for id in 0..40 {
        let by_hand = socket(&address).await;
        let call = format!(r#"{{"jsonrpc":"2.0","method":"add","params":[{id},1],"id":{id}}}"#);
        by_hand.send(call.as_bytes()).await.expect("sent");
        answer(&by_hand).await;
        sockets.push(by_hand);
        assert!(server.peers().len() <= 8);
    }
    // Who had to go is served again.
    let first = &sockets[0];
    first.send(br#"{"jsonrpc":"2.0","method":"add","params":[1,1],"id":1}"#).await.expect("sent");
    assert_eq!(answer(first).await, r#"{"jsonrpc":"2.0","id":1,"result":2}"#);
}

#[tokio::test]
async fn where_nobody_listens_the_first_call_says_so() {
    let (server, address, _) = served(Limits::default(), "").await;
    let client = ClientBuilder::from_url(format!("jsonrpc+{address}")).expect("a URL");
    let client = client.connect().await.expect("nothing is sent");
    assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("an answer"), 5);
    server.shutdown().await;
    // The port is closed once the task that reads it has ended.
    let error = loop {
        match client.call::<_, i64>("add", (2, 3)).timeout(Duration::from_millis(100)).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) if error.to_string().contains("timed out") => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(error.to_string().contains("nobody listens at udp://127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn a_lost_answer_leaves_a_call_in_doubt() {
    let (_server, address, noted) = served(Limits::default(), "").await;
    let network = Network::new(&address, |to_server, _| to_server).await;
    let client = ClientBuilder::from_url(format!("jsonrpc+{}", network.address())).expect("a URL");
    let client = client.connect().await.expect("nothing is sent");
    let call = client.call::<_, u32>("note", ()).timeout(Duration::from_millis(200));
    let error = call.await.expect_err("no answer came through");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert_eq!(noted.load(SeqCst), 1, "it was executed once");
}

/// Calls that are idempotent are sent again until they are answered.
#[tokio::test]
async fn idempotent_calls_survive_losses() {
    let (_server, address, noted) = served(Limits::default(), "").await;
    // Of what each side sends, the network loses one of three.
    let network = Network::new(&address, |_, number| number % 3 != 2).await;
    let limits = Limits { resend: Duration::from_millis(10), ..Limits::default() };
    for pooled in [false, true] {
        let client = ClientBuilder::from_url(format!("jsonrpc+{}", network.address()));
        let client = client.expect("a URL").limits(limits.clone());
        let client = match pooled {
            true => client.reconnect(tinyrpc::Backoff::default()),
            false => client,
        };
        let client = client.connect().await.expect("nothing is sent");
        for number in 0..20 {
            let call = client.call::<_, i64>("add", (number, 1)).idempotent();
            assert_eq!(soon(call).await.expect("an answer"), number + 1);
        }
        let before = noted.load(SeqCst);
        soon(client.call::<_, u32>("note", ()).idempotent()).await.expect("an answer");
        assert!(noted.load(SeqCst) > before, "at least once");
    }
}

/// One that waits for its turn is no worse off, and whoever maps errors sees that of the call.
#[tokio::test]
async fn idempotent_calls_wait_for_their_turn() {
    let (_server, address, noted) = served(Limits::default(), "").await;
    let network = Network::new(&address, |to_server, _| to_server).await;
    let limits = Limits { resend: Duration::from_millis(10), max_calls: 1, ..Limits::default() };
    let mapped = Arc::new(AtomicU32::new(0));
    let client = ClientBuilder::from_url(format!("jsonrpc+{}", network.address()));
    let client = client.expect("a URL").limits(limits).map_error({
        let mapped = Arc::clone(&mapped);
        move |error| {
            mapped.fetch_add(1, SeqCst);
            error
        }
    });
    let client = client.connect().await.expect("nothing is sent");
    let call = || client.call::<_, u32>("note", ()).timeout(Duration::from_millis(300));
    // The first one has the only place for longer than an attempt takes.
    let (first, second) = soon(async { tokio::join!(call(), call().idempotent()) }).await;
    first.expect_err("no answer");
    let error = second.expect_err("no answer");
    assert!(error.to_string().contains("300 ms"), "{error}");
    assert_eq!(mapped.load(SeqCst), 2, "each call has one error");
    assert!(noted.load(SeqCst) >= 1);
}

/// A call that is never answered ends at its own time, and says that.
#[tokio::test]
async fn idempotent_calls_end_at_their_deadline() {
    let (_server, address, noted) = served(Limits::default(), "").await;
    let network = Network::new(&address, |to_server, _| to_server).await;
    let limits = Limits { resend: Duration::from_millis(10), ..Limits::default() };
    let client = ClientBuilder::from_url(format!("jsonrpc+{}", network.address()));
    let client = client.expect("a URL").limits(limits).connect().await.expect("nothing is sent");
    let call = client.call::<_, u32>("note", ()).idempotent().timeout(Duration::from_millis(300));
    let error = soon(call).await.expect_err("no answer");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(error.to_string().contains("300 ms"), "{error}");
    let times = noted.load(SeqCst);
    assert!((2..=6).contains(&times), "it was sent {times} times");
}
