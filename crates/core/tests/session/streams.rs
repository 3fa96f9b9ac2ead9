//! Streams: the producer stops without credit, the consumer never keeps more than it granted.

use std::task::{Context, Poll, Waker};

use tinyrpc_core::{
    Allowance, Channels, Code, Credit, Error, Id, Items, Message, Outlet, RpcError, Shape,
    StreamEnd, StreamItem, Ticket, Unsent, Way,
};

use crate::support::{Identity, Pair, Setup, identity::json};

const CODEC: Identity = Identity { mark: b'=', batches: true, cancels: true, chunk: None };

/// A pair with an open stream: its reader, and the ticket and the outlet of its handler.
struct Open {
    pair: Pair,
    items: Items<u32>,
    ticket: Ticket,
    outlet: Outlet,
}

fn open(setup: Setup) -> Open {
    let mut pair = setup.pair();
    let (items, ticket, channels) = begin(&mut pair);
    let outlet = channels.outlet().expect("a stream is wanted");
    assert!(channels.outlet().is_none(), "it is taken once");
    Open { pair, items, ticket, outlet }
}

fn begin(pair: &mut Pair) -> (Items<u32>, Ticket, Channels) {
    let caller = pair.client.caller();
    let opening = pair.tasks.spawn(async move { caller.stream::<_, u32>("numbers", (10,)).await });
    pair.settle();
    let channels = pair.server.script.channels.pop().expect("a request with streams");
    (opening.ok(), *pair.server.script.pending.last().expect("it goes on"), channels)
}

fn duplex() -> Open {
    open(Setup::shape(Shape::Messages).protocol(CODEC))
}

fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

impl Open {
    /// Sends as many values as there is credit for.
    fn produce(&mut self, from: &mut u32) -> u32 {
        let first = *from;
        while let Poll::Ready(ready) = self.outlet.poll_ready(&mut nobody()) {
            ready.expect("an open stream");
            self.outlet.send_now(from).expect("a number");
            *from += 1;
        }
        *from - first
    }

    /// What came, as text.
    fn read(&mut self) -> Vec<String> {
        read(&mut self.items)
    }

    /// Ends the stream.
    fn end(&mut self, outcome: Result<(), RpcError>) {
        let ticket = self.ticket;
        self.pair.server.session.finish(ticket, |reply| match outcome {
            Ok(()) => reply.result(&()),
            Err(error) => reply.error(&error),
        });
        self.pair.settle();
    }

    /// The handler gets a message.
    fn receive(&mut self, message: &Message<'_>) {
        self.pair.server.receive(CODEC.frame(message));
    }
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

fn item(id: Id<'_>, value: &'static str) -> Message<'static> {
    let (way, id) = (Way::ToCaller, id.into_owned());
    Message::StreamItem(StreamItem { id, way, value: json(value), meta: None })
}

fn credit(id: u64, items: u32, bytes: u32) -> Message<'static> {
    let (way, more) = (Way::ToCaller, Allowance { items, bytes });
    Message::Credit(Credit { id: Id::Number(id), way, more, meta: None })
}

#[test]
fn the_producer_stops_until_the_consumer_reads() {
    let mut open = duplex();
    let mut next = 0;
    assert_eq!(open.produce(&mut next), Identity::CREDIT);
    open.pair.settle();
    assert_eq!(open.produce(&mut next), 0, "what came and was not read grants nothing");
    assert_eq!(open.read(), ["0", "1", "2", "3"]);
    open.pair.settle();
    assert_eq!(open.produce(&mut next), Identity::CREDIT);
    open.end(Ok(()));
    assert_eq!(open.read(), ["4", "5", "6", "7", "end"]);
    assert_eq!(open.read(), ["end"]);
    assert_eq!(open.pair.client.caller().in_flight(), 0);
    assert_eq!(open.pair.server.session.running(), 0);

    // Nothing is sent after the end, and late credit finds nobody.
    let over = open.outlet.poll_ready(&mut nobody());
    assert!(matches!(over, Poll::Ready(Err(Unsent::Over))), "{over:?}");
    open.receive(&credit(1, 9, 9));
    open.pair.settle();
    assert_eq!(open.pair.server.session.counters().unmatched, 1);
}

