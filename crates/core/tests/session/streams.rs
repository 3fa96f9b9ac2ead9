//! Streams: the producer stops without credit, the consumer never keeps more than it granted.

use tinyrpc_core::{
    Allowance, Code, Credit, Id, Message, Reason, RpcError, Session, Shape, StreamEvent,
    StreamItem, Ticket, Way,
};

use crate::support::{Identity, Pair, Setup, identity::json};

const CODEC: Identity = Identity { mark: b'=', batches: true, chunk: None };

/// A pair with an open stream: its id at the consumer and its ticket at the producer.
fn open(setup: Setup) -> (Pair, u64, Ticket) {
    let mut pair = setup.pair();
    let id = pair.client.session.open_stream("numbers", b"[10]").expect("a stream");
    pair.settle();
    let ticket = pair.server.script.pending[0];
    (pair, id, ticket)
}

fn duplex() -> (Pair, u64, Ticket) {
    open(Setup::shape(Shape::Messages))
}

/// Sends as many items as there is credit for.
fn produce(session: &mut Session, ticket: Ticket, from: &mut u32) -> u32 {
    let first = *from;
    while session.send_item(ticket, json(&from.to_string())).expect("streams") {
        *from += 1;
    }
    *from - first
}

/// What came, as text.
fn events(session: &mut Session, expected: u64) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(event) = session.poll_stream() {
        all.push(match event {
            StreamEvent::Item { id, value } => {
                assert_eq!(id, expected);
                String::from_utf8_lossy(&value.bytes).into_owned()
            }
            StreamEvent::End { id, outcome } => {
                assert_eq!(id, expected);
                match outcome {
                    Ok(()) => "end".into(),
                    Err(error) => format!("end: {error}"),
                }
            }
        });
    }
    all
}

#[test]
fn the_producer_stops_without_credit() {
    let (mut pair, id, ticket) = duplex();
    let mut next = 0;
    assert_eq!(produce(&mut pair.server.session, ticket, &mut next), Identity::CREDIT);
    pair.settle();
    assert_eq!(produce(&mut pair.server.session, ticket, &mut next), 0);
    assert_eq!(events(&mut pair.client.session, id), ["0", "1", "2", "3"]);
    // Consuming alone grants nothing.
    pair.settle();
    assert_eq!(produce(&mut pair.server.session, ticket, &mut next), 0);

    pair.client.session.grant(id, 2).unwrap();
    pair.settle();
    assert_eq!(pair.server.script.credited, [ticket]);
    assert_eq!(produce(&mut pair.server.session, ticket, &mut next), 2);
    pair.server.session.end_stream(ticket, Ok(())).unwrap();
    pair.settle();
    assert_eq!(events(&mut pair.client.session, id), ["4", "5", "end"]);
    assert_eq!(pair.client.caller().in_flight(), 0);
    assert_eq!(pair.server.session.running(), 0);

    // Nothing is sent after the end, and a late credit finds nobody.
    assert!(!pair.server.session.send_item(ticket, json("6")).unwrap());
    pair.client.session.grant(id, 2).unwrap();
    pair.settle();
    assert_eq!(pair.server.session.counters().unmatched, 0);
    assert!(pair.client.session.poll_stream().is_none());
}

#[test]
fn a_slow_consumer_bounds_a_fast_producer() {
    for bytes in [1, 7, usize::MAX] {
        let (mut pair, id, ticket) = open(Setup::shape(Shape::Stream));
        pair.bytes = bytes;
        let (mut next, mut seen, mut open) = (0, 0, Identity::CREDIT);
        while seen < 200 {
            produce(&mut pair.server.session, ticket, &mut next);
            pair.settle();
            let got = events(&mut pair.client.session, id).len() as u32;
            assert!(got <= open, "{got} items came, {open} were granted");
            (seen, open) = (seen + got, open - got);
            let more = seen % 3 + 1;
            pair.client.session.grant(id, more).unwrap();
            open += more;
        }
        assert_eq!(pair.client.session.counters().unmatched, 0);
    }
}

