//! The end of a connection ends every call, once, and lets nobody wait.

use tinyrpc_core::{Error, Outcome, Reason, Shape};

use crate::support::{Pair, Setup, pair::carry};

#[test]
fn calls_in_every_state_end_once() {
    let mut pair = Setup::default().limits(|limits| limits.max_calls = 4).pair();
    let answered = pair.call::<Vec<u8>>("echo", (1,));
    pair.settle();
    let collected = pair.call::<()>("note", ());
    pair.client.turn(pair.now);
    carry(&mut pair.client, &mut pair.server, 1, 0);
    pair.server.turn(pair.now);
    carry(&mut pair.server, &mut pair.client, 1, 0);
    // The answer of this one waits in the mailbox, unseen.
    let taken = pair.call::<()>("hold", ());
    pair.client.session.turn(pair.now, std::task::Waker::noop());
    assert!(pair.client.pop().is_some());
    let queued = pair.call::<()>("hold", ());
    pair.client.session.turn(pair.now, std::task::Waker::noop());
    let made = pair.call::<()>("hold", ());
    let waiting: Vec<_> = (0..10).map(|_| pair.call::<()>("hold", ())).collect();
    assert_eq!(pair.client.caller().in_flight(), 4);

    pair.lose();
    assert_eq!(answered.ok(), [1]);
    assert_eq!(collected.err().outcome(), Outcome::Unknown);
    assert_eq!(taken.err().outcome(), Outcome::Unknown);
    assert_eq!(queued.err().outcome(), Outcome::NotExecuted);
    assert_eq!(made.err().outcome(), Outcome::NotExecuted);
    for call in waiting {
        assert_eq!(call.err().outcome(), Outcome::NotExecuted);
    }
    assert_eq!(pair.client.caller().in_flight(), 0);
    assert!(pair.client.session.outgoing().is_empty());

    // The late answer reaches nobody, and the second end changes nothing.
    pair.client.turn(pair.now);
    pair.lose();
    assert!(pair.client.session.wants_close());
    let after = pair.call::<()>("echo", ());
    let error = after.err();
    assert!(matches!(&error, Error::NotExecuted(Reason::Closed(why)) if &**why == "lost"));
}

#[test]
fn a_peer_that_ends_is_still_answered() {
    let mut pair = Pair::new(Shape::Messages);
    let call = pair.call::<Vec<u8>>("hold", ());
    let back = pair.call_back::<()>("hold", ());
    pair.settle();
    // The client shuts its sending direction; its own call is still to be answered.
    pair.server.session.end(Reason::Closed("the peer ended".into()));
    pair.tasks.run();
    assert_eq!(back.err().outcome(), Outcome::Unknown);
    assert!(!pair.server.session.wants_close());
    pair.server.finish([7]);
    pair.server.turn(pair.now);
    assert!(!pair.server.session.wants_close());
    pair.settle();
    assert_eq!(call.ok(), [7]);
    assert!(pair.server.session.wants_close());
}

#[test]
fn the_end_in_words() {
    let mut pair = Pair::new(Shape::Messages);
    let call = pair.call::<()>("hold", ());
    pair.settle();
    let io = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    pair.client.session.lose(Reason::Io(std::sync::Arc::new(io)));
    pair.tasks.run();
    assert_eq!(
        call.err().to_string(),
        "no answer, the call may have been executed: the transport failed: connection reset"
    );
}

#[test]
fn a_dropped_call_frees_its_place() {
    let mut pair = Setup::default().limits(|limits| limits.max_calls = 1).pair();
    let dropped = pair.call::<()>("hold", ("first",));
    pair.settle();
    let next = pair.call::<Vec<u8>>("echo", (2,));
    assert_eq!(pair.client.caller().in_flight(), 1);
    pair.tasks.cancel(&dropped);
    assert_eq!(pair.client.caller().in_flight(), 0);
    pair.settle();
    assert_eq!(next.ok(), [2]);

    // The late answer to the first finds nobody, not even the next call in the same place.
    let third = pair.call::<u8>("hold", ("third",));
    pair.settle();
    pair.server.finish("late");
    pair.settle();
    assert!(third.is_pending());
    assert_eq!(pair.client.session.counters().unmatched, 1);
    pair.server.finish(3);
    pair.settle();
    assert_eq!(third.ok(), 3);
}

#[test]
fn a_call_is_answered_once() {
    let mut pair = Pair::new(Shape::Messages);
    let call = pair.call::<u8>("hold", ());
    pair.settle();
    let codec = crate::support::Identity::default();
    for value in ["1", "2"] {
        pair.client.receive(codec.result(1, value));
    }
    for id in [0, 2, u64::MAX] {
        pair.client.receive(codec.result(id, "3"));
    }
    pair.settle();
    assert_eq!(call.ok(), 1);
    assert_eq!(pair.client.session.counters().unmatched, 4);
}