#[test]
fn a_slow_consumer_bounds_a_fast_producer() {
    for bytes in [1, 7, usize::MAX] {
        let mut open = open(Setup::shape(Shape::Stream));
        open.pair.bytes = bytes;
        let (mut next, mut seen) = (0, 0);
        while seen < 200 {
            open.produce(&mut next);
            open.pair.settle();
            assert!(next - seen <= Identity::CREDIT, "{next} were sent, {seen} were read");
            let Poll::Ready(Some(Ok(_))) = open.items.poll_payload(&mut nobody()) else {
                panic!("nothing came")
            };
            seen += 1;
        }
        assert_eq!(open.pair.client.session.counters().unmatched, 0);
    }
}

#[test]
fn a_stream_ends_with_an_error() {
    let mut open = duplex();
    open.outlet.send_now(&1).unwrap();
    open.end(Err(RpcError::new(Code(17), "mid stream")));
    assert_eq!(open.read(), ["1", "the peer answered with an error: mid stream (code 17)", "end"]);
    assert_eq!(open.pair.client.caller().in_flight(), 0);
}

#[test]
fn a_method_that_does_not_stream_gives_its_only_value() {
    let mut pair = Pair::new(Shape::Messages);
    for (method, expected) in [
        ("echo", vec!["[10]", "end"]),
        ("note", vec!["end"]),
        ("fail", vec!["the peer answered with an error: it failed (code -32000)", "end"]),
    ] {
        let caller = pair.client.caller();
        let opening = pair.tasks.spawn(async move { caller.stream::<_, u32>(method, (10,)).await });
        pair.settle();
        assert_eq!(read(&mut opening.ok()), expected, "{method}");
    }
    assert_eq!(pair.client.caller().in_flight(), 0);
}

#[test]
fn more_than_granted_ends_the_stream_and_not_the_connection() {
    let mut open = duplex();
    for value in ["1", "2", "3", "4", "5", "6"] {
        open.pair.client.receive(CODEC.frame(&item(Id::Number(1), value)));
    }
    open.pair.client.turn(open.pair.now);
    let all = open.read();
    assert_eq!(all[..4], ["1", "2", "3", "4"]);
    assert!(all[4].contains("more of a stream than it was granted"), "{all:?}");
    assert_eq!(all[5..], ["end"]);
    // The peer is told.
    open.pair.settle();
    assert_eq!(open.pair.server.script.cancelled, [open.ticket]);
    let call = open.pair.call::<Vec<u8>>("echo", (1,));
    open.pair.settle();
    assert_eq!(call.ok(), [1]);
}

#[test]
fn credit_that_overflows_is_as_much_as_there_can_be() {
    let mut open = duplex();
    for _ in 0..3 {
        open.receive(&credit(1, u32::MAX, u32::MAX));
    }
    open.pair.settle();
    open.outlet.send_now(&1).unwrap();
    open.pair.settle();
    assert_eq!(open.read(), ["1"]);
}

#[test]
fn what_belongs_to_no_stream_is_counted() {
    let mut pair = Pair::new(Shape::Messages);
    let call = pair.call::<u8>("hold", ());
    pair.settle();
    for id in [Id::Number(1), Id::Number(9), Id::Text("1".into())] {
        let (way, more) = (Way::ToCallee, Allowance { items: 1, bytes: 1 });
        let messages = [
            item(id.clone(), "1"),
            Message::StreamEnd(StreamEnd { id: id.clone(), way, outcome: Ok(()), meta: None }),
            Message::Credit(Credit { id: id.clone(), way, more, meta: None }),
            Message::Stop(id.clone()),
        ];
        messages.iter().for_each(|message| pair.client.receive(CODEC.frame(message)));
    }
    pair.settle();
    assert_eq!(pair.client.session.counters().unmatched, 12);
    // The call under the same number is unaffected.
    pair.server.finish(5);
    pair.settle();
    assert_eq!(call.ok(), 5);
}