#[test]
fn a_stream_ends_with_an_error() {
    let (mut pair, id, ticket) = duplex();
    pair.server.session.send_item(ticket, json("1")).unwrap();
    let error = RpcError::new(Code(17), "mid stream");
    pair.server.session.end_stream(ticket, Err(error)).unwrap();
    pair.settle();
    assert_eq!(
        events(&mut pair.client.session, id),
        ["1", "end: the peer answered with an error: mid stream (code 17)"]
    );
    assert_eq!(pair.client.caller().in_flight(), 0);
}

#[test]
fn an_answer_in_place_of_a_stream_ends_it() {
    let (mut pair, id, _) = duplex();
    let ticket = pair.server.script.pending[0];
    let error = RpcError::method_not_found("numbers");
    pair.server.session.finish(ticket, |reply| reply.error(&error));
    pair.settle();
    assert_eq!(
        events(&mut pair.client.session, id),
        ["end: the peer answered with an error: method not found: numbers (code -32601)"]
    );
    assert_eq!(pair.client.caller().in_flight(), 0);
}

#[test]
fn more_than_granted_ends_the_stream_and_not_the_connection() {
    let (mut pair, id, _) = duplex();
    for value in ["1", "2", "3", "4", "5", "6"] {
        let item =
            StreamItem { id: Id::Number(id), way: Way::ToCaller, value: json(value), meta: None };
        pair.client.receive(CODEC.frame(&Message::StreamItem(item)));
    }
    pair.client.turn(pair.now);
    let all = events(&mut pair.client.session, id);
    assert_eq!(all[..4], ["1", "2", "3", "4"]);
    assert_eq!(all.len(), 5);
    assert!(all[4].contains("more of a stream than it was granted"), "{all:?}");
    assert_eq!(pair.client.session.counters().unmatched, 1);
    let call = pair.call::<Vec<u8>>("echo", (1,));
    pair.settle();
    assert_eq!(call.ok(), [1]);
}

#[test]
fn credit_that_overflows_is_as_much_as_there_can_be() {
    let (mut pair, id, ticket) = duplex();
    for _ in 0..3 {
        let credit = Credit {
            id: Id::Number(id),
            way: Way::ToCaller,
            more: Allowance { items: u32::MAX, bytes: u32::MAX },
            meta: None,
        };
        pair.server.receive(CODEC.frame(&Message::Credit(credit)));
        pair.client.session.grant(id, u32::MAX).unwrap();
    }
    pair.settle();
    assert!(pair.server.session.send_item(ticket, json("1")).unwrap());
    pair.settle();
    assert_eq!(events(&mut pair.client.session, id), ["1"]);
}

#[test]
fn what_belongs_to_no_stream_is_counted() {
    let mut pair = Pair::new(Shape::Messages);
    let call = pair.call::<u8>("hold", ());
    pair.settle();
    for id in [Id::Number(1), Id::Number(9), Id::Text("1".into())] {
        let item = StreamItem { id: id.clone(), way: Way::ToCaller, value: json("1"), meta: None };
        pair.client.receive(CODEC.frame(&Message::StreamItem(item)));
        let end = tinyrpc_core::StreamEnd {
            id: id.clone(),
            way: Way::ToCaller,
            outcome: Ok(()),
            meta: None,
        };
        pair.client.receive(CODEC.frame(&Message::StreamEnd(end)));
        let credit =
            Credit { id, way: Way::ToCaller, more: Allowance { items: 1, bytes: 1 }, meta: None };
        pair.client.receive(CODEC.frame(&Message::Credit(credit)));
    }
    pair.settle();
    assert_eq!(pair.client.session.counters().unmatched, 9);
    assert!(pair.client.session.poll_stream().is_none());
    // The call under the same number is unaffected.
    pair.server.finish(5);
    pair.settle();
    assert_eq!(call.ok(), 5);
}

