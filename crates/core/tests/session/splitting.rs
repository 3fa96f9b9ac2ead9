//! Large messages travel in chunks: what is small and made later comes first, nobody sends more
//! than the window, and nobody keeps more than the limits.

use tinyrpc_core::{Chunk, Id, Limits, Message, Reason, Shape};

use crate::support::{Identity, Pair, Setup, Side, pair::carry};

const CODEC: Identity =
    Identity { mark: b'=', batches: true, cancels: false, chunk: Some(Identity::CHUNK) };
const MIB: usize = 1 << 20;
const SECOND: std::time::Duration = std::time::Duration::from_secs(1);

fn splitting(shape: Shape) -> Setup {
    // Room for 64 MiB of payload and its envelope, for both of two messages.
    Setup::shape(shape).protocol(CODEC).limits(|limits| limits.max_split = 65 * MIB)
}

/// Steps until `done`, and gives how many bytes the sides had sent by then.
fn until(pair: &mut Pair, mut done: impl FnMut(&Pair) -> bool) -> (usize, usize) {
    while !done(pair) {
        assert!(pair.step() || pair.step(), "it comes to rest before it is done");
    }
    (pair.client.sent, pair.server.sent)
}

/// Bytes that may stand before a small message: the open window, two chunks and envelopes.
const AHEAD: usize = (Identity::WINDOW + 2 * Identity::CHUNK) as usize + 4096;

#[test]
fn a_small_call_is_answered_long_before_a_large_result() {
    for shape in [Shape::Messages, Shape::Stream] {
        let mut pair = splitting(shape).pair();
        (pair.frames, pair.bytes) = (4, 64 << 10);
        let large = pair.call::<String>("large", (64 * MIB,));
        until(&mut pair, |pair| pair.server.sent > MIB);
        let before = pair.server.sent;
        let small = pair.call::<Vec<u8>>("echo", (1,));
        let (_, after) = until(&mut pair, |_| !small.is_pending());
        assert!(after - before <= AHEAD, "{} bytes passed before", after - before);
        assert_eq!(small.ok(), [1]);
        assert!(large.is_pending());
        pair.frames = usize::MAX;
        pair.bytes = usize::MAX;
        pair.settle();
        let result = large.ok();
        assert!(result.len() == 64 * MIB && result.bytes().all(|byte| byte == b'x'));
    }
}

#[test]
fn a_small_call_overtakes_large_params() {
    for shape in [Shape::Messages, Shape::Stream] {
        let mut pair = splitting(shape).pair();
        (pair.frames, pair.bytes) = (1, 8 << 10);
        let large = pair.call::<()>("note", ("y".repeat(64 * MIB),));
        until(&mut pair, |pair| pair.client.sent > MIB);
        for _ in 0..3 {
            let before = pair.client.sent;
            let small = pair.call::<Vec<u8>>("echo", (1,));
            let (after, _) = until(&mut pair, |_| !small.is_pending());
            assert!(after - before <= AHEAD, "{} bytes passed before", after - before);
        }
        assert!(large.is_pending());
        assert!(pair.server.script.started.iter().all(|one| one == "echo[1]"));
        (pair.frames, pair.bytes) = (usize::MAX, usize::MAX);
        pair.settle();
        large.ok();
    }
}

#[test]
fn two_large_messages_take_turns() {
    let mut pair = splitting(Shape::Messages).pair();
    let [one, two] = [4 * MIB, 4 * MIB].map(|size| pair.call::<String>("large", (size,)));
    pair.client.turn(pair.now);
    carry(&mut pair.client, &mut pair.server, 2, 0);
    let (mut order, mut bytes) = (Vec::new(), [0, 0]);
    while one.is_pending() || two.is_pending() {
        pair.server.turn(pair.now);
        while let Some(frame) = pair.server.pop() {
            if frame.bytes.starts_with(b"=k") {
                let message = usize::from(frame.bytes[2] - b'1');
                bytes[message] += frame.bytes.len();
                order.push(message);
            }
            pair.client.receive(frame.bytes);
        }
        pair.client.turn(pair.now);
        carry(&mut pair.client, &mut pair.server, 9, 0);
        pair.tasks.run();
        let ahead = bytes[0].abs_diff(bytes[1]);
        assert!(ahead <= 2 * Identity::CHUNK as usize + 100, "one is {ahead} bytes ahead");
    }
    assert!(order.windows(2).filter(|two| two[0] == two[1]).count() < 3);
    assert_eq!((one.ok().len(), two.ok().len()), (4 * MIB, 4 * MIB));
}

