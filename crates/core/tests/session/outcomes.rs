//! Every call ends as answered, certainly not executed, or unknown, and what is called *not
//! executed* never reaches the peer.

use std::time::Duration;

use tinyrpc_core::{Error, Limits, Outcome, Reason, Shape};

use crate::support::{Pair, Setup, pair::carry};

/// How far two calls came before the connection was lost.
#[derive(Clone, Copy, Debug)]
enum Point {
    /// They were made, and the driver has not looked.
    Made,
    /// They stand in the queue.
    Queued,
    /// This many bytes were taken by the transport.
    Bytes(usize),
    /// This many messages were taken.
    Messages(usize),
}

use Outcome::{NotExecuted, Unknown};

#[track_caller]
fn check(shape: Shape, point: Point, expected: [Outcome; 2]) {
    let mut pair = Pair::new(shape);
    let calls = [pair.call::<()>("hold", (1,)), pair.call::<()>("hold", (2,))];
    match point {
        Point::Made => {}
        Point::Queued => pair.turn(),
        Point::Bytes(count) => {
            pair.turn();
            carry(&mut pair.client, &mut pair.server, 0, count);
        }
        Point::Messages(count) => {
            pair.turn();
            (0..count).for_each(|_| _ = pair.client.pop());
        }
    }
    pair.lose();
    assert_eq!(calls.map(|call| call.err().outcome()), expected, "{point:?}");
    assert_eq!(pair.client.caller().in_flight(), 0);
}

#[test]
fn what_the_transport_took_decides() {
    // One call is `....=q1 hold   [1]` in the framing: 4 + 14 bytes.
    const FRAME: usize = 18;
    let none = [NotExecuted, NotExecuted];
    for shape in [Shape::Stream, Shape::Messages, Shape::Exchange] {
        check(shape, Point::Made, none);
        check(shape, Point::Queued, none);
    }
    check(Shape::Stream, Point::Bytes(1), [Unknown, NotExecuted]);
    check(Shape::Stream, Point::Bytes(FRAME), [Unknown, NotExecuted]);
    check(Shape::Stream, Point::Bytes(FRAME + 1), [Unknown, Unknown]);
    for shape in [Shape::Messages, Shape::Exchange] {
        check(shape, Point::Messages(1), [Unknown, NotExecuted]);
        check(shape, Point::Messages(2), [Unknown, Unknown]);
    }
}

#[test]
fn a_large_call_counts_from_its_first_byte() {
    let lost_after = |count: usize| {
        let mut pair = Pair::new(Shape::Stream);
        let large = pair.call::<()>("hold", ("x".repeat(100_000),));
        let small = pair.call::<()>("hold", ());
        pair.turn();
        carry(&mut pair.client, &mut pair.server, 0, count);
        pair.lose();
        [small.err().outcome(), large.err().outcome()]
    };
    assert_eq!(lost_after(0), [NotExecuted, NotExecuted]);
    // The small one overtook it.
    assert_eq!(lost_after(10), [Unknown, NotExecuted]);
    assert_eq!(lost_after(100), [Unknown, Unknown]);
}

#[test]
fn what_was_taken_before_stays_taken() {
    let mut pair = Pair::new(Shape::Stream);
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(pair.call::<()>("hold", ()));
        pair.settle();
    }
    calls.push(pair.call::<()>("hold", ()));
    pair.turn();
    pair.lose();
    let outcomes: Vec<_> = calls.iter().map(|call| call.err().outcome()).collect();
    assert_eq!(outcomes, [Unknown, Unknown, Unknown, Unknown, Unknown, NotExecuted]);
}

#[test]
fn answered_in_three_ways() {
    let mut pair = Pair::new(Shape::Messages);
    let good = pair.call::<Vec<i64>>("echo", (1, 2));
    let failed = pair.call::<()>("fail", ());
    let other = pair.call::<String>("echo", (1, 2));
    let mute = pair.call::<()>("mute", ());
    pair.settle();
    assert_eq!(good.ok(), [1, 2]);
    let failed = failed.err();
    assert_eq!(failed.outcome(), Outcome::Answered);
    assert_eq!(failed.as_rpc().unwrap().message, "it failed");
    let other = other.err();
    assert_eq!(other.outcome(), Outcome::Answered);
    assert!(matches!(other, Error::Mismatch(_)), "{other}");
    assert_eq!(mute.err().as_rpc().unwrap().code.0, -32603);
    // An answer that comes after the connection is lost changes nothing.
    assert_eq!(pair.client.session.counters().unmatched, 0);
}

/// Ends two calls in one way, while one stands untaken in the queue and one was not even
/// collected, then lets the peer have whatever is still sent.
#[track_caller]
fn check_promise(end: impl FnOnce(&mut Pair)) {
    let patient = |limits: &mut Limits| limits.write_stall = Duration::from_secs(3600);
    let mut pair = Setup::default().limits(patient).pair();
    let queued = pair.call::<()>("queued", ());
    pair.turn();
    let made = pair.call::<()>("made", ());
    end(&mut pair);
    pair.tasks.run();
    let promised: Vec<_> = [queued, made].map(|call| call.err().outcome()).to_vec();
    pair.settle();
    for (outcome, method) in promised.iter().zip(["queued", "made"]) {
        let executed = pair.server.script.started.iter().any(|one| one.starts_with(method));
        assert!(
            !(executed && *outcome == NotExecuted),
            "the peer executed `{method}`, which was certainly not executed"
        );
    }
}

#[test]
fn a_call_that_is_still_sent_is_not_promised_away() {
    let reason = || Reason::Closed("the end".into());
    check_promise(|pair| pair.client.session.lose(reason()));
    check_promise(|pair| pair.client.session.close(reason()));
    check_promise(|pair| pair.client.session.end(reason()));
    check_promise(|pair| {
        pair.client.turn(pair.now);
        pair.now += Duration::from_secs(31).as_micros() as u64;
        pair.client.turn(pair.now);
    });
}
