//! Requests over the limit wait, then are refused as not executed; the others are unaffected.

use bytes::Bytes;
use tinyrpc_core::{Error, Id, Limits, Message, Outcome, Reason, Shape};

use crate::support::{Identity, Pair, Setup};

const CODEC: Identity = Identity { mark: b'=', batches: true, cancels: false, chunk: None };

/// One place for requests, and a backlog for four of them; callers are not held back.
fn narrow() -> Pair {
    let mut setup = Setup::default();
    setup.server.max_calls = 1;
    setup.server.max_requests = 1;
    setup.server.max_backlog = 4096;
    setup.pair()
}

#[test]
fn requests_wait_in_order_and_then_are_refused() {
    let mut pair = narrow();
    let long = "x".repeat(900);
    let calls: Vec<_> =
        (0..6).map(|index| pair.call::<u8>("hold", (index, long.clone()))).collect();
    pair.settle();
    // One is executed, four wait, and the last was refused at once.
    let error = calls[5].err();
    assert!(matches!(&error, Error::NotExecuted(Reason::Refused(_))), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert_eq!(
        error.to_string(),
        "the call was not executed: refused by the peer: too many requests: `max_requests` and \
         `max_backlog` are reached (code -32010)"
    );
    assert_eq!(pair.server.session.counters().refused, 1);
    for (index, call) in calls.iter().take(5).enumerate() {
        assert_eq!(pair.server.script.started.len(), index + 1);
        assert_eq!(pair.server.session.running(), 1);
        pair.server.finish(index);
        pair.settle();
        assert_eq!(usize::from(call.ok()), index);
    }
}

/// While the last answers are on their way nothing begins, and the driver is not kept busy.
#[test]
fn what_waits_when_the_connection_closes_never_begins() {
    let mut pair = narrow();
    let calls: Vec<_> = (0..3).map(|index| pair.call::<u8>("hold", (index,))).collect();
    pair.settle();
    pair.server.finish(0);
    assert!(pair.server.session.can_start());
    pair.server.session.close(Reason::Closed("the end".into()));
    assert!(!pair.server.session.can_start());
    assert!(!pair.server.session.wants_close(), "the answer was not sent");
    pair.settle();
    assert_eq!(calls[0].ok(), 0);
    assert!(pair.server.session.wants_close());
    assert_eq!(pair.server.script.started.len(), 1);
}

#[test]
fn the_code_alone_is_no_promise() {
    let mut pair = Pair::new(Shape::Messages);
    let call = pair.call::<u8>("hold", ());
    pair.settle();
    let error = tinyrpc_core::RpcError::new(tinyrpc_core::Code::REFUSED, "an application's own");
    let ticket = pair.server.script.pending.remove(0);
    pair.server.session.finish(ticket, |reply| reply.error(&error));
    pair.settle();
    assert_eq!(call.err().outcome(), Outcome::Answered);
}

#[test]
fn a_second_request_under_the_same_id_is_refused() {
    let mut pair = Pair::new(Shape::Messages);
    for id in [Id::Number(5), Id::Text("five".into()), Id::Null] {
        pair.server.receive(CODEC.call(Some(id.clone()), "hold", "[1]"));
        pair.server.receive(CODEC.call(Some(id.clone()), "hold", "[2]"));
        pair.server.turn(pair.now);
        let answers = pair.server.pop_all();
        assert_eq!(answers.len(), 1);
        assert!(answers[0].contains("-32600"), "{answers:?}");
        assert_eq!(pair.server.session.running(), 1);
        pair.server.finish("the first");
        pair.server.turn(pair.now);
        let answers = pair.server.pop_all();
        assert!(answers[0].ends_with("\"the first\""), "{answers:?}");
        // The id is free again.
        pair.server.receive(CODEC.call(Some(id), "echo", "[3]"));
        pair.server.turn(pair.now);
        assert!(pair.server.pop_all()[0].ends_with("[3]"));
    }
    assert_eq!(pair.server.script.started.len(), 6);
}

#[test]
fn a_request_waits_with_its_own_id() {
    let mut pair = narrow();
    for _ in 0..2 {
        pair.server.receive(CODEC.call(Some(Id::Number(5)), "hold", "[]"));
    }
    pair.server.turn(pair.now);
    // The second one waited; its turn comes when the id is free, so it is executed.
    assert!(pair.server.pop_all().is_empty());
    pair.server.finish(1);
    pair.server.turn(pair.now);
    pair.server.finish(2);
    pair.server.turn(pair.now);
    assert_eq!(pair.server.pop_all(), ["=r5  1", "=r5  2"]);
}

#[test]
fn a_cancelled_request_is_dropped_and_answered() {
    let mut pair = Pair::new(Shape::Messages);
    let call = pair.call::<u8>("hold", ());
    let other = pair.call::<u8>("hold", ());
    pair.settle();
    pair.server.receive(CODEC.frame(&Message::Cancel(Id::Number(1))));
    pair.server.receive(CODEC.frame(&Message::Cancel(Id::Number(99))));
    let ticket = pair.server.script.pending[0];
    pair.settle();
    assert_eq!(pair.server.script.cancelled, [ticket]);
    assert_eq!(call.err().as_rpc().unwrap().code.0, -32012);
    // The handler finishes all the same: nobody is told twice.
    pair.server.session.finish(ticket, |reply| reply.result(&1));
    pair.settle();
    assert_eq!(pair.client.session.counters().unmatched, 0);
    pair.server.finish(2);
    pair.settle();
    assert_eq!(other.ok(), 2);
}

#[test]
fn draining_refuses_what_is_new_and_finishes_what_runs() {
    let mut pair = narrow();
    let running = pair.call::<u8>("hold", ());
    let waiting = pair.call::<u8>("hold", ());
    pair.settle();
    pair.server.session.drain();
    assert!(pair.server.session.is_draining());
    let late = pair.call::<u8>("hold", ());
    let own = pair.call_back::<u8>("hold", ());
    pair.settle();
    assert_eq!(own.err().outcome(), Outcome::NotExecuted);
    let error = late.err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert!(error.to_string().contains("this side is shutting down"), "{error}");
    assert!(!pair.server.session.is_drained());
    pair.server.finish(1);
    pair.settle();
    assert_eq!(running.ok(), 1);
    assert_eq!(waiting.err().outcome(), Outcome::NotExecuted);
    assert!(pair.server.session.is_drained());
    assert_eq!(pair.server.script.started.len(), 1);
}

#[test]
fn while_output_is_full_nothing_new_begins() {
    let mut setup = Setup::default();
    setup.server.max_outgoing = 1000;
    let mut pair = setup.pair();
    let calls: Vec<_> = (0..10).map(|_| pair.call::<String>("large", (600,))).collect();
    pair.client.turn(pair.now);
    while let Some(frame) = pair.client.pop() {
        pair.server.receive(frame.bytes);
    }
    pair.server.turn(pair.now);
    // Two answers fill the queue; the other requests wait, although places are free.
    assert_eq!(pair.server.script.started.len(), 2);
    assert!(!pair.server.session.is_paused());
    assert!(!pair.server.session.can_start());
    pair.settle();
    calls.iter().for_each(|call| assert_eq!(call.ok().len(), 600));
}

#[test]
fn an_answer_over_the_limit_is_an_error() {
    let mut setup = Setup::default();
    setup.server.max_message = 1000;
    let mut pair = setup.pair();
    let call = pair.call::<String>("large", (2000,));
    pair.settle();
    let error = call.err();
    assert_eq!(error.as_rpc().unwrap().code.0, -32013);
    assert!(error.to_string().contains("`max_message` of 1000 bytes"), "{error}");
}

#[test]
fn a_message_over_the_limit_is_told_and_costs_one_message() {
    let limits = |limits: &mut Limits| limits.max_message = 1000;
    let mut pair = Setup::default().limits(limits).pair();
    let long = format!("[\"{}\"]", "x".repeat(2000));
    pair.server.receive(CODEC.call(Some(Id::Number(1)), "echo", &long));
    pair.server.receive(CODEC.call(Some(Id::Number(2)), "echo", "[]"));
    pair.server.turn(pair.now);
    let answers = pair.server.pop_all();
    assert!(answers[0].starts_with("=e~ ") && answers[0].contains("max_message"), "{answers:?}");
    assert_eq!(answers[1], "=r2  []");

    // A stream cannot be followed any further.
    let mut pair = Setup::shape(Shape::Stream).limits(limits).pair();
    pair.server.receive(CODEC.call(Some(Id::Number(1)), "echo", &long));
    pair.server.turn(pair.now);
    assert!(pair.server.session.is_closing());
}

#[test]
fn nonsense_is_answered_counted_or_closes() {
    let mut pair = Setup::default().limits(|limits| limits.max_syntax_errors = 3).pair();
    let mut send = |frames: &[&str]| {
        for frame in frames {
            pair.server.receive(frame.to_string().into());
        }
        pair.server.turn(pair.now);
        let answers = pair.server.pop_all();
        (answers.len(), pair.server.session.is_closing())
    };
    assert_eq!(send(&["=?", "=-", "=q7\u{1f}note\u{1f}\u{1f}\u{1f}[]"]), (2, false));
    // Three in a row, and what came before does not count.
    assert_eq!(send(&["=?", "=?"]), (2, false));
    assert_eq!(send(&["=?"]), (1, true));
    let reason = pair.server.session.reason().to_string();
    assert!(reason.contains("too many messages in a row that do not parse"), "{reason}");

    let mut pair = Pair::new(Shape::Messages);
    pair.server.receive("=!".into());
    pair.server.receive(CODEC.call(Some(Id::Number(1)), "echo", "[]"));
    pair.server.turn(pair.now);
    assert_eq!(pair.server.pop_all().len(), 1);
    assert!(pair.server.session.wants_close());
    assert!(pair.server.script.started.is_empty());
}

#[test]
fn unknown_extensions_and_pings_are_counted() {
    let mut pair = Pair::new(Shape::Messages);
    pair.server.receive("=u".into());
    let ping = tinyrpc_core::Ping { id: None, meta: None };
    pair.server.receive(CODEC.frame(&Message::Ping(ping)));
    pair.server.turn(pair.now);
    assert_eq!(pair.server.session.counters().ignored, 2);
    assert!(pair.server.session.outgoing().is_empty());
}

/// Gives a server a thousand frames while nobody takes what it sends; then takes all of it.
#[track_caller]
fn answers_to_a_thousand(frame: impl Fn(u64) -> Bytes, drain: bool) -> Vec<String> {
    let mut setup = Setup::default();
    (setup.server.max_outgoing, setup.server.max_backlog) = (2048, 4096);
    setup.server.max_syntax_errors = u32::MAX;
    let mut pair = setup.pair();
    if drain {
        pair.server.session.drain();
    }
    (0..1000).for_each(|index| pair.server.receive(frame(index)));
    pair.server.turn(pair.now);
    let waiting = pair.server.session.outgoing().len();
    assert!(waiting > 2048 && waiting < 2 * 2048 + 200, "{waiting} bytes wait");
    assert!(pair.server.session.is_paused(), "it reads on");
    let mut answers = Vec::new();
    while !pair.server.session.outgoing().is_empty() {
        answers.extend(pair.server.pop_all());
        pair.server.turn(pair.now);
    }
    assert_eq!(answers.len(), 1000);
    answers
}

#[test]
fn what_is_no_request_waits_for_room_too() {
    for answer in answers_to_a_thousand(|_| Bytes::from_static(b"=?"), false) {
        assert!(answer.contains("-32700"), "{answer}");
    }
    // A batch of nothing else, too.
    let batch = Bytes::from_static(b"=b=?\x1e=?");
    for answer in answers_to_a_thousand(|_| batch.clone(), false) {
        assert_eq!(answer.matches("-32700").count(), 2, "{answer}");
    }
}

#[test]
fn requests_are_refused_in_the_end_as_far_as_there_is_room() {
    let frame = |index| CODEC.call(Some(Id::Number(index)), "echo", "[]");
    let answers = answers_to_a_thousand(frame, true);
    assert!(answers.iter().all(|answer| answer.contains("-32010")));
    for index in 0..1000 {
        let head = format!("=e{index} ");
        assert_eq!(answers.iter().filter(|answer| answer.starts_with(&head)).count(), 1);
    }
}
