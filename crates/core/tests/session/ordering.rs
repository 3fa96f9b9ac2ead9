//! The order in which answers leave, and what waits for it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tinyrpc_core::{
    Error, Framing, Id, Lane, Length, Limits, Message, Outcome, Protocol, Reason, ReplyOrder, Role,
    Settings, Shape,
};

use crate::support::{Identity, Pair, Side};

const CODEC: Identity = Identity { mark: b'=', batches: true, cancels: false, chunk: None };

fn side(role: Role, order: ReplyOrder, shape: Shape, limits: &Limits) -> Side {
    Side::of(Settings {
        reply_order: order,
        limits: Arc::new(limits.clone()),
        framing: (shape == Shape::Stream).then(|| Arc::new(Length) as Arc<dyn Framing>),
        ..Settings::new(role, shape, vec![Arc::new(CODEC) as Arc<dyn Protocol>])
    })
}

fn pair(order: ReplyOrder, limits: &Limits) -> Pair {
    let mut pair = Pair::new(Shape::Messages);
    pair.server = side(Role::Server, order, Shape::Messages, limits);
    pair
}

fn batch(members: &[(u64, &str)]) -> Bytes {
    let members: Vec<_> = members
        .iter()
        .map(|&(id, method)| CODEC.call((id > 0).then_some(Id::Number(id)), method, "[]"))
        .collect();
    [b"=b", members.join(&0x1e).as_slice()].concat().into()
}

/// What the peer does, or a handler.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Requests come: `h` goes on, `e` is answered at once, `n` is a notification that goes on.
    Come(&'static str),
    /// A batch of one request that goes on and one that does not.
    Batch,
    /// The so-manieth of those that go on is finished.
    Finish(usize),
    /// The peer cancels the request with this id.
    Cancel(u64),
    /// Bytes that are no message.
    Nonsense,
    /// A message that asks for nothing.
    Speak,
    /// So many microseconds pass.
    Pass(u64),
}

/// Which answers leave after each step, by their ids; `~` is the answer to nonsense, a batch goes
/// by all of its ids.
#[track_caller]
fn check(order: ReplyOrder, steps: &[(Step, &str)]) {
    let mut pair = pair(order, &Limits::default());
    let mut last = 0;
    for (index, &(step, expected)) in steps.iter().enumerate() {
        let side = &mut pair.server;
        match step {
            Step::Come(kinds) => {
                for kind in kinds.chars() {
                    let method = if kind == 'e' { "echo" } else { "hold" };
                    let id = (kind != 'n').then(|| {
                        last += 1;
                        Id::Number(last)
                    });
                    side.receive(CODEC.call(id, method, "[]"));
                }
            }
            Step::Batch => {
                side.receive(batch(&[(last + 1, "hold"), (0, "note"), (last + 2, "echo")]));
                last += 2;
            }
            Step::Finish(nth) => {
                let ticket = side.script.pending.remove(nth);
                side.session.finish(ticket, |reply| reply.result(&nth));
            }
            Step::Cancel(id) => side.receive(CODEC.frame(&Message::Cancel(Id::Number(id)))),
            Step::Nonsense => side.receive(Bytes::from_static(b"=?")),
            Step::Speak => side.receive(CODEC.frame(&Message::Unknown)),
            Step::Pass(micros) => pair.now += micros,
        }
        side.turn(pair.now);
        let ids: Vec<String> = side.pop_all().iter().map(|frame| ids(frame)).collect();
        assert_eq!(ids.join(" "), expected, "{order:?}: step {index}, {step:?}");
    }
    let side = &mut pair.server;
    assert_eq!(side.session.running(), side.script.pending.len());
}

/// `=r12 ...` is 12, `=b=r1 ...|=r2 ...` is 1+2.
fn ids(frame: &str) -> String {
    let members = frame.strip_prefix("=b").unwrap_or(frame).split('|');
    let ids = members.map(|member| {
        let end = member.find(' ').unwrap();
        member[2..end].to_owned()
    });
    ids.collect::<Vec<_>>().join("+")
}

#[test]
fn as_ready() {
    use Step::*;
    check(
        ReplyOrder::AsReady,
        &[(Come("hhe"), "3"), (Finish(1), "2"), (Nonsense, "~"), (Finish(0), "1")],
    );
}