#[test]
fn several_streams_and_calls_side_by_side() {
    let mut pair = Pair::new(Shape::Messages);
    let mut open: Vec<_> = (0..5).map(|_| begin(&mut pair)).collect();
    let outlets: Vec<_> =
        open.iter().map(|(_, _, channels)| channels.outlet().expect("a stream")).collect();
    let call = pair.call::<Vec<u8>>("echo", (1,));
    pair.settle();
    assert_eq!(call.ok(), [1]);
    for round in 0..4_u32 {
        for (index, outlet) in outlets.iter().enumerate() {
            outlet.send_now(&(10 * index as u32 + round)).unwrap();
        }
    }
    pair.settle();
    for (index, (items, ..)) in open.iter_mut().enumerate() {
        let expected: Vec<_> = (0..4).map(|round| (10 * index + round).to_string()).collect();
        assert_eq!(read(items), expected);
    }
}

#[test]
fn a_lost_connection_ends_streams() {
    let mut open = duplex();
    open.outlet.send_now(&1).unwrap();
    open.pair.settle();
    open.pair.lose();
    let unknown = "no answer, the call may have been executed: the connection is closed: lost";
    assert_eq!(open.read(), ["1", unknown, "end"]);
    assert!(matches!(open.outlet.poll_ready(&mut nobody()), Poll::Ready(Err(Unsent::Over))));
    assert_eq!(open.pair.client.caller().in_flight(), 0);
}

#[test]
fn a_large_item_is_not_overtaken_by_the_next() {
    for protocol in [Identity::default(), Identity::splitting()] {
        let mut open = open(Setup::default().protocol(protocol));
        let large = "x".repeat(100_000);
        for value in [&*large, "1", &large] {
            open.outlet.send_now(value).unwrap();
        }
        open.end(Ok(()));
        let sizes: Vec<_> = open.read().iter().map(String::len).collect();
        assert_eq!(sizes, [100_002, 3, 100_002, "end".len()], "{protocol:?}");
    }
}

#[test]
fn a_stream_that_is_dropped_ends_its_handler() {
    let mut open = duplex();
    open.outlet.send_now(&1).unwrap();
    open.pair.settle();
    drop(open.items);
    open.pair.settle();
    assert_eq!(open.pair.server.script.cancelled, [open.ticket]);
    assert!(matches!(open.outlet.poll_ready(&mut nobody()), Poll::Ready(Err(Unsent::Over))));
    assert_eq!(open.pair.server.session.running(), 0);
    // The next request in the same place begins with its own credit.
    let (items, ticket, channels) = begin(&mut open.pair);
    let outlet = channels.outlet().expect("a stream");
    let mut next = Open { pair: open.pair, items, ticket, outlet };
    assert_eq!(next.produce(&mut 0), Identity::CREDIT);
    next.pair.settle();
    assert_eq!(next.read().len(), 4);
}

