//! A peer that takes nothing for `write_stall` loses the connection; one that was idle does not.

use std::time::Duration;

use tinyrpc_core::{Limits, Outcome, Reason, Shape};

use crate::support::{Identity, Pair, Setup, pair::carry};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_peer_that_takes_nothing() {
    let mut pair = Pair::new(Shape::Stream);
    let call = pair.call::<()>("hold", ());
    pair.turn();
    assert_eq!(pair.client.next, Some(pair.now + 10_000_000));
    pair.pass(10 * SECOND - Duration::from_micros(1));
    assert!(!pair.client.session.is_lost());
    pair.pass(Duration::from_micros(1));
    assert!(pair.client.session.is_lost());
    let error = call.err();
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert!(error.to_string().contains("took nothing for the time of `write_stall`"), "{error}");
    assert!(pair.client.session.outgoing().is_empty());
}

#[test]
fn a_peer_that_takes_a_little_lives() {
    let mut pair =
        Setup::shape(Shape::Stream).limits(|limits| limits.call_timeout = Duration::ZERO).pair();
    let call = pair.call::<Vec<String>>("echo", ("x".repeat(100_000),));
    pair.turn();
    for _ in 0..1000 {
        pair.pass(9 * SECOND);
        assert!(!pair.client.session.is_lost());
        carry(&mut pair.client, &mut pair.server, 0, 1);
    }
    pair.settle();
    assert_eq!(call.ok()[0].len(), 100_000);
}

#[test]
fn time_counts_from_the_last_byte_that_was_taken() {
    let mut pair = Pair::new(Shape::Stream);
    drop(pair.call::<()>("hold", ("x".repeat(1000),)));
    pair.client.turn(pair.now);
    carry(&mut pair.client, &mut pair.server, 0, 100);
    // Nobody looks for a while: what was taken was taken before that.
    pair.now += 9_000_000;
    pair.client.turn(pair.now);
    assert_eq!(pair.client.next, Some(pair.now + 1_000_000));
    pair.now += 1_000_000;
    pair.client.turn(pair.now);
    assert!(pair.client.session.is_lost());
}

#[test]
fn idle_time_does_not_count() {
    for shape in [Shape::Stream, Shape::Messages] {
        let mut pair = Pair::new(shape);
        for _ in 0..3 {
            let call = pair.call::<Vec<u8>>("echo", (1,));
            pair.settle();
            assert_eq!(call.ok(), [1]);
            // Nobody looks at the session while nothing happens.
            pair.now += 3_600_000_000;
        }
        let call = pair.call::<Vec<u8>>("echo", (1,));
        pair.client.turn(pair.now);
        assert!(!pair.client.session.is_lost(), "{}", pair.client.session.reason());
        assert_eq!(pair.client.next, Some(pair.now + 10_000_000));
        pair.settle();
        assert_eq!(call.ok(), [1]);
    }
}

/// The time was over while the whole process stood still: the transport was not even asked.
#[test]
fn a_process_that_stood_still_asks_the_transport_first() {
    for takes in [true, false] {
        let forever = |limits: &mut Limits| limits.call_timeout = Duration::ZERO;
        let mut pair = Setup::shape(Shape::Stream).limits(forever).pair();
        let call = pair.call::<Vec<u8>>("echo", (1,));
        pair.client.turn(pair.now);
        pair.now += 3_600_000_000;
        pair.client.turn_once(pair.now);
        assert!(!pair.client.session.is_lost());
        assert_eq!(pair.client.next, Some(pair.now), "it wants to know at once");
        if takes {
            carry(&mut pair.client, &mut pair.server, 0, 1);
        }
        pair.client.turn_once(pair.now);
        assert_eq!(pair.client.session.is_lost(), !takes);
        pair.settle();
        match takes {
            true => assert_eq!(call.ok(), [1]),
            false => assert_eq!(call.err().outcome(), Outcome::NotExecuted),
        }
    }
}

/// A lane that ended has no bytes, and the transport takes it all the same.
#[test]
fn a_transport_that_takes_no_end_of_a_lane() {
    let mut pair = Pair::new(Shape::Exchange);
    let call = pair.call::<Vec<u8>>("echo", (1,));
    pair.turn();
    carry(&mut pair.client, &mut pair.server, usize::MAX, 0);
    pair.server.turn(pair.now);
    carry(&mut pair.server, &mut pair.client, usize::MAX, 0);
    pair.turn();
    assert_eq!(call.ok(), [1]);
    assert!(!pair.client.session.outgoing().is_empty());
    for _ in 0..10 {
        assert!(!pair.client.session.is_lost());
        pair.pass(SECOND);
    }
    assert!(pair.client.session.is_lost());
}

