//! Notifications keep their order among each other, whatever their size; a flood of them stops
//! the reading, or the connection.

use tinyrpc_core::{Id, Limits, Reason, Shape};

use crate::support::{Identity, Pair, Setup, pair::carry};

const CODEC: Identity = Identity { mark: b'=', batches: true, cancels: false, chunk: None };

/// What the server began, by the first letter of each method.
fn order(pair: &Pair) -> String {
    pair.server.script.started.iter().flat_map(|one| one.chars().next()).collect()
}

/// Makes notifications of the given sizes, with small calls behind each, and a turn or none in
/// between.
fn mixed(setup: Setup, sizes: &[usize], turns: bool) -> Pair {
    let mut pair = setup.pair();
    for (index, &size) in sizes.iter().enumerate() {
        let method = ["a", "b", "c", "d", "e"][index];
        drop(pair.notify(method, ("x".repeat(size),)));
        drop(pair.call::<()>("z", ()));
        if turns {
            pair.turn();
        }
    }
    pair.settle();
    pair
}

#[test]
fn a_large_one_is_overtaken_by_calls_and_not_by_its_kind() {
    const LARGE: usize = 100_000;
    for shape in [Shape::Messages, Shape::Stream] {
        for protocol in [Identity::default(), Identity::splitting()] {
            for turns in [false, true] {
                let setup = Setup::shape(shape).protocol(protocol);
                let pair = mixed(setup, &[1, LARGE, 1, LARGE, 2], turns);
                let order = order(&pair);
                assert_eq!(order.replace('z', ""), "abcde", "{shape:?} {protocol:?} {turns}");
                // Calls wait for nothing large.
                assert!(order.rfind('z') < order.find('b'), "{order}");
            }
        }
    }
}

#[test]
fn a_flood_is_not_read_any_further() {
    let mut setup = Setup::default();
    (setup.server.max_calls, setup.server.max_requests) = (2, 2);
    setup.server.max_backlog = 4096;
    let mut pair = setup.pair();
    let mut sent = 0;
    while !pair.server.session.is_paused() {
        pair.server.receive(CODEC.call(None, "hold", &format!("[{sent}]")));
        sent += 1;
        pair.server.turn(pair.now);
        assert!(sent < 1000, "a flood of notifications is read on and on");
    }
    // Two run, the rest waits at some 80 bytes each, and one is over the limit.
    assert!((40..60).contains(&sent), "{sent}");
    assert!(pair.server.session.outgoing().is_empty());
    assert!(!pair.server.session.is_closing());
    // What came before the pause was seen is kept, too.
    for _ in 0..10 {
        pair.server.receive(CODEC.call(None, "hold", &format!("[{sent}]")));
        sent += 1;
    }
    pair.server.turn(pair.now);
    assert!(!pair.server.incoming.is_empty());
    // All of it is executed in the end, in order.
    while !pair.server.script.pending.is_empty() {
        pair.server.finish(());
        pair.server.turn(pair.now);
        assert!(pair.server.session.running() <= 2);
    }
    assert!(!pair.server.session.is_paused());
    let expected: Vec<_> = (0..sent).map(|index| format!("hold[{index}]")).collect();
    assert_eq!(pair.server.script.started, expected);
    assert!(pair.server.session.outgoing().is_empty());
}

#[test]
fn a_flood_closes_while_the_peer_owes_an_answer() {
    let mut setup = Setup::default();
    (setup.server.max_calls, setup.server.max_requests) = (1, 1);
    setup.server.max_backlog = 4096;
    let mut pair = setup.pair();
    let own = pair.call_back::<()>("hold", ());
    pair.settle();
    for _ in 0..200 {
        pair.server.receive(CODEC.call(None, "hold", "[]"));
    }
    pair.server.turn(pair.now);
    assert!(!pair.server.session.is_paused());
    assert!(pair.server.session.is_closing());
    pair.tasks.run();
    let error = own.err().to_string();
    assert!(error.contains("more than may wait while it owes us answers"), "{error}");
}

#[test]
fn a_full_backlog_of_notifications_refuses_calls_at_once() {
    let mut setup = Setup::default();
    (setup.server.max_calls, setup.server.max_requests) = (1, 1);
    setup.server.max_backlog = 4096;
    let mut pair = setup.pair();
    for index in 0..40 {
        pair.server.receive(CODEC.call(None, "hold", &format!("[{index}]")));
    }
    let long = format!("[\"{}\"]", "x".repeat(2000));
    pair.server.receive(CODEC.call(Some(Id::Number(1)), "echo", &long));
    pair.server.turn(pair.now);
    // One runs, the others wait at some 80 bytes each, and for the call there is no room.
    let answers = pair.server.pop_all();
    assert!(!pair.server.session.is_paused());
    assert!(answers[0].contains("rpc.not_executed"), "{answers:?}");
}

#[test]
fn notifications_are_refused_when_the_connection_is_gone() {
    let mut pair = Pair::new(Shape::Messages);
    pair.client.session.close(Reason::Closed("done".into()));
    let error = pair.notify("note", ()).err();
    assert!(error.to_string().contains("the connection is closed: done"), "{error}");
}

#[test]
fn those_made_before_a_shutdown_are_sent() {
    let mut pair = Pair::new(Shape::Messages);
    pair.notify("note", (1,)).ok();
    pair.client.session.drain();
    pair.client.turn(pair.now);
    assert!(!pair.client.session.is_drained());
    carry(&mut pair.client, &mut pair.server, 1, 0);
    assert!(pair.client.session.is_drained());
    pair.server.turn(pair.now);
    assert_eq!(pair.server.script.started, ["note[1]"]);
}

#[test]
fn many_in_one_turn_are_handled_in_portions() {
    let mut pair = Setup::default().limits(|limits: &mut Limits| limits.max_calls = 1).pair();
    for index in 0..1000 {
        pair.server.receive(CODEC.call(None, "note", &format!("[{index}]")));
    }
    let side = &mut pair.server;
    let mut turns = 0;
    while side.session.handle(&mut side.incoming, &mut side.script) == tinyrpc_core::Turn::More {
        turns += 1;
        assert!(side.script.started.len() <= turns * 256);
    }
    assert_eq!((side.script.started.len(), turns), (1000, 3));
}
