//! Streams over exchanges: all that belongs to a call goes on its own lane, and no hello before it.

use std::task::{Context, Poll, Waker};

use tinyrpc_core::{
    Allowance, Channels, Credit, Ended, Frame, Hint, Id, Items, Lane, Message, Outcome, Response,
    Role, Shape, StreamEnd, StreamItem, Ticket, Unsent, Way,
};

use crate::support::{
    Identity, Pair, Setup,
    identity::json,
    pair::{carry, show},
};

const CODEC: Identity = Identity { mark: b'=', batches: true, cancels: true, chunk: None };

fn pair() -> Pair {
    Setup { streams: true, ..Setup::shape(Shape::Exchange).protocol(CODEC) }.pair()
}

/// A pair with an open stream, on the lane 1.
struct Open {
    pair: Pair,
    items: Items<u32>,
    ticket: Ticket,
    channels: Channels,
}

fn open() -> Open {
    let mut pair = pair();
    let items = begin(&mut pair);
    let ticket = *pair.server.script.pending.last().expect("it goes on");
    let channels = pair.server.script.channels.pop().expect("a request with streams");
    Open { pair, items, ticket, channels }
}

fn begin(pair: &mut Pair) -> Items<u32> {
    let caller = pair.client.caller();
    let opening = pair.tasks.spawn(async move { caller.stream::<_, u32>("numbers", (10,)).await });
    pair.settle();
    opening.ok()
}

fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn read(items: &mut Items<u32>) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match items.poll_payload(&mut nobody()) {
            Poll::Pending => return all,
            Poll::Ready(None) => {
                all.push("end".into());
                return all;
            }
            Poll::Ready(Some(Ok(value))) => {
                all.push(String::from_utf8_lossy(&value.bytes).into_owned());
            }
            Poll::Ready(Some(Err(error))) => all.push(error.to_string()),
        }
    }
}

fn item(way: Way, id: u64, value: &str) -> Message<'_> {
    Message::StreamItem(StreamItem { id: Id::Number(id), way, value: json(value), meta: None })
}

/// What a side sends, with the lane and the hint of each frame.
fn sent(pair: &mut Pair, role: Role) -> Vec<(u64, Hint, String)> {
    let side = if role == Role::Client { &mut pair.client } else { &mut pair.server };
    let mut all = Vec::new();
    while let Some(frame) = side.pop() {
        all.push((frame.lane.0, frame.hint, show(&frame.bytes)));
    }
    all
}

fn within(lane: u64, message: &Message<'_>) -> Frame {
    Frame { lane: Lane(lane), bytes: CODEC.frame(message), hint: Hint::Within }
}

#[test]
fn a_stream_has_its_lane() {
    let mut pair = pair();
    let caller = pair.client.caller();
    let opening = pair.tasks.spawn(async move { caller.stream::<_, u32>("numbers", (10,)).await });
    pair.turn();
    let request = pair.client.pop().expect("a request");
    assert_eq!((request.lane, request.hint), (Lane(1), Hint::StreamingText));
    pair.server.incoming.push(request);
    pair.server.turn(pair.now);
    // The server says at once that it has it, and grants nothing to a caller that sends nothing.
    let grant =
        Credit { id: Id::Number(1), way: Way::ToCallee, more: Allowance::default(), meta: None };
    let grant = show(&CODEC.frame(&Message::Credit(grant)));
    assert_eq!(sent(&mut pair, Role::Server), [(1, Hint::Within, grant)]);
    let mut items = opening.ok();
    let channels = pair.server.script.channels.pop().expect("a request with streams");
    let outlet = channels.outlet().expect("a stream is wanted");
    for round in 0..5 {
        for value in 0..Identity::CREDIT {
            assert!(outlet.poll_ready(&mut nobody()).is_ready(), "{round}: {value}");
            outlet.send_now(&value).expect("a number");
        }
        assert!(outlet.poll_ready(&mut nobody()).is_pending(), "nothing is granted");
        pair.settle();
        assert_eq!(read(&mut items), ["0", "1", "2", "3"]);
        pair.settle();
    }
    outlet.send_now(&9).expect("a number");
    let ticket = pair.server.script.pending[0];
    pair.server.session.finish(ticket, |reply| reply.result(&()));
    assert_eq!(pair.server.session.running(), 0);
    let last = sent(&mut pair, Role::Server);
    let hints: Vec<_> = last.iter().map(|(lane, hint, _)| (*lane, *hint)).collect();
    assert_eq!(hints, [(1, Hint::Within), (1, Hint::Text)], "the answer is as any other");
    for (lane, hint, text) in last {
        let bytes = text.replace(' ', "\u{1f}").into();
        pair.client.incoming.push(Frame { lane: Lane(lane), bytes, hint });
    }
    pair.settle();
    assert_eq!(read(&mut items), ["9", "end"]);
    assert_eq!(pair.server.ended, [(Lane(1), Ended::Answered)]);
    assert_eq!(pair.client.ended, [(Lane(1), Ended::Silent)]);
    assert_eq!(pair.client.caller().in_flight(), 0);
}