/// Nothing of what came can begin: while nothing is read nobody would notice the end.
#[test]
fn a_connection_that_is_not_read_any_more() {
    let mut setup = Setup::default();
    (setup.server.max_calls, setup.server.max_requests) = (1, 1);
    setup.server.max_backlog = 4096;
    let mut pair = setup.pair();
    let flood = |pair: &mut Pair| {
        while !pair.server.session.is_paused() {
            pair.server.receive(Identity::default().call(None, "hold", "[]"));
            pair.turn();
        }
    };
    flood(&mut pair);
    assert_eq!(pair.server.next, Some(pair.now + 60_000_000));
    pair.pass(59 * SECOND);
    // One begins: it goes on.
    pair.server.finish(());
    pair.turn();
    flood(&mut pair);
    pair.pass(59 * SECOND);
    assert!(!pair.server.session.is_closing());
    pair.pass(SECOND);
    assert!(pair.server.session.is_closing());
    assert!(!pair.server.session.is_paused());
    let reason = pair.server.session.reason().to_string();
    assert!(reason.contains("`read_stall`"), "{reason}");
}

#[test]
fn a_window_that_never_opens_is_a_stall_too() {
    let mut setup = Setup::default().protocol(Identity::splitting());
    setup.client.call_timeout = Duration::ZERO;
    let mut pair = setup.pair();
    let call = pair.call::<()>("hold", ("x".repeat(1 << 20),));
    pair.turn();
    // Everything is taken and nothing is ever granted.
    for _ in 0..10 {
        while pair.client.pop().is_some() {}
        pair.client.turn(pair.now);
    }
    assert!(pair.client.session.outgoing().is_empty());
    pair.pass(9 * SECOND);
    assert!(!pair.client.session.is_lost());
    pair.pass(SECOND);
    assert!(pair.client.session.is_lost());
    assert_eq!(call.err().outcome(), Outcome::Unknown);
}

#[test]
fn a_peer_that_ended_cannot_hold_the_rest_of_an_answer() {
    let mut pair = Setup::default().protocol(Identity::splitting()).pair();
    drop(pair.call::<String>("large", (1 << 20,)));
    pair.turn();
    carry(&mut pair.client, &mut pair.server, 1, 0);
    pair.server.turn(pair.now);
    pair.server.session.end(Reason::Closed("the peer ended".into()));
    for _ in 0..20 {
        while pair.server.pop().is_some() {}
        pair.server.turn(pair.now);
    }
    assert!(!pair.server.session.wants_close());
    pair.now += 10_000_000;
    pair.server.turn(pair.now);
    assert!(pair.server.session.wants_close());
}

#[test]
fn memory_of_a_side_whose_peer_never_reads() {
    let limits = |limits: &mut Limits| limits.max_outgoing = 100_000;
    let mut pair = Setup::default().limits(limits).pair();
    for index in 0..2000 {
        let codec = Identity::default();
        let id = tinyrpc_core::Id::Number(index);
        pair.server.receive(codec.call(Some(id), "large", "[1000]"));
        pair.server.turn(pair.now);
    }
    // Answers up to the limit, then requests wait, then they are refused, and even that ends.
    assert!(pair.server.session.outgoing().len() < 300_000);
    assert!(pair.server.script.started.len() < 200);
    let more = pair.server.session.outgoing().len();
    for index in 2000..20_000 {
        let codec = Identity::default();
        let id = tinyrpc_core::Id::Number(index);
        pair.server.receive(codec.call(Some(id), "large", "[1000]"));
        pair.server.turn(pair.now);
    }
    assert!(pair.server.session.outgoing().len() < more + 300_000);
    assert!(pair.server.session.is_paused() || pair.server.session.is_closing());
}

/// Nobody is there yet who could take anything: that is no stall, and a shutdown does not wait.
#[test]
fn a_transport_where_nobody_is() {
    let forever = |limits: &mut Limits| limits.call_timeout = Duration::ZERO;
    for comes in [true, false] {
        let mut pair = Setup::shape(Shape::Exchange).limits(forever).pair();
        let call = pair.call::<Vec<u8>>("echo", (1,));
        pair.client.turn(pair.now);
        pair.client.session.outgoing().set_vacant(true);
        for _ in 0..100 {
            pair.pass(SECOND);
            assert!(!pair.client.session.is_lost());
        }
        if comes {
            pair.client.session.outgoing().set_vacant(false);
            pair.pass(9 * SECOND);
            assert!(!pair.client.session.is_lost(), "whoever came has all the time");
            pair.settle();
            assert_eq!(call.ok(), [1]);
        } else {
            pair.client.session.drain();
            assert!(!pair.client.session.is_drained(), "somebody waits");
            pair.client.session.close(Reason::Closed("enough".into()));
            pair.turn();
            assert!(pair.client.session.is_lost());
            assert_eq!(call.err().outcome(), Outcome::NotExecuted);
        }
    }
}
