//! A trace sees every message once, whole and bare, on both sides alike.

use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use tinyrpc_core::{
    Caller, Direction, Framing, Id, Length, PeerAddress, Protocol, Role, Settings, Shape, WireTrace,
};

use crate::support::{Identity, Pair, Setup, Side, pair::show};

type Seen = (Direction, Vec<u8>);

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Seen>>>);

impl Notes {
    fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn shown(&self) -> Vec<String> {
        let arrow = |direction| if direction == Direction::Sent { "->" } else { "<-" };
        let shown =
            |(direction, message): &Seen| format!("{} {}", arrow(*direction), show(message));
        self.take().iter().map(shown).collect()
    }
}

impl WireTrace for Notes {
    fn message(&self, direction: Direction, peer: &PeerAddress, message: &[u8]) {
        assert_eq!(*peer, PeerAddress::Other("there".into()));
        self.0.lock().unwrap().push((direction, message.to_vec()));
    }
}

fn side(role: Role, shape: Shape, protocol: Identity, trace: impl WireTrace + 'static) -> Side {
    Side::of(Settings {
        framing: (shape == Shape::Stream).then(|| Arc::new(Length) as Arc<dyn Framing>),
        peer: PeerAddress::Other("there".into()),
        trace: Some(Arc::new(trace)),
        ..Settings::new(role, shape, vec![Arc::new(protocol) as Arc<dyn Protocol>])
    })
}

/// A pair, and what each of its sides saw.
fn traced(shape: Shape, protocol: Identity) -> (Pair, Notes, Notes) {
    let mut pair = Setup::shape(shape).protocol(protocol).pair();
    let (client, server) = (Notes::default(), Notes::default());
    pair.client = side(Role::Client, shape, protocol, client.clone());
    pair.server = side(Role::Server, shape, protocol, server.clone());
    (pair, client, server)
}

/// What one side saw, as the other one must have seen it.
fn mirrored(seen: Vec<Seen>) -> Vec<Seen> {
    let mirror = |direction| match direction {
        Direction::Sent => Direction::Received,
        Direction::Received => Direction::Sent,
    };
    let mut seen: Vec<_> =
        seen.into_iter().map(|(direction, bytes)| (mirror(direction), bytes)).collect();
    seen.sort_by_key(|(direction, _)| *direction == Direction::Sent);
    seen
}

fn sorted(mut seen: Vec<Seen>) -> Vec<Seen> {
    seen.sort_by_key(|(direction, _)| *direction == Direction::Sent);
    seen
}

#[test]
fn what_one_side_sends_the_other_one_receives() {
    for shape in [Shape::Stream, Shape::Messages, Shape::Exchange] {
        for batches in [true, false] {
            let protocol = Identity { batches, ..Identity::default() };
            let (mut pair, client, server) = traced(shape, protocol);
            let echo = pair.call::<Vec<u8>>("echo", (1,));
            pair.notify("note", ()).is_pending();
            let failed = pair.call::<()>("fail", ());
            let held = pair.call::<u8>("hold", ());
            pair.settle();
            pair.server.finish(7);
            pair.settle();
            drop((echo.ok(), failed.err(), held.ok()));
            let mut seen = client.take();
            let sent: Vec<_> = seen.iter().map(|(_, bytes)| show(bytes)).collect();
            assert_eq!(sent[..4], ["=q1 echo   [1]", "=q note   ", "=q2 fail   ", "=q3 hold   "]);
            assert_eq!(sent[4..], ["=r1  [1]", "=e2  [-32000,\"it failed\"] ", "=r3  7"]);

            let caller = pair.client.caller();
            let batch = pair.tasks.spawn(async move {
                let mut batch = caller.batch();
                let one = batch.call::<Vec<u8>>("echo", (5,)).unwrap();
                batch.notify("note", ()).unwrap();
                batch.send().await.unwrap().take(one)
            });
            pair.settle();
            assert_eq!(batch.ok(), [5]);
            let of_batch = client.take();
            assert_eq!(of_batch.len(), if batches { 2 } else { 3 }, "{shape:?}");
            seen.extend(of_batch);
            assert_eq!(mirrored(seen), sorted(server.take()), "{shape:?} {batches}");
        }
    }
}

#[test]
fn large_messages_are_given_whole_and_once() {
    for protocol in [Identity::default(), Identity::splitting()] {
        for shape in [Shape::Stream, Shape::Messages] {
            let (mut pair, client, server) = traced(shape, protocol);
            let small = pair.call::<Vec<u8>>("echo", (1,));
            let large = pair.call::<Vec<String>>("echo", ("x".repeat(200_000),));
            let behind = pair.call::<Vec<u8>>("echo", (2,));
            pair.settle();
            drop((small.ok(), large.ok(), behind.ok()));
            let sizes = |seen: &[Seen], direction| -> Vec<_> {
                let of = seen.iter().filter(|(its, _)| *its == direction);
                // Signs of credit are messages, too.
                let calls = of.filter(|(_, bytes)| !matches!(bytes[1], b'c' | b'w'));
                calls.map(|(_, bytes)| bytes.len()).collect()
            };
            let (client, server) = (client.take(), server.take());
            assert!(client.iter().chain(&server).all(|(_, bytes)| bytes.starts_with(b"=")));
            // Queued in this order; on the wire the small ones come first.
            assert_eq!(sizes(&client, Direction::Sent), [14, 200_015, 14], "{shape:?}");
            let mut received = sizes(&server, Direction::Received);
            received.sort_unstable();
            assert_eq!(received, [14, 14, 200_015], "{shape:?}");
            let mut answers = sizes(&client, Direction::Received);
            answers.sort_unstable();
            assert_eq!(answers, [8, 8, 200_009], "{shape:?}");
        }
    }
}

