//! Which protocol a peer speaks: by its first bytes, and what happens before and without them.

use std::time::Duration;

use tinyrpc_core::{Ended, Error, Id, Lane, Outcome, Reason, Shape};

use crate::support::{Identity, Pair, Setup};

const ONE: Identity = Identity { mark: b'=', batches: true, chunk: None };
const OTHER: Identity = Identity { mark: b'#', batches: true, chunk: None };

fn undecided(shape: Shape, spoken: Identity) -> Pair {
    let setup = Setup { served: vec![ONE, OTHER], ..Setup::shape(shape).protocol(spoken) };
    setup.pair()
}

#[test]
fn the_first_byte_decides() {
    for shape in [Shape::Messages, Shape::Stream, Shape::Exchange] {
        for spoken in [ONE, OTHER] {
            let mut pair = undecided(shape, spoken);
            assert_eq!(pair.server.caller().format(), None);
            let call = pair.call::<Vec<u8>>("echo", (5,));
            pair.settle();
            assert_eq!(call.ok(), [5], "{shape:?}");
            assert!(pair.server.caller().format().is_some());
        }
    }
}

#[test]
fn byte_by_byte() {
    let mut pair = undecided(Shape::Stream, OTHER);
    pair.bytes = 1;
    let call = pair.call::<Vec<u8>>("echo", (5,));
    pair.settle();
    assert_eq!(call.ok(), [5]);
}

#[test]
fn a_server_that_calls_first_waits_for_a_word() {
    let mut pair = undecided(Shape::Messages, OTHER);
    let early = pair.call_back::<Vec<u8>>("echo", (1,));
    let notification = {
        let caller = pair.server.caller();
        pair.tasks.spawn(async move { caller.notify("note", (2,)).await })
    };
    pair.settle();
    assert!(early.is_pending() && notification.is_pending());
    let call = pair.call::<Vec<u8>>("echo", (5,));
    pair.settle();
    assert_eq!(call.ok(), [5]);
    assert_eq!(early.ok(), [1]);
    notification.ok();
    assert_eq!(pair.client.script.started, ["echo[1]", "note[2]"]);
}

#[track_caller]
fn check_cause(error: Error) {
    assert_eq!(error.outcome(), Outcome::NotExecuted);
    assert_eq!(
        error.to_string(),
        "the call was not executed: the connection is closed: the peer has not spoken yet, so its \
         protocol is not known: name one in the URL"
    );
}

#[test]
fn a_peer_that_never_speaks_is_the_cause() {
    let mut pair = undecided(Shape::Messages, OTHER);
    let waiting = pair.call_back::<()>("echo", (1,));
    let caller = pair.server.caller();
    let impatient = pair.tasks.spawn(async move { caller.try_call::<_, ()>("echo", ()).await });
    pair.settle();
    check_cause(impatient.err());
    assert_eq!(pair.server.next, Some(pair.now + 30_000_000));
    pair.pass(Duration::from_secs(30));
    check_cause(waiting.err());

    let lost = pair.call_back::<()>("echo", (1,));
    pair.settle();
    pair.server.session.lose(Reason::Closed("gone".into()));
    pair.tasks.run();
    assert_eq!(lost.err().outcome(), Outcome::NotExecuted);
}

#[test]
fn a_stranger_is_answered_once_and_executes_nothing() {
    for shape in [Shape::Messages, Shape::Stream, Shape::Exchange] {
        for greeting in ["POST / HTTP/1.1", " ", "\0\0\0\0", "?=q1\u{1f}note\u{1f}\u{1f}\u{1f}[]"] {
            let mut pair = undecided(shape, ONE);
            let lane = if shape == Shape::Exchange { Lane(4) } else { Lane::DUPLEX };
            pair.server.receive_on(lane, greeting.into());
            pair.server.receive_on(lane, ONE.call(Some(Id::Number(1)), "note", "[]"));
            pair.server.turn(pair.now);
            assert!(pair.server.script.started.is_empty());
            assert!(pair.server.session.is_closing());
            if shape == Shape::Stream {
                let bytes = pair.server.session.outgoing().bytes();
                let text = String::from_utf8_lossy(bytes).into_owned();
                assert_eq!(text.matches("belong to no protocol").count(), 1, "{text}");
                continue;
            }
            let answer = pair.server.pop().expect("an answer");
            assert_eq!(answer.lane, lane);
            assert!(pair.server.pop().is_none(), "{shape:?} {greeting:?}");
            if shape == Shape::Exchange {
                // Both messages claimed the same lane, so it ends twice.
                let expected = [(lane, Ended::Answered), (lane, Ended::Failed)];
                assert_eq!(pair.server.ended, expected);
            }
        }
    }
}

#[test]
fn bytes_that_could_still_become_a_protocol_are_waited_for() {
    let mut pair = undecided(Shape::Stream, ONE);
    pair.server.incoming.buffer().extend_from_slice(&[0, 0, 0]);
    pair.server.turn(pair.now);
    assert!(!pair.server.session.is_closing());
    let mut pair = undecided(Shape::Messages, ONE);
    pair.server.receive("".into());
    pair.server.receive(ONE.call(Some(Id::Number(1)), "note", "[]"));
    pair.server.turn(pair.now);
    assert_eq!(pair.server.pop_all(), ["=r1  null"]);
}
