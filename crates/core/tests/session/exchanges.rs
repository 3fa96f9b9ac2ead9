//! Lanes: each exchange ends once, in a way that its transport can turn into a status.

use std::time::Duration;

use tinyrpc_core::{
    Code, Ended, Error, Id, Lane, Limits, Message, Outcome, Reason, Response, Role, RpcError, Shape,
};

use crate::support::{Identity, Pair, Setup, pair::carry};

const CODEC: Identity = Identity { mark: b'=', batches: true, cancels: false, chunk: None };

/// One message on a lane of a server: how many frames it sends and how the lane ends.
#[track_caller]
fn check(prepare: impl Fn(&mut Pair), frame: &str, frames: usize, expected: &[Ended]) {
    let mut pair = Pair::new(Shape::Exchange);
    prepare(&mut pair);
    pair.server.receive_on(Lane(3), frame.replace(' ', "\u{1f}").into());
    pair.server.turn(pair.now);
    assert_eq!(pair.server.pop_all().len(), frames, "{frame}");
    let expected: Vec<_> = expected.iter().map(|&how| (Lane(3), how)).collect();
    assert_eq!(pair.server.ended, expected, "{frame}");
}

#[test]
fn a_lane_says_how_it_ended() {
    let open = |_: &mut Pair| {};
    let drain = |pair: &mut Pair| pair.server.session.drain();
    let close = |pair: &mut Pair| pair.server.session.close(Reason::Closed("bad".into()));
    check(open, "=q1 echo   []", 1, &[Ended::Answered]);
    check(open, "=q1 fail   []", 1, &[Ended::Answered]);
    check(open, "=q1 mute   []", 1, &[Ended::Answered]);
    check(open, "=q1 large   [100000]", 1, &[Ended::Answered]);
    check(open, "=q note   []", 0, &[Ended::Silent]);
    check(open, "=q large   [100000]", 0, &[Ended::Silent]);
    check(open, "=r1  5", 0, &[Ended::Silent]);
    check(open, "=u", 0, &[Ended::Silent]);
    check(open, "=-", 0, &[Ended::Failed]);
    check(open, "=?", 1, &[Ended::Answered]);
    check(open, "=!", 1, &[Ended::Answered]);
    check(open, "=q1 hold   []", 0, &[]);
    check(drain, "=q1 echo   []", 1, &[Ended::Refused]);
    check(drain, "=q note   []", 0, &[Ended::Refused]);
    check(close, "=q1 echo   []", 0, &[Ended::Refused]);
}

#[test]
fn an_answer_goes_out_on_the_lane_of_its_request() {
    let mut pair = Pair::new(Shape::Exchange);
    for lane in [5, 6, 7] {
        // Every client numbers its own requests, so ids are only unique on their lane.
        pair.server.receive_on(Lane(lane), CODEC.call(Some(Id::Number(1)), "hold", "[]"));
    }
    pair.server.receive_on(Lane(8), CODEC.call(None, "hold", "[]"));
    pair.server.turn(pair.now);
    assert_eq!(pair.server.session.running(), 4);
    for (index, lane) in [(1, 6), (0, 5), (0, 7)] {
        let ticket = pair.server.script.pending.remove(index);
        pair.server.session.finish(ticket, |reply| reply.result(&lane));
        let frame = pair.server.pop().expect("an answer");
        assert_eq!(
            (frame.lane, crate::support::pair::show(&frame.bytes)),
            (Lane(lane), format!("=r1  {lane}"))
        );
        assert!(pair.server.pop().is_none());
    }
    pair.server.finish("nobody is told");
    assert!(pair.server.pop().is_none());
    let answered = [6, 5, 7].map(|lane| (Lane(lane), Ended::Answered));
    assert_eq!(pair.server.ended[..3], answered);
    assert_eq!(pair.server.ended[3..], [(Lane(8), Ended::Silent)]);
}

#[test]
fn calls_and_notifications_over_exchanges() {
    let mut pair = Pair::new(Shape::Exchange);
    let calls: Vec<_> = (0..20).map(|index| pair.call::<Vec<u32>>("echo", (index,))).collect();
    let large = pair.call::<String>("large", (100_000,));
    let notification = pair.notify("note", ());
    pair.settle();
    for (index, call) in calls.iter().enumerate() {
        assert_eq!(call.ok(), [index as u32]);
    }
    assert_eq!(large.ok().len(), 100_000);
    notification.ok();
    assert_eq!(pair.client.caller().in_flight(), 0);
    let mut lanes: Vec<_> = pair.server.ended.iter().map(|(lane, _)| lane.0).collect();
    lanes.sort_unstable();
    assert_eq!(lanes, (1..=22).collect::<Vec<_>>(), "every call has a lane of its own");
}