#[test]
fn in_order() {
    use Step::*;
    let check = |steps: &[_]| check(ReplyOrder::InOrder, steps);
    check(&[(Come("eee"), "1 2 3")]);
    check(&[(Come("hhe"), ""), (Finish(1), ""), (Finish(0), "1 2 3"), (Come("e"), "4")]);
    check(&[(Come("hehe"), ""), (Finish(0), "1 2"), (Finish(0), "3 4")]);
    // Notifications neither wait nor are waited for.
    check(&[(Come("nhn"), ""), (Come("e"), ""), (Finish(1), "1 2"), (Come("e"), "3")]);
    check(&[(Come("ne"), "1"), (Finish(0), "")]);
    // A batch is one answer, and so is that to a message that is none.
    check(&[
        (Come("h"), ""),
        (Batch, ""),
        (Come("e"), ""),
        (Finish(1), ""),
        (Finish(0), "1 3+2 4"),
    ]);
    check(&[(Batch, ""), (Nonsense, ""), (Come("e"), ""), (Finish(0), "2+1 ~ 3")]);
    check(&[(Come("hhh"), ""), (Cancel(2), ""), (Finish(1), ""), (Cancel(1), "1 2 3")]);
}

#[test]
fn nested() {
    use Step::*;
    let check = |steps: &[_]| check(ReplyOrder::Nested, steps);
    check(&[(Come("eee"), "1 2 3")]);
    check(&[(Come("hhe"), "3"), (Finish(0), ""), (Finish(0), "2"), (Speak, "1")]);
    check(&[(Come("hh"), ""), (Finish(1), "2"), (Finish(0), "1")]);
    // One that comes while an answer waits is later, too.
    check(&[
        (Come("hh"), ""),
        (Finish(0), ""),
        (Come("h"), ""),
        (Finish(0), ""),
        (Finish(0), "3"),
        (Speak, "2"),
        (Speak, "1"),
    ]);
    check(&[(Come("hh"), ""), (Finish(0), ""), (Come("e"), "3"), (Finish(0), "2"), (Speak, "1")]);
    check(&[(Come("hn"), ""), (Finish(0), "1")]);
    check(&[
        (Come("h"), ""),
        (Batch, ""),
        (Finish(0), ""),
        (Nonsense, "~"),
        (Finish(0), "3+2"),
        (Speak, "1"),
    ]);
    check(&[(Come("hhh"), ""), (Cancel(1), ""), (Cancel(3), "3"), (Finish(0), "2"), (Speak, "1")]);
}

/// Two answers never leave together, unless the peer asked for them together.
#[test]
fn nested_answers_rest() {
    use Step::*;
    let check = |steps: &[_]| check(ReplyOrder::Nested, steps);
    let two_wait = [(Come("hhh"), ""), (Finish(0), ""), (Finish(0), ""), (Finish(0), "3")];
    let then = |steps: &[_]| check(&[&two_wait, steps].concat());
    // A peer that says nothing has read it after a while.
    then(&[(Pass(19_999), ""), (Pass(1), "2"), (Pass(19_999), ""), (Pass(1), "1")]);
    then(&[
        (Pass(19_999), ""),
        (Speak, "2"),
        (Pass(19_999), ""),
        (Speak, "1"),
        (Pass(100_000), ""),
    ]);
    // What it says may be a request: that is later, and its answer is one that must be read.
    then(&[(Come("h"), ""), (Pass(100_000), ""), (Finish(0), "4"), (Speak, "2"), (Speak, "1")]);
    then(&[(Come("e"), "4"), (Come("e"), "5"), (Speak, "2"), (Come("n"), "1")]);
    then(&[(Nonsense, "~ 2"), (Pass(20_000), "1")]);
    // One that goes on keeps what is ready below it.
    check(&[(Come("hhh"), ""), (Finish(1), ""), (Finish(1), "3"), (Finish(0), ""), (Speak, "2")]);
}

#[test]
fn the_end_waits_for_answers_that_rest() {
    for draining in [false, true] {
        let mut pair = pair(ReplyOrder::Nested, &Limits::default());
        let side = &mut pair.server;
        for id in 1..=2 {
            side.receive(CODEC.call(Some(Id::Number(id)), "hold", "[]"));
        }
        side.turn(0);
        match draining {
            true => side.session.drain(),
            false => side.session.end(Reason::Closed("it is done".into())),
        }
        side.finish(1);
        side.finish(2);
        side.turn(0);
        assert_eq!(side.pop_all(), ["=r2  2"]);
        assert!(!side.session.is_drained() && !side.session.wants_close());
        assert_eq!(side.next, Some(20_000));
        side.turn(20_000);
        assert_eq!(side.pop_all(), ["=r1  1"]);
        assert_eq!((side.session.is_drained(), side.session.wants_close()), (true, !draining));
    }
}