/// Takes and counts the bytes of chunks that a side sends by itself.
fn drain(side: &mut Side) -> usize {
    let mut chunks = 0;
    loop {
        side.turn(1_000_000);
        let before = chunks;
        while let Some(frame) = side.pop() {
            if frame.bytes.starts_with(b"=k") {
                let data = frame.bytes.splitn(3, |&byte| byte == 0x1f).last().unwrap();
                assert!(data.len() <= Identity::CHUNK as usize);
                chunks += data.len();
            }
        }
        if chunks == before {
            return chunks;
        }
    }
}

fn credit(amount: u32) -> bytes::Bytes {
    CODEC.frame(&Message::Window(amount))
}

#[test]
fn the_window_is_never_exceeded() {
    let mut pair = splitting(Shape::Messages).pair();
    drop(pair.call::<()>("note", ("y".repeat(MIB),)));
    assert_eq!(drain(&mut pair.client), Identity::WINDOW as usize);
    assert_eq!(drain(&mut pair.client), 0);
    for amount in [1, 100_000, 5] {
        pair.client.receive(credit(amount));
        assert_eq!(drain(&mut pair.client), amount as usize);
    }
    // Too much credit is only as much as there is to send.
    pair.client.receive(credit(u32::MAX));
    pair.client.receive(credit(u32::MAX));
    let rest = drain(&mut pair.client);
    assert!((MIB - 400_000..MIB).contains(&rest), "{rest}");
}

#[test]
fn a_small_call_needs_no_window() {
    let mut pair = splitting(Shape::Messages).pair();
    drop(pair.call::<()>("note", ("y".repeat(MIB),)));
    drain(&mut pair.client);
    let small = pair.call::<Vec<u8>>("echo", (1,));
    pair.client.turn(pair.now);
    assert_eq!(pair.client.pop_all(), ["=q2 echo   [1]"]);
    drop(small);
}

#[test]
fn every_size_arrives_whole() {
    for shape in [Shape::Messages, Shape::Stream] {
        let mut pair = splitting(shape).pair();
        let chunk = Identity::CHUNK as usize;
        for size in
            [1, chunk - 64, chunk - 2, chunk - 1, chunk, chunk + 1, 2 * chunk, 5 * chunk + 3]
        {
            let call = pair.call::<Vec<String>>("echo", ("z".repeat(size),));
            pair.settle();
            assert_eq!(call.ok()[0].len(), size);
        }
    }
}

#[track_caller]
fn check_closed(
    limits: impl Fn(&mut Limits),
    frames: impl IntoIterator<Item = (u32, bool, usize)>,
) {
    let mut pair = splitting(Shape::Messages).limits(limits).pair();
    let mut last_lives = true;
    for (message, last, size) in frames {
        assert!(last_lives, "it closed too early: {}", pair.server.session.reason());
        let data = "x".repeat(size);
        let chunk = Chunk { message, last, bytes: data.as_bytes().into() };
        pair.server.receive(CODEC.frame(&Message::Chunk(chunk)));
        pair.server.turn(pair.now);
        last_lives = !pair.server.session.is_closing();
    }
    assert!(!last_lives, "the limit is not enforced");
    let Reason::Closed(why) = pair.server.session.reason() else { panic!("another reason") };
    assert!(why.contains("`max_splits` and `max_split`"), "{why}");
}

#[test]
fn what_is_kept_for_chunks_has_limits() {
    // One byte more than `max_split`, in one message and in several.
    let bytes = |limits: &mut Limits| limits.max_split = 10_000;
    check_closed(bytes, [(1, false, 10_000), (1, false, 1)]);
    check_closed(bytes, [(1, false, 4000), (2, false, 6000), (1, false, 1)]);
    // A fifth message while four are unfinished.
    let splits = |limits: &mut Limits| limits.max_splits = 4;
    check_closed(splits, (1..=5).map(|message| (message, false, 10)));
    // A message that was completed is room for the next.
    let frames = [1, 2, 3, 4].map(|message| (message, false, 10));
    let more = [(1, true, 1), (5, false, 1), (6, false, 1)];
    check_closed(splits, frames.into_iter().chain(more));
    // Empty parts of ever more messages are bounded as well.
    check_closed(splits, (1..=5).map(|message| (message, false, 0)));
}

