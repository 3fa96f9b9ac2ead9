//! Nothing is executed before somebody has decided about the peer.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tinyrpc_core::{
    Code, Direction, Ended, Error, Id, Lane, Limits, Outcome, PeerAddress, Protocol, Reason,
    ReplyOrder, Role, RpcError, Settings, Shape,
};

use crate::support::{Identity, Pair, Side, pair::show};

const CODEC: Identity = Identity { mark: b'=', batches: true, cancels: false, chunk: None };

fn gated(shape: Shape, limits: &Limits) -> Side {
    Side::of(Settings {
        gated: true,
        limits: Arc::new(limits.clone()),
        ..Settings::new(Role::Server, shape, vec![Arc::new(CODEC) as Arc<dyn Protocol>])
    })
}

fn pair() -> Pair {
    let mut pair = Pair::new(Shape::Messages);
    pair.server = gated(Shape::Messages, &Limits::default());
    pair
}

/// The number of the oldest request that waits, and what it is.
fn ask(side: &mut Side) -> Option<(u64, String)> {
    side.session.ask(|request| {
        format!("{}{}", request.method, String::from_utf8_lossy(request.params.bytes))
    })
}

fn begin(side: &mut Side, number: u64) {
    let Side { session, script, .. } = side;
    session.begin_asked(number, script);
}

fn stranger() -> RpcError {
    RpcError::new(Code(-1), "who are you").with_data(RpcError::NOT_EXECUTED)
}

#[test]
fn nothing_begins_before_the_gate_is_open() {
    let mut pair = pair();
    let calls: Vec<_> = (0..5).map(|n| pair.call::<Vec<u8>>("echo", (n,))).collect();
    pair.notify("note", ()).is_pending();
    pair.settle();
    let side = &mut pair.server;
    assert!(side.script.started.is_empty() && side.session.is_gated());
    assert!(!side.session.can_start());
    let (number, first) = ask(side).unwrap();
    assert_eq!(first, "echo[0]");
    assert!(side.script.started.is_empty());
    begin(side, number);
    assert_eq!(side.script.started, ["echo[0]"], "this one and no other");
    side.session.open_gate();
    pair.settle();
    // In their order, those first that waited.
    let late = pair.call::<Vec<u8>>("echo", (9,));
    pair.settle();
    let started: Vec<_> = (0..5).map(|n| format!("echo[{n}]")).collect();
    let all = [started, vec!["note".into(), "echo[9]".into()]].concat();
    assert_eq!(pair.server.script.started, all);
    assert!(calls.iter().zip(0..).all(|(call, n)| call.ok() == [n]));
    assert_eq!(late.ok(), [9]);
}

#[test]
fn the_first_request_may_be_answered_in_its_place() {
    let mut pair = pair();
    let login = pair.call::<String>("login", ("secret",));
    let call = pair.call::<Vec<u8>>("echo", (1,));
    pair.settle();
    let side = &mut pair.server;
    let (number, first) = ask(side).unwrap();
    assert_eq!(first, "login[\"secret\"]");
    assert!(side.session.answer_asked(number, |reply| reply.result("welcome")));
    assert!(!side.session.answer_asked(number, |_| panic!("it is answered")));
    side.session.open_gate();
    pair.settle();
    assert_eq!(login.ok(), "welcome");
    assert_eq!(call.ok(), [1]);
    assert_eq!(pair.server.script.started, ["echo[1]"]);
}