#[test]
fn every_exchange_is_on_its_own() {
    for order in [ReplyOrder::InOrder, ReplyOrder::Nested] {
        let mut side = side(Role::Server, order, Shape::Exchange, &Limits::default());
        for lane in [1, 2, 3] {
            let method = if lane == 2 { "echo" } else { "hold" };
            side.receive_on(Lane(lane), CODEC.call(Some(Id::Number(lane)), method, "[]"));
        }
        side.turn(0);
        assert_eq!(side.pop_all(), ["=r2  []"]);
        let last = side.script.pending.remove(1);
        side.session.finish(last, |reply| reply.result(&3));
        side.finish(1);
        assert_eq!(side.pop_all(), ["=r3  3", "=r1  1"]);
    }
}

#[test]
fn large_answers_keep_the_order_and_their_framing() {
    for order in [ReplyOrder::InOrder, ReplyOrder::Nested] {
        let mut pair = Pair::new(Shape::Stream);
        pair.server = side(Role::Server, order, Shape::Stream, &Limits::default());
        let held = pair.call::<u8>("hold", ());
        let large = pair.call::<String>("large", (100_000,));
        pair.settle();
        assert_eq!(large.is_pending(), order == ReplyOrder::InOrder);
        pair.server.finish(1);
        pair.settle();
        assert_eq!(held.ok(), 1);
        assert_eq!(large.ok().len(), 100_000);
    }
}

/// A slow first request: what waits for it is bounded, and nobody is stuck when it ends.
#[test]
fn what_waits_is_bounded() {
    let limits = Limits {
        max_outgoing: 10_000,
        max_backlog: 10_000,
        max_requests: 4,
        max_calls: 1,
        ..Limits::default()
    };
    let mut pair = pair(ReplyOrder::InOrder, &limits);
    let side = &mut pair.server;
    side.receive(CODEC.call(Some(Id::Number(1)), "hold", "[]"));
    let mut sent = 1;
    while !side.session.is_paused() {
        sent += 1;
        assert!(sent < 10_000, "it reads on for ever");
        side.receive(CODEC.call(Some(Id::Number(sent)), "large", "[1000]"));
        side.turn(pair.now);
        assert!(side.pop().is_none());
    }
    // Answers up to the limit, then requests up to the limit, then refusals up to the limit.
    let begun = side.script.started.len();
    assert!((9..=12).contains(&begun), "{begun}");
    assert!(side.session.counters().refused > 50);
    side.finish("done");
    let mut answers = Vec::new();
    while side.session.can_start() || !side.session.outgoing().is_empty() {
        answers.extend(side.pop_all());
        side.turn(pair.now);
    }
    assert_eq!(answers.len() as u64, sent, "every request is answered");
    let numbers = answers.iter().map(|frame| ids(frame).parse::<u64>().unwrap());
    assert!(numbers.eq(1..=sent), "and in order");
    let refused = answers.iter().filter(|frame| frame.contains("rpc.not_executed")).count();
    assert_eq!(refused as u64, side.session.counters().refused);
    assert!(!side.session.is_paused());
}

/// The other way round: what waits for a later one.
#[test]
fn what_waits_for_a_later_one_is_bounded() {
    let limits = Limits { max_outgoing: 10_000, ..Limits::default() };
    let mut pair = pair(ReplyOrder::Nested, &limits);
    let side = &mut pair.server;
    for id in 1..=100 {
        side.receive(CODEC.call(Some(Id::Number(id)), "hold", "[]"));
    }
    side.turn(pair.now);
    for _ in 0..99 {
        side.finish("x".repeat(200));
    }
    assert!(side.pop().is_none());
    side.receive(CODEC.call(Some(Id::Number(101)), "echo", "[]"));
    side.turn(pair.now);
    assert_eq!(side.script.started.len(), 100, "too much waits for another one to begin");
    side.finish(100);
    let mut left = Vec::new();
    while side.session.running() > 0 || !side.session.is_drained() {
        left.extend(side.pop_all().iter().map(|frame| ids(frame).parse::<u64>().unwrap()));
        pair.now += 20_000;
        side.turn(pair.now);
    }
    // What waited for room begins when nothing else runs, and is later than what still waits.
    assert!(left.into_iter().eq([100, 101].into_iter().chain((1..=99).rev())));
}

