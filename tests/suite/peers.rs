//! Connections as a server and a client see them: what is said, to whom, in which order.

use std::sync::{Arc, Mutex};

use tinyrpc::{Direction, Dispatcher, Limits, ReplyOrder, Scope, Server, transports::PeerAddress};
use tokio::sync::{Semaphore, mpsc};

use crate::world::{World, service};

type Seen = (Direction, Vec<u8>);

/// Every message that one side was told of, by the way it went.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Seen>>>);

impl Notes {
    fn note(&self) -> impl Fn(Direction, &PeerAddress, &[u8]) + Send + Sync + 'static {
        let notes = Arc::clone(&self.0);
        move |direction: Direction, _: &PeerAddress, message: &[u8]| {
            notes.lock().unwrap().push((direction, message.to_vec()));
        }
    }

    fn of(&self, direction: Direction) -> Vec<Vec<u8>> {
        let notes = self.0.lock().unwrap();
        let of = notes.iter().filter(|(its, _)| *its == direction);
        let mut all: Vec<_> = of.map(|(_, message)| message.clone()).collect();
        all.sort();
        all
    }
}

pub(crate) async fn traced(world: World) {
    let (client, server) = (Notes::default(), Notes::default());
    let noted = Server::new(service()).trace(server.note());
    let at = world.serve_with(noted, |builder| builder.trace(client.note())).await;
    assert_eq!(at.client.call::<_, i64>("add", (2, 3)).await.unwrap(), 5);
    assert!(at.client.call::<_, i64>("unknown", ()).await.is_err());
    at.client.notify("nothing", ()).await.unwrap();
    let text = "x".repeat(50_000);
    assert_eq!(at.client.call::<_, String>("echo", (&text,)).await.unwrap(), text);
    let mut batch = at.client.batch();
    let sum = batch.call::<i64>("add", (1, 2)).unwrap();
    let late = batch.call::<u32>("later", (8,)).unwrap();
    let mut answers = batch.send().await.unwrap();
    assert_eq!((answers.take(sum).unwrap(), answers.take(late).unwrap()), (3, 8));

    let (requests, answers) = (client.of(Direction::Sent), client.of(Direction::Received));
    // A batch is one message where the protocol has batches.
    let batch = if world.protocol == "jsonrpc" { 1 } else { 2 };
    assert_eq!((requests.len(), answers.len()), (4 + batch, 3 + batch));
    assert_eq!(requests, server.of(Direction::Received));
    assert_eq!(answers, server.of(Direction::Sent));
    for message in requests.iter().chain(&answers) {
        // Nothing of a framing is left.
        let (first, last) = (message[0], message[message.len() - 1]);
        match world.protocol {
            "msgpack" => assert!(matches!(first, 0x93 | 0x94)),
            _ => assert!(matches!((first, last), (b'{', b'}') | (b'[', b']'))),
        }
    }
}

pub(crate) async fn reply_order(world: World) {
    for (order, first_waits) in
        [(ReplyOrder::AsReady, false), (ReplyOrder::InOrder, true), (ReplyOrder::Nested, false)]
    {
        let gate = Arc::new(Semaphore::new(0));
        let (wait, open) = (Arc::clone(&gate), gate);
        let service = service()
            .method("wait", move |number: u32| {
                let gate = Arc::clone(&wait);
                async move {
                    gate.acquire().await.unwrap().forget();
                    number
                }
            })
            .method("open", move |number: u32| {
                open.add_permits(1);
                number
            });
        let answers = Notes::default();
        let server = Server::new(service).reply_order(order);
        let at = world.serve_with(server, |builder| builder.trace(answers.note())).await;
        let calls = [
            at.client.call::<_, u32>("wait", (1111,)).send().await.unwrap(),
            at.client.call::<_, u32>("open", (2222,)).send().await.unwrap(),
        ];
        let calls = futures_util::future::join_all(calls).await;
        assert_eq!(calls.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [1111, 2222]);
        let notes = answers.0.lock().unwrap();
        let received = notes.iter().filter(|(direction, _)| *direction == Direction::Received);
        let first = received.map(|(_, message)| message).next().unwrap();
        let is = |number: &[u8]| first.windows(number.len()).any(|part| part == number);
        // Exchanges are answered each on its own.
        let waits = first_waits && !world.exchanges();
        assert!(if waits {
            is(b"1111") || is(&[0x04, 0x57])
        } else {
            is(b"2222") || is(&[0x08, 0xae])
        });
    }
}