#[test]
fn who_is_turned_away_is_told_that_nothing_was_executed() {
    let mut pair = pair();
    let calls: Vec<_> = (0..3).map(|n| pair.call::<Vec<u8>>("echo", (n,))).collect();
    let caller = pair.client.caller();
    let batch = pair.tasks.spawn(async move {
        let mut batch = caller.batch();
        let item = batch.call::<Vec<u8>>("echo", (4,)).unwrap();
        batch.notify("note", ()).unwrap();
        batch.send().await.unwrap().take(item)
    });
    pair.settle();
    let side = &mut pair.server;
    ask(side).unwrap();
    side.session.turn_away(&stranger(), Reason::Closed("a stranger".into()));
    assert!(side.session.is_closing() && !side.session.wants_close(), "it is told first");
    pair.settle();
    assert!(pair.server.session.wants_close());
    assert_eq!(pair.server.session.reason().to_string(), "the connection is closed: a stranger");
    let check = |error: Error| {
        assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
        assert_eq!(error.as_rpc().unwrap().message, "who are you");
    };
    calls.iter().for_each(|call| check(call.err()));
    check(batch.err());
    assert!(pair.server.script.started.is_empty());
    // Nor is anything executed that comes later.
    pair.server.receive(CODEC.call(Some(Id::Number(99)), "echo", "[]"));
    pair.server.turn(pair.now);
    assert!(pair.server.script.started.is_empty() && pair.server.pop().is_none());
    assert!(ask(&mut pair.server).is_none());
}

#[test]
fn a_batch_stands_for_its_first_request() {
    let member = |id, method: &str| CODEC.call(Some(Id::Number(id)), method, "[]");
    let members = [&b"=r9\x1f\x1f5"[..], &member(1, "first"), &member(2, "echo")].join(&0x1e);
    let batch = Bytes::from([b"=b", members.as_slice()].concat());
    let mut side = gated(Shape::Messages, &Limits::default());
    side.receive(batch.clone());
    side.turn(0);
    let (number, first) = ask(&mut side).unwrap();
    assert_eq!(first, "first[]");
    assert!(!side.session.answer_asked(number, |_| panic!("there is more than one to answer")));
    begin(&mut side, number);
    assert_eq!(side.script.started, ["first[]", "echo[]"]);

    let mut side = gated(Shape::Messages, &Limits::default());
    side.receive(batch);
    side.turn(0);
    let (number, _) = ask(&mut side).unwrap();
    side.session.refuse_asked(number, &stranger());
    let answer = side.pop_all().concat();
    assert_eq!(answer.matches("who are you").count(), 2, "{answer}");
    assert!(side.script.started.is_empty() && side.session.is_gated());
}

/// What is no request is dealt with as ever.
#[test]
fn only_requests_wait() {
    let mut side = gated(Shape::Messages, &Limits::default());
    for frame in [&b"=?"[..], b"=r7\x1f\x1f5", b"=u", b"=b=?"] {
        side.receive(Bytes::from_static(frame));
    }
    side.turn(0);
    assert!(ask(&mut side).is_none());
    let answers = side.pop_all();
    assert_eq!(answers.len(), 2, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.contains("not a message")));
    assert_eq!(side.session.counters().unmatched, 1);
}

#[test]
fn what_waits_is_bounded() {
    let limits = Limits { max_backlog: 4096, max_outgoing: 4096, ..Limits::default() };
    // The first one may be larger than all that may wait.
    let mut side = gated(Shape::Messages, &limits);
    side.receive(CODEC.call(Some(Id::Number(1)), "echo", &format!("[{}1]", "1,".repeat(5000))));
    side.receive(CODEC.call(Some(Id::Number(2)), "echo", "[]"));
    side.turn(0);
    assert!(side.session.is_paused(), "and then nothing more is read");
    let (number, first) = ask(&mut side).unwrap();
    assert!(first.len() > 5000);
    begin(&mut side, number);
    side.session.open_gate();
    assert_eq!(side.pop_all().len(), 1);
    side.turn(0);
    assert_eq!(side.script.started.len(), 2);
    // Small ones up to the limit; then refusals up to the limit; then nothing is read.
    let mut side = gated(Shape::Messages, &limits);
    let mut sent = 0;
    while !side.session.is_paused() {
        sent += 1;
        assert!(sent < 1000, "it reads on for ever");
        side.receive(CODEC.call(Some(Id::Number(sent)), "echo", &format!("[{sent}]")));
        side.turn(0);
    }
    let refused = side.session.counters().refused;
    assert!(refused > 30 && side.script.started.is_empty());
    assert_eq!(side.pop_all().len() as u64, refused);
    let (number, _) = ask(&mut side).unwrap();
    begin(&mut side, number);
    side.session.open_gate();
    side.turn(0);
    assert_eq!(side.script.started.len() as u64, sent - refused);
}