/// In order, the answer to a request that is nested in a handler's own call waits for that
/// handler: the timeouts end it, and every call once.
#[test]
fn a_nested_request_in_order_ends_by_timeouts() {
    let mut pair = pair(ReplyOrder::InOrder, &Limits::default());
    let root = pair.call::<u8>("hold", ());
    pair.settle();
    // The handler calls its peer, whose handler calls back before it answers.
    let nested = pair.server.caller().nested().with_timeout(Duration::from_secs(2));
    let back = pair.call_by::<u8>(nested, "hold", ());
    pair.settle();
    let within = pair.client.caller().nested().with_timeout(Duration::from_secs(1));
    let inner = pair.call_by::<Vec<u8>>(within, "echo", (1,));
    pair.settle();
    assert_eq!(pair.server.script.started, ["hold", "echo[1]"], "it is executed");
    assert!(inner.is_pending(), "and its answer waits");
    pair.pass(Duration::from_secs(1));
    pair.settle();
    let timed_out = |error: Error, millis| {
        assert!(matches!(error, Error::Unknown(Reason::Timeout(its)) if its == millis), "{error}");
        assert_eq!(error.outcome(), Outcome::Unknown);
    };
    timed_out(inner.err(), 1000);
    pair.pass(Duration::from_secs(1));
    timed_out(back.err(), 2000);
    // The handler goes on without, and everything that waited for it leaves.
    pair.server.finish(7);
    pair.client.finish(8);
    pair.settle();
    assert_eq!(root.ok(), 7);
    let next = pair.call::<Vec<u8>>("echo", (2,));
    pair.settle();
    assert_eq!(next.ok(), [2]);
    assert_eq!((pair.client.caller().in_flight(), pair.server.caller().in_flight()), (0, 0));
}

/// Nested, the same works without any wait.
#[test]
fn a_nested_request_last_in_first_out() {
    let mut pair = pair(ReplyOrder::Nested, &Limits::default());
    let root = pair.call::<u8>("hold", ());
    pair.settle();
    let back = pair.call_by::<u8>(pair.server.caller().nested(), "hold", ());
    pair.settle();
    let inner = pair.call_by::<Vec<u8>>(pair.client.caller().nested(), "echo", (1,));
    pair.settle();
    assert_eq!(inner.ok(), [1]);
    pair.client.finish(8);
    pair.settle();
    assert_eq!(back.ok(), 8);
    pair.server.finish(7);
    pair.settle();
    assert_eq!(root.ok(), 7);
}

#[test]
fn the_end_of_a_connection_forgets_what_waits() {
    let mut pair = pair(ReplyOrder::InOrder, &Limits::default());
    let first = pair.call::<u8>("hold", ());
    let second = pair.call::<Vec<u8>>("echo", (1,));
    pair.settle();
    pair.lose();
    assert_eq!(first.err().outcome(), Outcome::Unknown);
    assert_eq!(second.err().outcome(), Outcome::Unknown);
    // A handler that is done later is no harm.
    pair.server.finish(1);
    assert!(pair.server.session.wants_close());
}

#[test]
fn a_shutdown_waits_for_what_waits() {
    let mut pair = pair(ReplyOrder::InOrder, &Limits::default());
    let side = &mut pair.server;
    side.receive(CODEC.call(Some(Id::Number(1)), "hold", "[]"));
    side.receive(CODEC.call(Some(Id::Number(2)), "echo", "[]"));
    side.turn(pair.now);
    side.session.drain();
    side.receive(CODEC.call(Some(Id::Number(3)), "echo", "[]"));
    side.turn(pair.now);
    assert!(side.pop().is_none() && !side.session.is_drained());
    side.finish(1);
    let answers = side.pop_all();
    assert_eq!(answers.iter().map(|frame| ids(frame)).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert!(answers[2].contains("rpc.not_executed"), "{answers:?}");
    assert!(side.session.is_drained());
}
