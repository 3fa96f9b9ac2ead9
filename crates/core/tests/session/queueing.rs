//! Calls over `max_calls` and `max_outgoing` wait their turn in order, or fail by name.

use tinyrpc_core::{Error, Limits, Reason, Shape};

use crate::support::{Pair, Promise, Setup, pair::carry};

fn one_call() -> Pair {
    Setup::default().limits(|limits| limits.max_calls = 1).pair()
}

#[track_caller]
fn check_limit(error: Error, name: &str, limit: u64) {
    let Error::NotExecuted(Reason::Limit(reached)) = &error else { panic!("{error:?}") };
    assert_eq!((reached.name, reached.limit), (name, limit));
    let text = format!("the call was not executed: the limit `{name}` of {limit} is reached");
    assert_eq!(error.to_string(), text);
}

#[test]
fn calls_over_the_limit_wait_in_order() {
    let mut pair = one_call();
    let calls: Vec<_> = (0..10).map(|index| pair.call::<u8>("hold", (index,))).collect();
    for (index, call) in calls.iter().enumerate() {
        pair.settle();
        assert_eq!(pair.client.caller().in_flight(), 1);
        assert_eq!(pair.server.script.started.len(), index + 1);
        assert_eq!(pair.server.script.started[index], format!("hold[{index}]"));
        pair.server.finish(index);
        pair.settle();
        assert_eq!(usize::from(call.ok()), index);
    }
}

#[test]
fn an_impatient_call_fails_by_name_and_overtakes_nobody() {
    let mut pair = one_call();
    let first = pair.call::<u8>("hold", ());
    let refused = pair.try_call("hold");
    check_limit(refused.err(), "max_calls", 1);
    let second = pair.call::<u8>("hold", ());
    pair.settle();
    pair.server.finish(1);
    // The place is free, but it is the waiting one's.
    while first.is_pending() {
        pair.client.turn(pair.now);
        pair.server.turn(pair.now);
        carry(&mut pair.server, &mut pair.client, 1, 0);
        pair.client.turn(pair.now);
        pair.tasks.run();
    }
    check_limit(pair.try_call("hold").err(), "max_calls", 1);
    pair.settle();
    pair.server.finish(2);
    pair.settle();
    assert_eq!(second.ok(), 2);
    let allowed = pair.try_call("note");
    pair.settle();
    allowed.ok();
}

#[test]
fn who_leaves_the_queue_passes_the_place_on() {
    let mut pair = one_call();
    let first = pair.call::<u8>("hold", ());
    let [second, third, fourth] = [2, 3, 4].map(|index| pair.call::<Vec<u8>>("echo", (index,)));
    pair.settle();
    pair.tasks.cancel(&third);
    // The place falls free and is the second one's, which never comes for it.
    pair.tasks.cancel(&first);
    pair.tasks.cancel(&second);
    pair.settle();
    assert_eq!(fourth.ok(), [4]);
    assert_eq!(pair.server.script.started, ["hold", "echo[4]"]);
}

fn batch(pair: &mut Pair, count: usize) -> Promise<Result<usize, Error>> {
    let caller = pair.client.caller();
    let batch = pair.tasks.spawn(async move {
        let mut batch = caller.batch();
        for _ in 0..count {
            batch.call::<()>("note", ())?;
        }
        batch.send().await.map(|answers| answers.len())
    });
    pair.tasks.run();
    batch
}

#[test]
fn a_batch_waits_until_all_of_it_has_room() {
    let mut pair = Setup::default().limits(|limits| limits.max_calls = 3).pair();
    check_limit(batch(&mut pair, 4).err(), "max_calls", 3);
    let held = [1, 2].map(|_| pair.call::<u8>("hold", ()));
    pair.settle();
    let whole = batch(&mut pair, 3);
    pair.settle();
    assert!(whole.is_pending());
    assert!(pair.client.caller().in_flight() <= 3);
    pair.server.finish(1);
    pair.settle();
    assert!(pair.client.caller().in_flight() <= 3, "{}", pair.client.caller().in_flight());
    assert!(whole.is_pending());
    pair.server.finish(2);
    pair.settle();
    assert_eq!(whole.ok(), 3);
    assert_eq!(held.map(|call| call.ok()), [1, 2]);
}