/// Each has lanes and ids of its own, whatever is said on another.
#[test]
fn streams_do_not_meet() {
    let mut pair = pair();
    let mut all: Vec<_> = (0..3).map(|_| begin(&mut pair)).collect();
    let channels = std::mem::take(&mut pair.server.script.channels);
    let outlets: Vec<_> = channels.iter().map(|channels| channels.outlet().unwrap()).collect();
    for (number, outlet) in outlets.iter().enumerate() {
        outlet.send_now(&(10 * number)).expect("a number");
    }
    pair.settle();
    // About another call than that of its lane.
    pair.client.incoming.push(within(1, &item(Way::ToCaller, 2, "77")));
    pair.client.turn(pair.now);
    assert_eq!(pair.client.session.counters().unmatched, 1);
    for (number, items) in all.iter_mut().enumerate() {
        assert_eq!(read(items), [(10 * number).to_string()]);
    }
    // An ordinary call between them is as ever.
    let call = pair.call::<Vec<u8>>("echo", (1,));
    pair.turn();
    let frame = pair.client.pop().expect("a call");
    assert_eq!((frame.lane, frame.hint), (Lane(4), Hint::Text));
    assert_eq!(show(&frame.bytes), "=q4 echo   [1]");
    pair.server.incoming.push(frame);
    pair.settle();
    assert_eq!(call.ok(), [1]);
    assert_eq!(pair.server.session.running(), 3);
}

#[test]
fn nothing_is_sent_into_a_call_before_it_is_granted() {
    let mut pair = pair();
    let caller = pair.client.caller();
    let opening = pair.tasks.spawn(async move { caller.upload::<_, u32, u32>("sum", ()).await });
    pair.turn();
    let (sender, sum) = opening.ok();
    assert!(sender.poll_ready(&mut nobody()).is_pending());
    pair.settle();
    let channels = pair.server.script.channels.pop().expect("a request with streams");
    let mut inlet = channels.inlet().expect("values come");
    for value in 0..100 {
        assert!(sender.poll_ready(&mut nobody()).is_ready());
        sender.send_now(&value).expect("a number");
        pair.settle();
        let Poll::Ready(Some(Ok(came))) = inlet.poll_next(&mut nobody()) else {
            panic!("it did not come")
        };
        assert_eq!(came.decode::<u32>().unwrap(), value);
        pair.settle();
    }
    sender.close();
    pair.settle();
    assert!(matches!(inlet.poll_next(&mut nobody()), Poll::Ready(None)));
    let sum = pair.tasks.spawn(sum);
    pair.server.finish(4950);
    pair.settle();
    assert_eq!(sum.ok(), 4950);
}

/// Whatever comes on the lane of a call changes nothing, unless it is about its streams.
#[test]
fn what_does_not_belong_on_a_lane() {
    let end = StreamEnd { id: Id::Number(7), way: Way::ToCallee, outcome: Ok(()), meta: None };
    let table = [
        CODEC.call(Some(Id::Number(2)), "echo", "[]"),
        CODEC.call(None, "note", "[]"),
        [b"=b", &*CODEC.call(Some(Id::Number(2)), "echo", "[]")].concat().into(),
        CODEC.result(1, "5"),
        CODEC.frame(&item(Way::ToCallee, 7, "5")),
        CODEC.frame(&item(Way::ToCaller, 1, "5")),
        CODEC.frame(&Message::StreamEnd(end)),
        CODEC.frame(&Message::Cancel(Id::Number(7))),
        CODEC.frame(&Message::Stop(Id::Number(1))),
        CODEC.frame(&Message::Unknown),
        b"=-".as_slice().into(),
        b"=?".as_slice().into(),
        b"=!".as_slice().into(),
        vec![b'='; 5 << 20].into(),
    ];
    for (number, bytes) in table.into_iter().enumerate() {
        let Open { mut pair, mut items, ticket, channels } = open();
        let is_large = bytes.len() > 4 << 20;
        pair.server.incoming.push(Frame { lane: Lane(1), bytes, hint: Hint::Within });
        pair.settle();
        assert_eq!(pair.server.script.started, ["numbers[10]"], "{number}");
        if is_large {
            // It may have been a value, which is missing now.
            assert_eq!(pair.server.script.cancelled, [ticket]);
            assert!(read(&mut items).concat().contains("max_message"));
            continue;
        }
        assert_eq!(pair.server.ended, [], "{number}");
        channels.outlet().expect("it goes on").send_now(&3).expect("a number");
        pair.server.session.finish(ticket, |reply| reply.result(&()));
        pair.settle();
        assert_eq!(read(&mut items), ["3", "end"], "{number}");
    }
}