#[test]
fn a_lane_that_closes_without_an_answer() {
    let mut pair = Pair::new(Shape::Exchange);
    let taken = pair.call::<()>("hold", ());
    let other = pair.call::<Vec<u8>>("echo", (1,));
    pair.turn();
    let lane = pair.client.pop().expect("the call").lane;
    pair.client.incoming.close_lane(lane);
    pair.turn();
    let error = taken.err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(error.to_string().contains("the exchange ended without an answer"), "{error}");
    pair.settle();
    assert_eq!(other.ok(), [1]);
}

#[test]
fn a_client_that_hangs_up_cancels_its_requests() {
    let mut pair = Pair::new(Shape::Exchange);
    pair.server.receive_on(Lane(1), CODEC.call(Some(Id::Number(1)), "hold", "[]"));
    let two = [
        b"=b",
        &*CODEC.call(Some(Id::Number(2)), "hold", "[]"),
        b"\x1e",
        &*CODEC.call(Some(Id::Number(3)), "hold", "[]"),
    ];
    pair.server.receive_on(Lane(2), two.concat().into());
    pair.server.turn(pair.now);
    let tickets = pair.server.script.pending.clone();
    assert_eq!(tickets.len(), 3);
    for lane in [1, 2, 9] {
        pair.server.incoming.close_lane(Lane(lane));
    }
    pair.server.turn(pair.now);
    assert_eq!(pair.server.script.cancelled, tickets);
    assert_eq!(pair.server.session.running(), 0);
    for ticket in tickets {
        pair.server.session.finish(ticket, |reply| reply.result(&1));
    }
    // None can be sent on a closed lane, so none is.
    assert!(pair.server.pop_all().is_empty());
    assert!(pair.server.ended.is_empty());
}

#[test]
fn what_waits_on_a_closed_lane_is_forgotten() {
    let mut setup = Setup::shape(Shape::Exchange);
    (setup.server.max_calls, setup.server.max_requests) = (1, 1);
    let mut pair = setup.pair();
    for lane in 1..=3 {
        pair.server.receive_on(Lane(lane), CODEC.call(Some(Id::Number(lane)), "hold", "[]"));
    }
    pair.server.turn(pair.now);
    pair.server.incoming.close_lane(Lane(2));
    pair.server.turn(pair.now);
    pair.server.finish(1);
    pair.server.turn(pair.now);
    pair.server.finish(3);
    pair.server.turn(pair.now);
    assert_eq!(pair.server.pop_all(), ["=r1  1", "=r3  3"]);
    assert_eq!(pair.server.script.started.len(), 2);
}

#[test]
fn the_serving_side_cannot_call_and_says_so() {
    let mut pair = Pair::new(Shape::Exchange);
    let check = |error: Error| {
        assert_eq!(error.outcome(), Outcome::NotExecuted);
        assert!(matches!(error, Error::NotExecuted(Reason::Unsupported(_))), "{error:?}");
        assert_eq!(
            error.to_string(),
            "the call was not executed: a transport of exchanges cannot carry calls from the \
             serving side: use a permanent connection"
        );
    };
    check(pair.call_back::<()>("echo", ()).err());
    let caller = pair.server.caller();
    let notify = caller.clone();
    let notification = pair.tasks.spawn(async move { notify.notify("note", ()).await });
    let batch = async move {
        let mut batch = caller.batch();
        batch.call::<()>("echo", ())?;
        batch.send().await.map(|_| ())
    };
    let batch = pair.tasks.spawn(batch);
    pair.tasks.run();
    check(notification.err());
    check(batch.err());
}

#[test]
fn an_error_without_an_id_ends_the_call_of_its_exchange() {
    let table = [
        // The peer could not read the request.
        (Code::PARSE_ERROR, Outcome::NotExecuted),
        (Code::INVALID_REQUEST, Outcome::NotExecuted),
        (Code::INTERNAL_ERROR, Outcome::Answered),
        (Code(7), Outcome::Answered),
    ];
    for (code, outcome) in table {
        let mut pair = Pair::new(Shape::Exchange);
        let call = pair.call::<()>("hold", ());
        let other = pair.call::<Vec<u8>>("echo", (1,));
        pair.turn();
        let lane = pair.client.pop().expect("the call").lane;
        let error = RpcError::new(code, "so it is");
        let error = CODEC.frame(&Message::Response(Response::new(Id::Null, Err(error))));
        pair.client.receive_on(lane, error);
        pair.turn();
        let error = call.err();
        assert_eq!(error.outcome(), outcome, "{code:?}: {error}");
        pair.settle();
        assert_eq!(other.ok(), [1], "another exchange goes on");
    }
}