#[test]
fn a_sender_keeps_to_the_limits_of_its_peer() {
    let narrow = |limits: &mut Limits| (limits.max_split, limits.max_splits) = (MIB, 2);
    let mut pair = splitting(Shape::Messages).limits(narrow).pair();
    let calls: Vec<_> = (0..5).map(|_| pair.call::<String>("large", (700_000,))).collect();
    let more: Vec<_> = (0..5).map(|_| pair.call::<String>("large", (100_000,))).collect();
    pair.settle();
    for call in calls {
        assert_eq!(call.ok().len(), 700_000);
    }
    for call in more {
        assert_eq!(call.ok().len(), 100_000);
    }
}

#[test]
fn large_answers_to_a_peer_that_grants_nothing_are_bounded() {
    let narrow = |limits: &mut Limits| {
        (limits.max_split, limits.max_splits, limits.max_outgoing) = (MIB, 8, 100_000);
    };
    let mut pair = splitting(Shape::Messages).limits(narrow).pair();
    for id in 1..1000 {
        pair.server.receive(CODEC.call(Some(Id::Number(id)), "large", "[50000]"));
        drain(&mut pair.server);
    }
    let started = pair.server.script.started.len();
    assert!(started <= 40, "{started} answers of 50 kB wait for a peer that takes none");
}

#[test]
fn a_chunk_inside_of_a_chunk_is_no_message() {
    let mut frame = CODEC.call(None, "note", "[]");
    for _ in 0..20_000 {
        let bytes = frame.as_ref().into();
        frame = CODEC.frame(&Message::Chunk(Chunk { message: 1, last: true, bytes }));
    }
    let mut pair = splitting(Shape::Messages).pair();
    pair.server.receive(frame);
    pair.server.turn(pair.now);
    assert!(pair.server.script.started.is_empty());
    assert!(pair.server.session.is_closing());
}

#[test]
fn a_shutdown_waits_for_the_last_chunk() {
    let mut pair = splitting(Shape::Messages).pair();
    let large = pair.call::<String>("large", (2 * MIB,));
    pair.client.turn(pair.now);
    carry(&mut pair.client, &mut pair.server, 1, 0);
    pair.server.turn(pair.now);
    pair.server.session.drain();
    drain_to(&mut pair);
    assert!(!pair.server.session.is_drained(), "half an answer was sent");
    pair.settle();
    assert!(pair.server.session.is_drained());
    assert_eq!(large.ok().len(), 2 * MIB);
}

/// Moves what the server may send without credit.
fn drain_to(pair: &mut Pair) {
    for _ in 0..50 {
        carry(&mut pair.server, &mut pair.client, 9, 0);
        pair.server.turn(pair.now);
    }
}

#[test]
fn the_driver_is_told_that_there_is_more() {
    let mut pair = splitting(Shape::Messages).pair();
    drop(pair.call::<()>("note", ("y".repeat(MIB),)));
    pair.client.turn(pair.now);
    let mut turns = 0;
    loop {
        // The queue is full enough, until the transport takes it.
        assert!(!pair.client.session.has_more());
        while pair.client.pop().is_some() {}
        if !pair.client.session.has_more() {
            break;
        }
        pair.client.turn(pair.now);
        turns += 1;
        assert!(turns < 100);
    }
    // Until the window is used up.
    assert!(pair.client.sent >= Identity::WINDOW as usize);
    pair.client.receive(credit(1000));
    pair.client.turn(pair.now);
    assert!(!pair.client.session.outgoing().is_empty());
}

#[test]
fn over_exchanges_nothing_is_split() {
    let mut pair = splitting(Shape::Exchange).pair();
    let large = pair.call::<String>("large", (200_000,));
    pair.settle();
    assert_eq!(large.ok().len(), 200_000);
    let params = pair.call::<Vec<String>>("echo", ("y".repeat(200_000),));
    pair.settle();
    assert_eq!(params.ok()[0].len(), 200_000);
    let over = pair.call::<Vec<String>>("echo", ("y".repeat(5 * MIB),));
    assert!(over.err().to_string().contains("`max_message`"));
}

#[test]
fn where_a_chunk_would_be_over_the_limit_nothing_is_split() {
    let small = |limits: &mut Limits| limits.max_message = 50_000;
    let mut pair = splitting(Shape::Messages).limits(small).pair();
    let call = pair.call::<Vec<String>>("echo", ("y".repeat(40_000),));
    pair.turn();
    assert!(pair.client.session.outgoing().len() > 40_000, "it is sent in one piece");
    pair.settle();
    assert_eq!(call.ok()[0].len(), 40_000);
    let over = pair.call::<()>("echo", ("y".repeat(60_000),));
    assert!(over.err().to_string().contains("`max_message`"));
}