#[test]
fn several_streams_and_calls_side_by_side() {
    let mut pair = Pair::new(Shape::Messages);
    let ids: Vec<_> =
        (0..5).map(|_| pair.client.session.open_stream("s", b"[]").unwrap()).collect();
    let call = pair.call::<Vec<u8>>("echo", (1,));
    pair.settle();
    // An ordinary answer is told from the end of a stream.
    assert_eq!(call.ok(), [1]);
    let tickets = pair.server.script.pending.clone();
    for round in 0..4 {
        for (index, &ticket) in tickets.iter().enumerate() {
            let value = format!("[{index},{round}]");
            assert!(pair.server.session.send_item(ticket, json(&value)).unwrap());
        }
    }
    pair.settle();
    let mut next = vec![0; 5];
    while let Some(event) = pair.client.session.poll_stream() {
        let StreamEvent::Item { id, value } = event else { panic!("no stream ends") };
        let index = ids.iter().position(|&one| one == id).unwrap();
        assert_eq!(value.decode::<(usize, usize)>().unwrap(), (index, next[index]));
        next[index] += 1;
    }
    assert_eq!(next, [4; 5]);
}

#[test]
fn a_lost_connection_ends_streams() {
    let (mut pair, id, ticket) = duplex();
    pair.server.session.send_item(ticket, json("1")).unwrap();
    pair.settle();
    let fresh = pair.client.session.open_stream("numbers", b"[]").unwrap();
    pair.client.session.lose(Reason::Closed("lost".into()));
    let mut ends = Vec::new();
    while let Some(event) = pair.client.session.poll_stream() {
        if let StreamEvent::End { id, outcome } = event {
            ends.push((id, outcome.expect_err("no proper end").to_string()));
        }
    }
    ends.sort();
    let unknown = "no answer, the call may have been executed: the connection is closed: lost";
    let unsent = "the call was not executed: the connection is closed: lost";
    assert_eq!(ends, [(id, unknown.to_string()), (fresh, unsent.to_string())]);
    assert_eq!(pair.client.caller().in_flight(), 0);
}

#[test]
fn a_large_item_is_not_overtaken_by_the_next() {
    for protocol in [Identity::default(), Identity::splitting()] {
        let (mut pair, id, ticket) = open(Setup::default().protocol(protocol));
        let large = format!("\"{}\"", "x".repeat(100_000));
        for value in [&large, "1", &large] {
            assert!(pair.server.session.send_item(ticket, json(value)).unwrap());
        }
        pair.server.session.end_stream(ticket, Ok(())).unwrap();
        pair.settle();
        let sizes: Vec<_> = events(&mut pair.client.session, id).iter().map(String::len).collect();
        assert_eq!(sizes, [100_002, 1, 100_002, "end".len()]);
    }
}

#[test]
fn a_cancelled_stream_leaves_nothing_behind() {
    let (mut pair, id, ticket) = duplex();
    pair.server.session.send_item(ticket, json("1")).unwrap();
    pair.server.receive(CODEC.frame(&Message::Cancel(Id::Number(id))));
    pair.settle();
    assert_eq!(pair.server.script.cancelled, [ticket]);
    assert!(!pair.server.session.send_item(ticket, json("2")).unwrap());
    let all = events(&mut pair.client.session, id);
    assert_eq!(all[0], "1");
    assert!(all[1].contains("code -32012"), "{all:?}");
    // The next request in the same place begins with its own credit.
    let next = pair.client.session.open_stream("numbers", b"[]").unwrap();
    pair.settle();
    let ticket = pair.server.script.pending[0];
    let mut value = 0;
    assert_eq!(produce(&mut pair.server.session, ticket, &mut value), Identity::CREDIT);
    pair.settle();
    assert_eq!(events(&mut pair.client.session, next).len(), 4);
}