#[test]
fn an_answer_over_the_limit_ends_its_call() {
    let mut setup = Setup::shape(Shape::Exchange);
    setup.client.max_message = 1000;
    let mut pair = setup.pair();
    let call = pair.call::<String>("large", (2000,));
    pair.turn();
    carry(&mut pair.client, &mut pair.server, 9, 0);
    pair.settle();
    assert!(!call.is_pending(), "the exchange is over and its call waits");
    let error = call.err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(error.to_string().contains("`max_message`"), "{error}");
    assert!(pair.client.pop_all().is_empty(), "a client has nothing to answer");
}

#[test]
fn each_exchange_speaks_its_own_protocol() {
    let other = Identity { mark: b'~', ..CODEC };
    let setup = Setup { served: vec![CODEC, other], ..Setup::shape(Shape::Exchange) };
    let mut pair = setup.pair();
    let calls = [(1, CODEC, "hold"), (2, other, "hold"), (3, other, "echo"), (4, CODEC, "echo")];
    for (lane, codec, method) in calls {
        pair.server.receive_on(Lane(lane), codec.call(Some(Id::Number(lane)), method, "[7]"));
    }
    pair.server.turn(pair.now);
    assert_eq!(pair.server.pop_all(), ["~r3  [7]", "=r4  [7]"]);
    // Answers that come later, in another order than the requests.
    for ticket in pair.server.script.pending.drain(..).rev() {
        pair.server.session.finish(ticket, |reply| reply.result(&8));
    }
    assert_eq!(pair.server.pop_all(), ["~r2  8", "=r1  8"]);
    // A batch, and a call that fails.
    let batch = [b"~b", &*other.call(Some(Id::Number(5)), "echo", "[1]")].concat();
    pair.server.receive_on(Lane(5), batch.into());
    pair.server.receive_on(Lane(6), CODEC.call(Some(Id::Number(6)), "fail", "[]"));
    pair.server.turn(pair.now);
    assert_eq!(pair.server.pop_all(), ["~b~r5  [1]", "=e6  [-32000,\"it failed\"] "]);
}

#[test]
fn what_waited_speaks_its_own_protocol_too() {
    let other = Identity { mark: b'~', ..CODEC };
    let mut setup = Setup { served: vec![CODEC, other], ..Setup::shape(Shape::Exchange) };
    (setup.server.max_calls, setup.server.max_requests) = (1, 1);
    let mut pair = setup.pair();
    for (lane, codec) in [(1, CODEC), (2, other), (3, CODEC)] {
        pair.server.receive_on(Lane(lane), codec.call(Some(Id::Number(lane)), "hold", "[]"));
        pair.server.turn(pair.now);
    }
    for _ in 0..3 {
        pair.server.finish(9);
        pair.server.turn(pair.now);
    }
    assert_eq!(pair.server.pop_all(), ["=r1  9", "~r2  9", "=r3  9"]);
}

/// The lanes that the client's transport may break off.
fn abandoned(pair: &mut Pair) -> Vec<u64> {
    pair.turn();
    pair.client.pop_all();
    let ended = pair.client.ended.drain(..);
    ended.filter(|(_, how)| *how == Ended::Abandoned).map(|(lane, _)| lane.0).collect()
}

#[test]
fn an_exchange_that_nobody_waits_for_may_be_broken_off() {
    let mut pair = Pair::new(Shape::Exchange);
    let first = pair.call::<()>("hold", ());
    let second = pair.call::<()>("hold", ());
    assert_eq!(abandoned(&mut pair), [0; 0]);
    pair.tasks.cancel(&first);
    assert_eq!(abandoned(&mut pair), [1]);
    pair.now += 60_000_000;
    assert_eq!(abandoned(&mut pair), [2]);
    pair.tasks.run();
    assert_eq!(second.err().outcome(), Outcome::Unknown);
    assert_eq!(abandoned(&mut pair), [0; 0]);
    assert_eq!(pair.client.caller().in_flight(), 0);
}