#[test]
fn callers_wait_while_too_much_waits_to_be_sent() {
    let mut pair = Setup::default().limits(|limits| limits.max_outgoing = 1000).pair();
    let long = "x".repeat(400);
    let calls: Vec<_> = (0..5).map(|_| pair.call::<Vec<String>>("echo", (long.clone(),))).collect();
    check_limit(pair.try_call("note").err(), "max_outgoing", 1000);
    pair.client.turn(pair.now);
    assert_eq!(pair.client.caller().in_flight(), 3);
    // Nothing is taken, so nothing more comes.
    pair.turn();
    assert_eq!(pair.client.caller().in_flight(), 3);
    assert!(pair.client.session.outgoing().len() < 2000);
    pair.settle();
    for call in calls {
        assert_eq!(call.ok()[0], long);
    }
}

#[test]
fn notifications_wait_for_room_and_go_on_with_it() {
    for taken in 0..4 {
        let mut pair = Setup::default().limits(|limits| limits.max_outgoing = 1000).pair();
        let long = "x".repeat(400);
        let first = pair.notify("note", (long.clone(),));
        pair.turn();
        let more: Vec<_> = (0..4).map(|_| pair.notify("note", (long.clone(),))).collect();
        assert!(!first.is_pending());
        assert!(more[3].is_pending());
        // The queue shrinks in one turn, and what callers wrote comes to it in the next.
        carry(&mut pair.client, &mut pair.server, taken, 0);
        pair.turn();
        pair.settle();
        for notification in more {
            notification.ok();
        }
        assert_eq!(pair.server.script.started.len(), 5, "after {taken} were taken");
    }
}

#[test]
fn a_large_call_waits_like_any_other() {
    let mut pair = one_call();
    let first = pair.call::<u8>("hold", ());
    let large = pair.call::<Vec<String>>("echo", ("x".repeat(100_000),));
    pair.settle();
    assert!(large.is_pending());
    pair.server.finish(1);
    pair.settle();
    assert_eq!(first.ok(), 1);
    assert_eq!(large.ok()[0].len(), 100_000);
}

#[test]
fn what_cannot_be_sent_takes_no_place() {
    let mut pair =
        Setup::default().limits(|limits| (limits.max_calls, limits.max_message) = (1, 1000)).pair();
    for size in [2000, 200_000] {
        let error = pair.call::<()>("echo", ("x".repeat(size),)).err();
        check_limit(error, "max_message", 1000);
    }
    let single = pair.call::<()>("echo", 5).err();
    assert!(single.to_string().contains("write `(value,)`"), "{single}");
    let nan = pair.call::<()>("echo", (f64::NAN,)).err();
    assert!(matches!(nan, Error::NotExecuted(Reason::Encode(_))), "{nan:?}");
    let good = pair.call::<Vec<u8>>("echo", (1,));
    pair.settle();
    assert_eq!(good.ok(), [1]);
}

#[test]
fn nested_calls_do_not_count_and_have_a_bound_of_their_own() {
    let mut pair = Setup::default()
        .limits(|limits: &mut Limits| {
            (limits.max_calls, limits.max_requests, limits.max_nesting) = (1, 1, 4);
        })
        .pair();
    let root = pair.call::<u8>("hold", ());
    let nested = pair.client.caller().nested();
    // Half of four levels below each of two root calls.
    let calls = [1, 2, 3, 4].map(|_| pair.call_by::<u8>(nested.clone(), "hold", ()));
    let over = pair.call_by::<u8>(nested, "hold", ());
    check_limit(over.err(), "max_nesting", 4);
    assert!(root.is_pending());
    assert!(calls.iter().all(Promise::is_pending));
    assert_eq!(pair.client.caller().in_flight(), 5);
}

#[test]
fn a_call_that_was_sent_is_awaited_later() {
    let mut pair = Pair::new(Shape::Messages);
    let caller = pair.client.caller();
    let sent = pair.tasks.spawn(async move {
        let first = caller.call::<_, u8>("hold", (1,)).send().await.unwrap();
        let second = caller.call::<_, u8>("hold", (2,)).send().await.unwrap();
        (second.await, first.await)
    });
    pair.settle();
    pair.server.finish(1);
    pair.server.finish(2);
    pair.settle();
    let (second, first) = sent.take();
    assert_eq!((first.unwrap(), second.unwrap()), (1, 2));

    let caller = pair.client.caller();
    let dropped = pair.tasks.spawn(async move { caller.call::<_, u8>("hold", ()).send().await });
    pair.settle();
    assert_eq!(pair.client.caller().in_flight(), 1);
    drop(dropped.ok());
    assert_eq!(pair.client.caller().in_flight(), 0);
}