#[test]
fn what_does_not_parse_is_given_as_it_came() {
    for shape in [Shape::Stream, Shape::Messages, Shape::Exchange] {
        let (mut pair, _, server) = traced(shape, Identity::default());
        pair.server.receive(Bytes::from_static(b"=?"));
        pair.server.receive(Bytes::from_static(b"nonsense"));
        pair.server.turn(pair.now);
        let error = "-> =e~  [-32700,\"not a message\"] ";
        assert_eq!(server.shown(), ["<- =?", error, "<- nonsense", error], "{shape:?}");
    }
    // A length over the limit, and with it all that came.
    let (mut pair, _, server) = traced(Shape::Stream, Identity::default());
    pair.server.incoming.buffer().extend_from_slice(b"\xff\xff\xff\xffabc");
    pair.server.turn(pair.now);
    let shown = server.take();
    assert_eq!(shown[0], (Direction::Received, b"\xff\xff\xff\xffabc".to_vec()));
    assert_eq!(shown.len(), 2, "and the answer to it");
}

#[test]
fn a_stranger_is_given_as_it_came() {
    let notes = Notes::default();
    let mut server = Side::of(Settings {
        peer: PeerAddress::Other("there".into()),
        trace: Some(Arc::new(notes.clone())),
        ..Settings::new(
            Role::Server,
            Shape::Stream,
            vec![
                Arc::new(Identity::default()) as Arc<dyn Protocol>,
                Arc::new(Identity { mark: b'#', ..Identity::default() }),
            ],
        )
    });
    server.incoming.buffer().extend_from_slice(b"GET / HTTP/1.1\r\n");
    server.turn(0);
    let seen = notes.take();
    assert_eq!(seen[0], (Direction::Received, b"GET / HTTP/1.1\r\n".to_vec()));
    assert_eq!(seen.len(), 2);
}

#[test]
fn requests_that_wait_are_given_when_they_come_and_only_then() {
    let (mut pair, _, server) = traced(Shape::Messages, Identity::default());
    let codec = Identity::default();
    for id in 1..=1200 {
        pair.server.receive(codec.call(Some(Id::Number(id)), "hold", "[]"));
    }
    pair.server.turn(pair.now);
    assert_eq!(server.take().len(), 1200);
    while !pair.server.script.pending.is_empty() {
        pair.server.finish(1);
        pair.server.turn(pair.now);
    }
    let seen = server.take();
    assert_eq!(seen.len(), 1200);
    assert!(seen.iter().all(|(direction, _)| *direction == Direction::Sent));
}

#[test]
fn no_lock_is_held() {
    for shape in [Shape::Stream, Shape::Messages, Shape::Exchange] {
        let caller: Arc<OnceLock<Caller>> = Arc::default();
        let known = Arc::clone(&caller);
        // It would wait for ever, or panic, under the lock that the callers take.
        let trace = move |_: Direction, _: &PeerAddress, _: &[u8]| {
            known.get().unwrap().in_flight();
        };
        let mut pair = Pair::new(shape);
        pair.client = side(Role::Client, shape, Identity::default(), trace);
        caller.set(pair.client.caller()).unwrap();
        let calls: Vec<_> = (0..10).map(|n| pair.call::<Vec<u8>>("echo", (n,))).collect();
        let large = pair.call::<Vec<String>>("echo", ("x".repeat(100_000),));
        pair.settle();
        assert!(calls.iter().zip(0..).all(|(call, n)| call.ok() == [n]));
        large.ok();
    }
}

#[test]
fn one_that_panics_is_not_called_again() {
    let calls = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&calls);
    let trace = move |_: Direction, _: &PeerAddress, _: &[u8]| {
        *counted.lock().unwrap() += 1;
        std::panic::resume_unwind(Box::new("on purpose"));
    };
    let mut pair = Pair::new(Shape::Messages);
    pair.server = side(Role::Server, Shape::Messages, Identity::default(), trace);
    let answers: Vec<_> = (0..3).map(|n| pair.call::<Vec<u8>>("echo", (n,))).collect();
    pair.settle();
    assert!(answers.iter().zip(0..).all(|(call, n)| call.ok() == [n]));
    assert_eq!(Arc::strong_count(&calls), 1, "the hook is gone");
    assert_eq!(*calls.lock().unwrap_or_else(|poisoned| poisoned.into_inner()), 1);
}

#[test]
fn what_is_never_sent_is_not_given() {
    let (mut pair, client, _) = traced(Shape::Messages, Identity::default());
    let refused = pair.call::<()>("echo", ("x".repeat(5 << 20),));
    let call = pair.call::<()>("hold", ());
    pair.lose();
    drop((refused.err(), call.err()));
    pair.client.turn(pair.now);
    assert!(client.take().is_empty());
}