/// A cancel is small, and says nothing to a peer that has not read the request: it keeps behind it.
#[test]
fn a_cancel_never_overtakes_its_request() {
    for shape in [Shape::Messages, Shape::Stream] {
        for window in [true, false] {
            let chunk = window.then_some(Identity::CHUNK);
            let codec = Identity { cancels: true, chunk, ..CODEC };
            let mut pair = splitting(shape).protocol(codec).pair();
            (pair.frames, pair.bytes) = (1, 8 << 10);
            let large = pair.call::<()>("hold", ("y".repeat(MIB),));
            until(&mut pair, |pair| pair.client.sent > MIB / 4);
            pair.tasks.cancel(&large);
            (pair.frames, pair.bytes) = (usize::MAX, usize::MAX);
            pair.settle();
            let script = &pair.server.script;
            assert_eq!((script.started.len(), script.cancelled.len()), (1, 1), "{shape:?}");
        }
    }
}

/// What nobody waits for any more, and of which nothing was sent, is not sent at all.
#[test]
fn a_large_request_that_was_not_begun_is_taken_back() {
    for chunk in [Some(Identity::CHUNK), None] {
        let codec = Identity { cancels: true, chunk, ..CODEC };
        let mut pair = splitting(Shape::Stream).protocol(codec).pair();
        let first = pair.call::<()>("note", ("y".repeat(MIB),));
        let second = pair.call::<()>("hold", ("z".repeat(MIB),));
        (pair.frames, pair.bytes) = (1, 8 << 10);
        until(&mut pair, |pair| pair.client.sent > 0);
        pair.tasks.cancel(&second);
        (pair.frames, pair.bytes) = (usize::MAX, usize::MAX);
        pair.settle();
        first.ok();
        assert_eq!(pair.server.script.started.len(), 1, "{chunk:?}");
        assert!(pair.client.sent < MIB + 1000, "{chunk:?}: {} bytes", pair.client.sent);
    }
}

/// Whoever sends more than it was granted would be kept for nothing but its word.
#[test]
fn a_peer_that_exceeds_its_window_is_closed() {
    for (more, closed) in [(0, false), (1, true)] {
        let mut pair = splitting(Shape::Messages).pair();
        let bytes = vec![b'x'; Identity::WINDOW as usize + more].into();
        pair.server.receive(CODEC.frame(&Message::Chunk(Chunk { message: 1, last: false, bytes })));
        pair.server.turn(pair.now);
        assert_eq!(pair.server.session.is_closing(), closed, "{more}");
        let reason = pair.server.session.reason().to_string();
        assert_eq!(reason.contains("more in chunks than it was granted"), closed, "{reason}");
    }
}

/// Nobody said to this peer that it may send chunks.
#[test]
fn chunks_without_a_hello_are_ignored() {
    let chunks = Identity { chunk: None, ..CODEC };
    let mut pair = splitting(Shape::Messages).protocol(chunks).pair();
    let bytes = b"=request".to_vec().into();
    pair.server.receive(CODEC.frame(&Message::Chunk(Chunk { message: 1, last: true, bytes })));
    pair.server.turn(pair.now);
    assert_eq!(pair.server.session.counters().ignored, 1);
    assert!(pair.server.pop().is_none() && !pair.server.session.is_closing());
}

/// A message that its sender never finishes is not kept for ever.
#[test]
fn a_message_that_is_never_finished_ends_the_connection() {
    let mut pair = splitting(Shape::Messages).pair();
    let chunk = |last| {
        let bytes = vec![b'x'; 2000].into();
        CODEC.frame(&Message::Chunk(Chunk { message: 1, last, bytes }))
    };
    pair.server.receive(chunk(false));
    pair.turn();
    for _ in 0..3 {
        // As long as something comes of it, it may take any time.
        pair.pass(29 * SECOND);
        pair.server.receive(chunk(false));
        pair.turn();
    }
    pair.pass(29 * SECOND);
    assert!(!pair.server.session.is_closing());
    pair.pass(2 * SECOND);
    let reason = pair.server.session.reason().to_string();
    assert!(reason.contains("did not go on with a message in chunks for 30 s"), "{reason}");
}