#[test]
fn a_shutdown_refuses_what_waits() {
    let mut side = gated(Shape::Messages, &Limits::default());
    for id in 1..=3 {
        side.receive(CODEC.call(Some(Id::Number(id)), "echo", "[]"));
    }
    side.turn(0);
    let (number, _) = ask(&mut side).unwrap();
    side.session.drain();
    side.turn(0);
    assert_eq!(side.pop_all().len(), 2, "those about which nobody decides");
    assert!(!side.session.is_drained(), "one is still being decided about");
    assert!(ask(&mut side).is_none());
    begin(&mut side, number);
    assert_eq!(side.pop_all().len(), 1);
    assert!(side.session.is_drained() && side.script.started.is_empty());
}

#[test]
fn a_peer_that_ends_early_is_still_decided_about() {
    let mut side = gated(Shape::Messages, &Limits::default());
    side.receive(CODEC.call(Some(Id::Number(1)), "echo", "[]"));
    side.turn(0);
    side.session.end(Reason::Closed("it has ended".into()));
    side.turn(0);
    assert!(!side.session.wants_close() && !side.session.can_start());
    let (number, _) = ask(&mut side).unwrap();
    side.turn(0);
    assert!(!side.session.wants_close());
    begin(&mut side, number);
    side.session.open_gate();
    side.turn(0);
    assert_eq!(side.pop_all(), ["=r1  []"]);
    assert!(side.session.wants_close());
}

#[test]
fn answers_stay_in_order() {
    let mut side = Side::of(Settings {
        gated: true,
        reply_order: ReplyOrder::InOrder,
        ..Settings::new(Role::Server, Shape::Messages, vec![Arc::new(CODEC) as Arc<dyn Protocol>])
    });
    for (id, method) in [(1, "login"), (2, "hold"), (3, "echo")] {
        side.receive(CODEC.call(Some(Id::Number(id)), method, "[]"));
    }
    side.receive(Bytes::from_static(b"=?"));
    side.turn(0);
    assert!(side.pop().is_none(), "even of what is no request");
    let (number, _) = ask(&mut side).unwrap();
    assert!(side.session.answer_asked(number, |reply| reply.result(&true)));
    side.session.open_gate();
    side.turn(0);
    assert_eq!(side.pop_all(), ["=r1  true"]);
    side.finish(2);
    let answers = side.pop_all();
    assert_eq!(answers[..2], ["=r2  2", "=r3  []"]);
    assert!(answers[2].starts_with("=e~"));
}

/// Over exchanges each request is decided about on its own, and the gate stays closed.
#[test]
fn every_exchange_is_asked_about() {
    let mut side = gated(Shape::Exchange, &Limits::default());
    for lane in 1..=4 {
        side.receive_on(Lane(lane), CODEC.call(Some(Id::Number(7)), "echo", &format!("[{lane}]")));
    }
    side.turn(0);
    let numbers: Vec<_> = (0..4).map(|_| ask(&mut side).unwrap()).collect();
    assert!(ask(&mut side).is_none());
    let asked: Vec<_> = numbers.iter().map(|(_, request)| request.as_str()).collect();
    assert_eq!(asked, ["echo[1]", "echo[2]", "echo[3]", "echo[4]"]);
    side.session.refuse_asked(numbers[2].0, &stranger());
    begin(&mut side, numbers[3].0);
    // The peer of the first one hangs up.
    side.incoming.close_lane(Lane(1));
    side.turn(0);
    begin(&mut side, numbers[0].0);
    begin(&mut side, numbers[1].0);
    let answers = side.pop_all();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[1..], ["=r7  [4]", "=r7  [2]"]);
    let ended =
        [(Lane(3), Ended::TurnedAway), (Lane(4), Ended::Answered), (Lane(2), Ended::Answered)];
    assert_eq!(side.ended, ended);
    assert_eq!(side.script.started, ["echo[4]", "echo[2]"]);
    assert!(side.session.is_gated());
}