#[test]
fn a_transport_knows_best_what_became_of_its_exchange() {
    let mut pair = Pair::new(Shape::Exchange);
    let refused = pair.call::<()>("hold", ());
    let broken = pair.call::<()>("hold", ());
    pair.turn();
    while pair.client.pop().is_some() {}
    let reason = || Reason::Closed("nobody listens".into());
    pair.client.incoming.fail_lane(Lane(1), Error::NotExecuted(reason()));
    pair.client.incoming.fail_lane(Lane(2), Error::Unknown(reason()));
    pair.turn();
    pair.tasks.run();
    assert_eq!(refused.err().outcome(), Outcome::NotExecuted);
    assert_eq!(broken.err().outcome(), Outcome::Unknown);
}

/// Where nothing was taken in time, nothing is sent any more: nobody waits for it.
#[test]
fn an_exchange_that_was_not_taken_in_time_is_withdrawn() {
    for size in [1, 100_000] {
        let patient = |limits: &mut Limits| limits.write_stall = Duration::from_secs(3600);
        let mut pair = Setup::shape(Shape::Exchange).limits(patient).pair();
        let text = "x".repeat(size);
        let taken = pair.call::<Vec<String>>("hold", (text.clone(),));
        pair.turn();
        assert!(pair.client.pop().is_some());
        let late = pair.call::<Vec<String>>("echo", (text,));
        pair.turn();
        pair.pass(Duration::from_secs(30));
        assert_eq!(taken.err().outcome(), Outcome::Unknown);
        assert_eq!(late.err().outcome(), Outcome::NotExecuted);
        let next = pair.call::<Vec<u8>>("echo", (7,));
        pair.turn();
        assert_eq!(pair.client.pop_all(), ["=q3 echo   [7]"], "{size}");
        let abandoned = [1, 2].map(|lane| (Lane(lane), Ended::Abandoned));
        assert_eq!(pair.client.ended, abandoned);
        assert!(next.is_pending());
    }
}

/// A caller that goes away before anything was taken takes its message along.
#[test]
fn an_exchange_that_was_given_up_early_is_withdrawn() {
    for (turned, size) in [(false, 1), (true, 1), (true, 100_000)] {
        let mut pair = Pair::new(Shape::Exchange);
        let text = "x".repeat(size);
        let taken = pair.call::<Vec<String>>("hold", (text.clone(),));
        pair.turn();
        assert!(pair.client.pop().is_some());
        let early = pair.call::<Vec<String>>("echo", (text,));
        if turned {
            pair.turn();
        }
        pair.tasks.cancel(&taken);
        pair.tasks.cancel(&early);
        let next = pair.call::<Vec<u8>>("echo", (7,));
        pair.turn();
        assert_eq!(pair.client.pop_all(), ["=q3 echo   [7]"], "{turned} {size}");
        let mut ended = std::mem::take(&mut pair.client.ended);
        ended.sort_unstable_by_key(|(lane, _)| lane.0);
        assert_eq!(ended, [1, 2].map(|lane| (Lane(lane), Ended::Abandoned)));
        assert!(next.is_pending());
    }
}

/// What goes one way only.
#[test]
fn a_transport_of_one_way_messages_takes_notifications() {
    for role in [Role::Client, Role::Server] {
        let mut pair = Pair::new(Shape::OneWay);
        let caller = match role {
            Role::Client => pair.client.caller(),
            Role::Server => pair.server.caller(),
        };
        let error = pair.call_by::<()>(caller.clone(), "echo", (1,)).err();
        assert_eq!(error.outcome(), Outcome::NotExecuted);
        assert!(matches!(error, Error::NotExecuted(Reason::Unsupported(_))), "{error:?}");
        let batch = pair.tasks.spawn(async move {
            let mut batch = caller.batch();
            let call = batch.call::<u8>("echo", (1,)).unwrap();
            batch.notify("note", ()).unwrap();
            batch.send().await.and_then(|mut answers| answers.take(call))
        });
        pair.tasks.run();
        assert!(matches!(batch.err(), Error::NotExecuted(Reason::Unsupported(_))));
    }
    let mut pair = Pair::new(Shape::OneWay);
    let large = "x".repeat(100_000);
    let notes = [pair.notify("a", (1,)), pair.notify("b", (large,)), pair.notify("c", ())];
    pair.turn();
    notes.into_iter().for_each(|note| note.ok());
    let sent = pair.client.pop_all().concat();
    let order: Vec<_> = ["q a ", "q b ", "q c "].map(|one| sent.find(one)).into();
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{order:?}");
    assert!(pair.client.ended.is_empty());
}
