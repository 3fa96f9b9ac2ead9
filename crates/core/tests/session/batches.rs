//! A batch is answered in one frame, when its last member is done, within its budget of bytes.

use bytes::Bytes;
use tinyrpc_core::{Ended, Id, Lane, Shape};

use crate::support::{Identity, Pair, Setup, Side};

const CODEC: Identity = Identity { mark: b'=', batches: true, cancels: false, chunk: None };

/// A batch of requests, notifications (id 0) and anything else as it stands.
fn batch(members: &[(u64, &str)]) -> Bytes {
    let members = members.iter().map(|&(id, method)| match method.strip_prefix('=') {
        Some(_) => Bytes::copy_from_slice(method.as_bytes()),
        None => CODEC.call((id > 0).then_some(Id::Number(id)), method, "[1]"),
    });
    let members: Vec<_> = members.collect();
    [b"=b", members.join(&0x1e).as_slice()].concat().into()
}

fn answers(side: &mut Side) -> Vec<String> {
    side.turn(0);
    side.pop_all()
}

#[track_caller]
fn check(members: &[(u64, &str)], expected: &[&str]) {
    let mut pair = Pair::new(Shape::Messages);
    pair.server.receive(batch(members));
    assert_eq!(answers(&mut pair.server), expected);
}

#[test]
fn what_is_ready_is_answered_at_once() {
    check(&[(1, "echo")], &["=b=r1  [1]"]);
    check(&[(1, "echo"), (0, "note"), (2, "note")], &["=b=r1  [1]|=r2  null"]);
    check(&[(0, "note"), (0, "note")], &[]);
    check(&[(0, "note"), (0, "mute"), (7, "echo")], &["=b=r7  [1]"]);
    let bad = "=b=e~  [-32700,\"not a message\"] ";
    check(&[(0, "=?")], &[bad]);
    check(&[(0, "=-"), (1, "echo")], &["=b=r1  [1]"]);
    check(&[(0, "=?"), (1, "echo")], &[&format!("{bad}|=r1  [1]")]);
    check(&[(1, "mute")], &["=b=e1  [-32603,\"internal error\"] "]);
}

#[test]
fn members_that_go_on_are_waited_for() {
    let mut pair = Pair::new(Shape::Messages);
    pair.server.receive(batch(&[(1, "hold"), (2, "echo"), (3, "hold"), (0, "hold")]));
    assert!(answers(&mut pair.server).is_empty());
    assert_eq!(pair.server.session.running(), 3);
    pair.server.finish("a");
    assert!(answers(&mut pair.server).is_empty());
    let last = pair.server.script.pending.remove(0);
    pair.server.finish("of the notification");
    assert!(answers(&mut pair.server).is_empty());
    // Other requests are not held up.
    pair.server.receive(CODEC.call(Some(Id::Number(9)), "echo", "[9]"));
    assert_eq!(answers(&mut pair.server), ["=r9  [9]"]);
    pair.server.session.finish(last, |reply| reply.result("c"));
    assert_eq!(answers(&mut pair.server), ["=b=r2  [1]|=r1  \"a\"|=r3  \"c\""]);
}

#[test]
fn two_batches_at_once_are_kept_apart() {
    let mut pair = Pair::new(Shape::Messages);
    pair.server.receive(batch(&[(1, "hold"), (2, "hold")]));
    pair.server.receive(batch(&[(3, "hold"), (4, "hold")]));
    assert!(answers(&mut pair.server).is_empty());
    let order = [0, 1, 1, 0];
    let mut all = Vec::new();
    for index in order {
        let ticket = pair.server.script.pending.remove(index);
        pair.server.session.finish(ticket, |reply| reply.result(&index));
        all.extend(answers(&mut pair.server));
    }
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[0].contains("=r1") || all[0].contains("=r3"));
    for (frame, ids) in all.iter().map(|frame| (frame, ["=r1", "=r2", "=r3", "=r4"])) {
        let [one, two, three, four] = ids.map(|id| frame.contains(id));
        assert!(one == two && three == four && one != three, "{all:?}");
    }
}

#[test]
fn the_same_id_twice_in_a_batch() {
    let mut pair = Pair::new(Shape::Messages);
    pair.server.receive(batch(&[(1, "hold"), (1, "echo")]));
    assert!(answers(&mut pair.server).is_empty());
    pair.server.finish("first");
    let all = answers(&mut pair.server);
    assert_eq!(all.len(), 1);
    assert!(all[0].contains("-32600") && all[0].ends_with("|=r1  \"first\""), "{all:?}");
}

#[test]
fn cancelling_a_member_answers_it() {
    let mut pair = Pair::new(Shape::Messages);
    pair.server.receive(batch(&[(1, "hold"), (2, "hold")]));
    pair.server.receive(CODEC.frame(&tinyrpc_core::Message::Cancel(Id::Number(1))));
    assert!(answers(&mut pair.server).is_empty());
    pair.server.finish(2);
    let all = answers(&mut pair.server);
    assert!(all[0].contains("=e1  [-32012,") && all[0].ends_with("|=r2  2"), "{all:?}");
}

#[test]
fn answers_over_the_budget_are_errors() {
    let mut setup = Setup::default();
    setup.server.max_batch_answers = 1000;
    let mut pair = setup.pair();
    let size = |id, size: u32| CODEC.call(Some(Id::Number(id)), "large", &format!("[{size}]"));
    let members = [size(1, 600), size(2, 600), size(3, 100)];
    pair.server.receive([b"=b", members.join(&0x1e).as_slice()].concat().into());
    let all = answers(&mut pair.server);
    let members: Vec<_> = all[0].trim_start_matches("=b").split('|').collect();
    assert_eq!(members.len(), 3);
    assert!(members[0].starts_with("=r1 "));
    assert!(members[1].starts_with("=e2 ") && members[1].contains("`max_batch_answers` of 1000"));
    assert!(members[2].starts_with("=r3 "));
    assert!(all[0].len() < 1200);
}