#[test]
fn an_answer_that_cannot_be_followed_is_the_end() {
    for bytes in [&b"=-"[..], b"=?", b"=!"] {
        let Open { mut pair, mut items, .. } = open();
        let frame = Frame { lane: Lane(1), bytes: bytes.to_vec().into(), hint: Hint::Within };
        pair.client.incoming.push(frame);
        pair.settle();
        let Poll::Ready(Some(Err(error))) = items.poll_payload(&mut nobody()) else {
            panic!("no end")
        };
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        assert!(error.to_string().contains("cannot be followed"), "{error}");
        assert_eq!(pair.client.ended, [(Lane(1), Ended::Abandoned)]);
        assert_eq!(pair.server.script.cancelled.len(), 1, "and its handler ends");
    }
}

#[test]
fn more_than_granted_ends_it_on_both_sides() {
    let Open { mut pair, mut items, ticket, .. } = open();
    for value in ["1", "2", "3", "4", "5"] {
        pair.client.incoming.push(within(1, &item(Way::ToCaller, 1, value)));
    }
    pair.settle();
    let all = read(&mut items);
    assert_eq!(all[..4], ["1", "2", "3", "4"]);
    assert!(all[4].contains("more of a stream than it was granted"), "{all:?}");
    assert_eq!(pair.client.ended, [(Lane(1), Ended::Abandoned)]);
    assert_eq!(pair.server.script.cancelled, [ticket]);
}

#[test]
fn whoever_gives_up_ends_it() {
    let Open { mut pair, items, ticket, channels } = open();
    let outlet = channels.outlet().expect("a stream is wanted");
    outlet.send_now(&1).expect("a number");
    drop(items);
    pair.settle();
    assert_eq!(pair.client.ended, [(Lane(1), Ended::Abandoned)]);
    assert_eq!(pair.server.script.cancelled, [ticket]);
    let over = outlet.poll_ready(&mut nobody());
    assert!(matches!(over, Poll::Ready(Err(Unsent::Over))), "{over:?}");
    assert_eq!(pair.server.session.running(), 0);

    // In time: nothing is sent of it at all.
    let caller = pair.client.caller();
    let opening = pair.tasks.spawn(async move { caller.stream::<_, u32>("numbers", ()).await });
    pair.tasks.run();
    drop(opening.ok());
    pair.client.turn(pair.now);
    assert!(pair.client.pop_all().is_empty());

    // In words, as a foreign caller may.
    let items = begin(&mut pair);
    let cancelled = pair.server.script.pending[0];
    pair.server.incoming.push(within(3, &Message::Cancel(Id::Number(3))));
    pair.settle();
    assert_eq!(pair.server.script.cancelled, [ticket, cancelled]);
    assert!(read(&mut { items }).concat().contains("cancelled"));
}

/// Without the mark a request is one as any other, and where nothing is said to carry streams a call
/// that wants one fails at once.
#[test]
fn only_where_both_can() {
    let mut pair = pair();
    pair.server.receive_on(Lane(9), CODEC.call(Some(Id::Number(1)), "hold", "[]"));
    pair.server.turn(pair.now);
    assert!(pair.server.script.channels.is_empty());
    assert!(pair.server.pop_all().is_empty());

    let mut plain = Setup::shape(Shape::Exchange).protocol(CODEC).pair();
    let bytes = CODEC.call(Some(Id::Number(1)), "hold", "[]");
    plain.server.incoming.push(Frame { lane: Lane(1), bytes, hint: Hint::StreamingText });
    plain.server.turn(plain.now);
    assert!(plain.server.script.channels.is_empty());
}

/// The server is the caller, on a lane of its own.
#[test]
fn a_server_streams_from_its_client() {
    let mut pair = pair();
    let first = pair.call::<Vec<u8>>("echo", (1,));
    pair.settle();
    assert_eq!(first.ok(), [1]);
    let caller = pair.server.caller();
    let opening = pair.tasks.spawn(async move { caller.stream::<_, u32>("numbers", (10,)).await });
    pair.settle();
    let mut items = opening.ok();
    let channels = pair.client.script.channels.pop().expect("a request with streams");
    channels.outlet().expect("a stream is wanted").send_now(&5).expect("a number");
    pair.client.finish(());
    carry(&mut pair.client, &mut pair.server, usize::MAX, usize::MAX);
    pair.settle();
    assert_eq!(read(&mut items), ["5", "end"]);
    let ended: Vec<_> = pair.client.ended.iter().filter(|(lane, _)| lane.is_back()).collect();
    assert!(matches!(ended[..], [(_, Ended::Answered)]), "{ended:?}");

    // A response to a call that streams answers no other.
    let bytes = CODEC.frame(&Message::Response(Response::new(Id::Number(99), Ok(json("1")))));
    pair.client.incoming.push(Frame { lane: Lane(77), bytes, hint: Hint::Within });
    pair.client.turn(pair.now);
    assert_eq!(pair.client.session.counters().unmatched, 1);
}
