//! Calls end when their time is over, counted from when they were made, on a clock that is an
//! argument.

use std::time::Duration;

use tinyrpc_core::{Error, Reason, Shape};

use crate::support::{Pair, Promise, Setup, pair::carry};

const SECOND: Duration = Duration::from_secs(1);

fn timed(pair: &mut Pair, timeout: Duration) -> Promise<Result<u8, Error>> {
    let caller = pair.client.caller();
    let call = pair.tasks.spawn(async move { caller.call("hold", ()).timeout(timeout).await });
    pair.tasks.run();
    call
}

#[track_caller]
fn check_unknown(error: Error, millis: u64) {
    assert!(matches!(error, Error::Unknown(Reason::Timeout(time)) if time == millis), "{error:?}");
    assert!(error.is_timeout());
}

#[test]
fn a_call_ends_on_time() {
    let mut pair = Pair::new(Shape::Messages);
    let call = timed(&mut pair, 2 * SECOND);
    pair.settle();
    assert_eq!(pair.client.next, Some(pair.now + 2_000_000));
    pair.pass(2 * SECOND - Duration::from_micros(1));
    assert!(call.is_pending());
    pair.pass(Duration::from_micros(1));
    check_unknown(call.err(), 2000);
    assert_eq!(pair.client.caller().in_flight(), 0);
    assert_eq!(pair.client.next, None);
    // The answer comes too late.
    pair.server.finish(1);
    pair.settle();
    assert_eq!(pair.client.session.counters().unmatched, 1);
}

#[test]
fn the_earliest_deadline_is_asked_for() {
    let mut pair = Pair::new(Shape::Messages);
    let calls = [5, 2, 9].map(|seconds| timed(&mut pair, seconds * SECOND));
    let start = pair.now;
    pair.settle();
    for (call, seconds) in [(1, 2), (0, 5), (2, 9)] {
        let next = start + seconds * 1_000_000;
        assert_eq!(pair.client.next, Some(next));
        pair.now = next;
        pair.turn();
        check_unknown(calls[call].err(), seconds * 1000);
    }
    assert_eq!(pair.client.next, None);
}

#[test]
fn the_default_time_and_none_at_all() {
    let mut pair = Pair::new(Shape::Messages);
    let usual = pair.call::<u8>("hold", ());
    let endless = timed(&mut pair, Duration::ZERO);
    let caller = pair.client.caller().with_timeout(SECOND);
    let short = pair.call_by::<u8>(caller, "hold", ());
    pair.settle();
    pair.pass(SECOND);
    check_unknown(short.err(), 1000);
    pair.pass(29 * SECOND);
    check_unknown(usual.err(), 30_000);
    pair.pass(1_000_000 * SECOND);
    assert!(endless.is_pending());
    pair.server.finish(0);
    pair.server.finish(1);
    pair.settle();
    assert_eq!(endless.ok(), 1);
}

#[test]
fn waiting_for_a_turn_takes_time_too() {
    let mut pair = Setup::default().limits(|limits| limits.max_calls = 1).pair();
    let first = timed(&mut pair, 10 * SECOND);
    let waiting = timed(&mut pair, 3 * SECOND);
    let patient = timed(&mut pair, 20 * SECOND);
    pair.settle();
    pair.pass(3 * SECOND);
    let error = waiting.err();
    assert!(matches!(error, Error::NotExecuted(Reason::Timeout(3000))), "{error:?}");
    // The patient one gets the place after 10 of its 20 seconds, and has 10 left.
    pair.pass(7 * SECOND);
    check_unknown(first.err(), 10_000);
    pair.settle();
    assert_eq!(pair.client.caller().in_flight(), 1);
    pair.pass(9 * SECOND);
    assert!(patient.is_pending());
    pair.pass(SECOND);
    check_unknown(patient.err(), 20_000);
    assert_eq!(pair.server.script.started.len(), 2);
}

#[test]
fn a_call_over_its_time_in_the_queue_leaves_it() {
    let mut pair = Setup::default().limits(|limits| limits.max_calls = 1).pair();
    let first = timed(&mut pair, Duration::ZERO);
    let gone = timed(&mut pair, SECOND);
    let next = timed(&mut pair, Duration::ZERO);
    pair.settle();
    pair.pass(SECOND);
    assert!(gone.err().is_timeout());
    pair.server.finish(1);
    pair.settle();
    assert_eq!(first.ok(), 1);
    pair.server.finish(2);
    pair.settle();
    assert_eq!(next.ok(), 2);
}

#[test]
fn an_answer_in_time_counts_although_it_is_seen_late() {
    let mut pair = Pair::new(Shape::Messages);
    let call = timed(&mut pair, SECOND);
    pair.settle();
    pair.server.finish(5);
    pair.server.turn(pair.now);
    carry(&mut pair.server, &mut pair.client, 1, 0);
    // What came is handled before time is looked at.
    pair.pass(5 * SECOND);
    assert_eq!(call.ok(), 5);
}

#[test]
fn a_batch_has_a_time_as_well() {
    let mut pair = Pair::new(Shape::Messages);
    let caller = pair.client.caller();
    let batch = pair.tasks.spawn(async move {
        let mut batch = caller.batch().timeout(SECOND);
        let held = batch.call::<u8>("hold", ()).unwrap();
        let quick = batch.call::<Vec<u8>>("echo", (1,)).unwrap();
        let mut answers = batch.send().await.unwrap();
        (answers.take(held), answers.take(quick))
    });
    pair.settle();
    pair.pass(SECOND);
    pair.settle();
    let (held, quick) = batch.take();
    check_unknown(held.unwrap_err(), 1000);
    // The frame of answers was held up by the other member.
    check_unknown(quick.unwrap_err(), 1000);
}