/// A service that passes on what it is told.
fn listening(name: &'static str, tx: &mpsc::UnboundedSender<(&'static str, String)>) -> Dispatcher {
    let tx = tx.clone();
    Dispatcher::new().method("news", move |text: String| {
        _ = tx.send((name, text));
    })
}

pub(crate) async fn broadcast(world: World) {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let server = Server::new(service().method("silent", || {})).on_connect({
        let number = std::sync::atomic::AtomicU32::new(0);
        move |scope| scope.insert(number.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    });
    let at = world.serve_with(server, |builder| builder.serve(listening("one", &tx))).await;
    let two = at.again.connect(|builder| builder.serve(listening("two", &tx))).await;
    // The server knows the protocol of a peer from its first message on.
    for client in [&at.client, &two] {
        client.call::<_, ()>("nothing", ()).await.unwrap();
    }
    let told = at.server.broadcast("news", ("hello",));
    if !world.duplex() {
        assert_eq!((told.sent, told.skipped.len(), told.unsupported.len()), (0, 0, 2));
        return;
    }
    assert_eq!((told.sent, told.skipped.len(), told.unsupported.len()), (2, 0, 0));
    let mut heard = [rx.recv().await.unwrap(), rx.recv().await.unwrap()];
    heard.sort();
    assert_eq!(heard, [("one", "hello".to_owned()), ("two", "hello".to_owned())]);
    // Only some of them, in their order.
    let second = |scope: &Scope| *scope.data::<u32>().unwrap() == 1;
    for number in 0..100 {
        assert_eq!(at.server.broadcast_to(second, "news", (number.to_string(),)).sent, 1);
    }
    for number in 0..100 {
        assert_eq!(rx.recv().await.unwrap(), ("two", number.to_string()));
    }
    // What cannot be encoded reaches nobody.
    let told = at.server.broadcast("news", "bare");
    assert_eq!((told.sent, told.skipped.len()), (0, 2));
    assert!(told.skipped[0].1.to_string().contains("(value,)"), "{told:?}");
    if !world.sees_ends() {
        return;
    }
    // Those that are gone are no peers.
    at.client.close().await;
    while at.server.peers().len() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(at.server.broadcast("news", ("to two",)).sent, 1);
    assert_eq!(rx.recv().await.unwrap(), ("two", "to two".to_owned()));
}

pub(crate) async fn broadcast_skips(world: World) {
    if !world.duplex() {
        return;
    }
    let (tx, mut rx) = mpsc::unbounded_channel();
    let limits = Limits { max_outgoing: 20_000, ..Limits::default() };
    let server = Server::new(service()).limits(limits);
    let at = world.serve_with(server, |builder| builder.serve(listening("one", &tx))).await;
    // A silent one, whose protocol is not known yet unless there is only one.
    let silent = at.again.connect(|builder| builder).await;
    at.client.call::<_, ()>("nothing", ()).await.unwrap();
    let peers = at.server.peers();
    let unknown = peers.iter().filter(|peer| peer.caller.format().is_none()).count();
    let told = at.server.broadcast("news", ("hello",));
    // On a port for everything it is no peer before its first byte.
    assert_eq!((told.sent, told.skipped.len()), (peers.len() - unknown, unknown), "{told:?}");
    assert!(told.skipped.iter().all(|(_, why)| why.to_string().contains("has not spoken")));
    silent.close().await;
    assert_eq!(rx.recv().await.unwrap().1, "hello");
    while at.server.peers().len() > 1 {
        tokio::task::yield_now().await;
    }
    // Nothing is sent before this task waits, so the queue fills up.
    let text = "x".repeat(6000);
    let mut sent = 0;
    let told = loop {
        let told = at.server.broadcast("news", (&text,));
        if told.sent == 0 {
            break told;
        }
        sent += 1;
        assert!(sent < 100, "no limit is met");
    };
    assert_eq!(sent, 4);
    assert!(told.skipped[0].1.to_string().contains("max_outgoing"), "{told:?}");
    for _ in 0..sent {
        assert_eq!(rx.recv().await.unwrap().1, text);
    }
    // There is room again, whatever the queue was last known to hold.
    assert_eq!(at.server.broadcast("news", ("again",)).sent, 1);
    assert_eq!(rx.recv().await.unwrap().1, "again");
    // One message over the limit is no reason to leave the next one out.
    let large = "x".repeat(100_000);
    assert_eq!(at.server.broadcast("news", (&large,)).sent, 1);
    assert_eq!(rx.recv().await.unwrap().1.len(), large.len());
    assert_eq!(at.server.broadcast("news", ("behind",)).sent, 1);
    assert_eq!(rx.recv().await.unwrap().1, "behind");
}