/// A trace is not shown what a peer says to prove who it is, nor what our side says in secret.
#[test]
fn secrets_are_not_traced() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let trace = |seen: &Arc<Mutex<Vec<String>>>| {
        let seen = Arc::clone(seen);
        move |direction: Direction, _: &PeerAddress, message: &[u8]| {
            seen.lock().unwrap().push(format!("{direction} {}", show(message)));
        }
    };
    let protocols = || vec![Arc::new(CODEC) as Arc<dyn Protocol>];
    for shape in [Shape::Messages, Shape::Stream] {
        let framing = (shape == Shape::Stream)
            .then(|| Arc::new(tinyrpc_core::Length) as Arc<dyn tinyrpc_core::Framing>);
        let mut pair = Pair::new(shape);
        let ours: Arc<Mutex<Vec<String>>> = Arc::default();
        pair.client = Side::of(Settings {
            trace: Some(Arc::new(trace(&ours))),
            framing: framing.clone(),
            ..Settings::new(Role::Client, shape, protocols())
        });
        pair.server = Side::of(Settings {
            gated: true,
            trace: Some(Arc::new(trace(&seen))),
            framing,
            ..Settings::new(Role::Server, shape, protocols())
        });
        let secret = pair.client.caller().concealed();
        let login = pair.call_by::<bool>(secret.clone(), "login", ("hunter2",));
        let before = pair.call::<Vec<u8>>("echo", (1,));
        pair.settle();
        pair.server.receive(Bytes::from_static(b"=? hunter2"));
        pair.server.receive(CODEC.call(None, "login", "[\"hunter2\"]"));
        pair.server.receive([b"=b", &*CODEC.call(None, "login", "[\"hunter2\"]")].concat().into());
        pair.settle();
        let (number, first) = ask(&mut pair.server).unwrap();
        assert_eq!(first, "login[\"hunter2\"]", "it is hidden from the trace alone");
        pair.server.session.answer_asked(number, |reply| reply.result(&true));
        pair.server.session.open_gate();
        pair.settle();
        assert!(login.ok());
        assert_eq!(before.ok(), [1]);
        let after = pair.call::<Vec<u8>>("echo", (2,));
        let large =
            pair.call_by::<Vec<String>>(secret.clone(), "echo", ("hunter2".repeat(20_000),));
        let notify = secret.clone();
        pair.tasks.spawn(async move { notify.notify("note", ("hunter2",)).await.unwrap() });
        let batch = pair.tasks.spawn(async move {
            let mut batch = secret.batch();
            let item = batch.call::<Vec<String>>("echo", ("hunter2",)).unwrap();
            batch.send().await.unwrap().take(item)
        });
        pair.settle();
        drop((after.ok(), large.ok(), batch.ok()));
        let sent: Vec<_> =
            ours.lock().unwrap().iter().filter(|one| one.starts_with("sent")).cloned().collect();
        assert!(sent.iter().all(|one| !one.contains("hunter2")), "{sent:?}");
        assert_eq!(sent[0], "sent =q1 login   ***********");
        assert_eq!(sent[1..3], ["sent =q2 echo   [1]", "sent =q3 echo   [2]"]);
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        let received: Vec<_> = seen.iter().filter(|one| one.starts_with("received")).collect();
        let expected = [
            "received =q1 login   ***********",
            "received =q2 echo   ***",
            "received **********",
            "received =q login   ***********",
        ];
        assert_eq!(received[..4], expected);
        assert!(received[4].trim_start_matches("received ").bytes().all(|byte| byte == b'*'));
        assert_eq!(received[5], "received =q3 echo   [2]");
    }
}