#[test]
fn a_batch_takes_as_many_places_as_it_has_requests() {
    let mut setup = Setup::default();
    (setup.server.max_calls, setup.server.max_requests) = (2, 2);
    let mut pair = setup.pair();
    pair.server.receive(CODEC.call(Some(Id::Number(1)), "hold", "[]"));
    pair.server.receive(batch(&[(2, "hold"), (3, "hold")]));
    // In later turns, too.
    for _ in 0..2 {
        assert!(answers(&mut pair.server).is_empty());
        assert_eq!(pair.server.session.running(), 1);
    }
    pair.server.finish(1);
    assert_eq!(answers(&mut pair.server), ["=r1  1"]);
    assert_eq!(pair.server.session.running(), 2);

    // One that is larger than the limit has its turn alone.
    pair.server.receive(batch(&[(4, "hold"), (5, "hold"), (6, "hold")]));
    answers(&mut pair.server);
    assert_eq!(pair.server.session.running(), 2);
    pair.server.finish(2);
    pair.server.finish(3);
    answers(&mut pair.server);
    assert_eq!(pair.server.session.running(), 3);
}

#[test]
fn a_draining_side_refuses_every_member() {
    // A refusal that found no room would be an answer like another.
    let mut pair = Setup::default().limits(|limits| limits.max_batch_answers = 512).pair();
    pair.server.session.drain();
    let members: Vec<_> = (1..=20).map(|id| (id, "echo")).chain([(0, "note")]).collect();
    pair.server.receive(batch(&members));
    let all = answers(&mut pair.server);
    assert_eq!(all[0].matches("rpc.not_executed").count(), 20, "{all:?}");
    assert!(pair.server.script.started.is_empty());
    assert_eq!(pair.server.session.counters().refused, 21);
}

#[test]
fn a_lane_ends_with_its_batch() {
    let ended = |members: &[(u64, &str)], drain: bool| {
        let mut pair = Pair::new(Shape::Exchange);
        if drain {
            pair.server.session.drain();
        }
        pair.server.receive_on(Lane(7), batch(members));
        let frames = answers(&mut pair.server).len();
        (frames, pair.server.ended)
    };
    assert_eq!(ended(&[(1, "echo"), (2, "echo")], false), (1, vec![(Lane(7), Ended::Answered)]));
    assert_eq!(ended(&[(0, "note")], false), (0, vec![(Lane(7), Ended::Silent)]));
    assert_eq!(ended(&[(1, "echo")], true), (1, vec![(Lane(7), Ended::Refused)]));
    assert_eq!(ended(&[(0, "note")], true), (0, vec![(Lane(7), Ended::Refused)]));
    assert_eq!(ended(&[(1, "hold")], false), (0, vec![]));
}

/// Calls and notifications of a batch find their answers, with and without batches on the wire.
#[test]
fn both_kinds_of_wire_give_the_same() {
    for (shape, batches, frames) in [
        (Shape::Messages, true, 1),
        (Shape::Messages, false, 4),
        (Shape::Stream, true, 1),
        (Shape::Stream, false, 4),
        (Shape::Exchange, true, 1),
        (Shape::Exchange, false, 4),
    ] {
        let protocol = Identity { batches, ..CODEC };
        let mut pair = Setup::shape(shape).protocol(protocol).pair();
        let caller = pair.client.caller();
        let task = pair.tasks.spawn(async move {
            let mut batch = caller.batch();
            let echo = batch.call::<Vec<u8>>("echo", (1,)).unwrap();
            batch.notify("note", ("x",)).unwrap();
            let held = batch.call::<String>("hold", ()).unwrap();
            let failed = batch.call::<()>("fail", ()).unwrap();
            let mut answers = batch.send().await.unwrap();
            assert_eq!(answers.len(), 4);
            (answers.take(echo), answers.take(held), answers.take(failed))
        });
        pair.turn();
        if shape != Shape::Stream {
            let mut count = 0;
            while let Some(frame) = pair.client.pop() {
                count += 1;
                pair.server.receive_on(frame.lane, frame.bytes);
            }
            assert_eq!(count, frames);
        }
        pair.settle();
        assert_eq!(pair.server.script.started, ["echo[1]", "note[\"x\"]", "hold", "fail"]);
        pair.server.finish("held");
        pair.settle();
        let (echo, held, failed) = task.take();
        assert_eq!(echo.unwrap(), [1], "{shape:?} {batches}");
        assert_eq!(held.unwrap(), "held");
        assert_eq!(failed.unwrap_err().as_rpc().unwrap().message, "it failed");
        assert_eq!(pair.client.caller().in_flight(), 0);
    }
}

#[test]
fn a_batch_that_is_dropped_or_lost() {
    let mut pair = Pair::new(Shape::Messages);
    let make = |pair: &mut Pair| {
        let caller = pair.client.caller();
        let task = pair.tasks.spawn(async move {
            let mut batch = caller.batch();
            let items = [1, 2].map(|_| batch.call::<u8>("hold", ()).unwrap());
            let mut answers = batch.send().await.unwrap();
            items.map(|item| answers.take(item).unwrap_err().outcome())
        });
        pair.settle();
        task
    };
    let dropped = make(&mut pair);
    assert_eq!(pair.client.caller().in_flight(), 2);
    pair.tasks.cancel(&dropped);
    assert_eq!(pair.client.caller().in_flight(), 0);
    let lost = make(&mut pair);
    pair.lose();
    assert_eq!(lost.take(), [tinyrpc_core::Outcome::Unknown; 2]);
}