#[test]
fn values_go_into_a_call() {
    let mut pair = Pair::new(Shape::Messages);
    let caller = pair.client.caller();
    let opening = pair.tasks.spawn(async move { caller.upload::<_, u32, u32>("sum", ()).await });
    pair.settle();
    let channels = pair.server.script.channels.pop().expect("values are sent");
    assert!(channels.outlet().is_none(), "no stream is wanted");
    let mut inlet = channels.inlet().expect("values are sent");
    let (sender, sum) = opening.ok();
    let mut sent = 0;
    while sender.poll_ready(&mut nobody()).is_ready() {
        sender.send_now(&sent).unwrap();
        sent += 1;
    }
    assert_eq!(sent, Identity::CREDIT);
    pair.settle();
    for expected in ["0", "1", "2", "3"] {
        let Poll::Ready(Some(Ok(value))) = inlet.poll_next(&mut nobody()) else { panic!() };
        assert_eq!(value.bytes, expected);
    }
    assert!(inlet.poll_next(&mut nobody()).is_pending());
    pair.settle();
    assert!(sender.poll_ready(&mut nobody()).is_ready(), "reading grants more");
    sender.close();
    pair.settle();
    assert!(matches!(inlet.poll_next(&mut nobody()), Poll::Ready(None)));
    pair.server.finish(6);
    let sum = pair.tasks.spawn(sum);
    pair.settle();
    assert_eq!(sum.ok(), 6);
}

#[test]
fn how_values_that_go_into_a_call_end() {
    type Way = fn(tinyrpc_core::Sender<u32>);
    let ways: [(&str, Way); 3] = [
        ("nothing", |sender| sender.close()),
        ("too late", |sender| sender.fail(RpcError::server("too late"))),
        ("the sender of the values was dropped", drop),
    ];
    for (expected, how) in ways {
        let mut pair = Pair::new(Shape::Messages);
        let caller = pair.client.caller();
        let opening =
            pair.tasks.spawn(async move { caller.duplex::<_, u32, u32>("both", ()).await });
        pair.settle();
        let mut inlet = pair.server.script.channels.pop().unwrap().inlet().unwrap();
        let (sender, _items) = opening.ok();
        how(sender);
        pair.settle();
        let seen = match inlet.poll_next(&mut nobody()) {
            Poll::Ready(None) => "nothing".into(),
            Poll::Ready(Some(Err(error))) => error.message.into_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(seen, expected);
        assert!(matches!(inlet.poll_next(&mut nobody()), Poll::Ready(None)));
    }
}

#[test]
fn a_handler_that_reads_no_more_stops_the_sender() {
    let mut pair = Pair::new(Shape::Messages);
    let caller = pair.client.caller();
    let opening = pair.tasks.spawn(async move { caller.upload::<_, u32, u32>("sum", ()).await });
    pair.settle();
    drop(pair.server.script.channels.pop().unwrap().inlet());
    let (sender, sum) = opening.ok();
    pair.settle();
    assert!(matches!(sender.poll_ready(&mut nobody()), Poll::Ready(Err(Unsent::Stopped))));
    pair.server.finish(1);
    let sum = pair.tasks.spawn(sum);
    pair.settle();
    assert_eq!(sum.ok(), 1, "the call goes on");
    assert!(matches!(sender.poll_ready(&mut nobody()), Poll::Ready(Err(Unsent::Over))));
}

#[test]
fn the_newest_values_are_kept() {
    let mut pair = Pair::new(Shape::Messages);
    let caller = pair.client.caller();
    let opening =
        pair.tasks.spawn(async move { caller.stream::<_, u32>("gauge", ()).newest(3).await });
    pair.settle();
    let mut items = opening.ok();
    for value in ["1", "2", "3", "4", "5"] {
        pair.client.receive(CODEC.frame(&item(Id::Number(1), value)));
    }
    pair.settle();
    assert_eq!(read(&mut items), ["3", "4", "5"]);
    assert_eq!(items.missed(), 2);
}

#[test]
fn a_lossy_or_one_way_transport_has_no_streams() {
    for shape in [Shape::Exchange, Shape::OneWay] {
        let mut pair = Setup::shape(shape).pair();
        let caller = pair.client.caller();
        let opening = pair.tasks.spawn(async move { caller.stream::<_, u32>("s", ()).await });
        pair.settle();
        if shape == Shape::OneWay {
            assert!(matches!(opening.err(), Error::NotExecuted(_)));
        }
    }
}
