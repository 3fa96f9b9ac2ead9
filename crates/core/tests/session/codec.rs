//! The identity codec says every message of the model and reads it back.

use std::time::Duration;

use tinyrpc_core::{
    Allowance, Answer, Chunk, Code, Credit, Decoder, Format, FrameRef, Id, Lane, Message, Meta,
    Payload, Ping, Request, Response, RpcError, StreamEnd, StreamItem, Way,
};

use crate::support::{Identity, identity::json};

#[track_caller]
fn check(message: Message<'_>) {
    let codec = Identity::default();
    let frame = codec.frame(&message);
    let mut decoder = codec;
    let read = decoder
        .decode(FrameRef { lane: Lane::DUPLEX, bytes: &frame, block: Some(&frame) })
        .expect("a message");
    assert_eq!(format!("{read:?}"), format!("{message:?}"));
    assert_eq!(codec.frame(&read), frame);
}

fn meta() -> Option<Box<Meta>> {
    Some(Box::new(Meta {
        deadline: Some(Duration::from_millis(1500)),
        stream: Some(Allowance { items: 3, bytes: 1 << 20 }),
        sends: true,
        depth: 3,
        trace: Some("00-ab-cd-01".into()),
        idempotency_key: Some("key".into()),
        identity: Some("me".into()),
        entries: vec![("v".into(), Payload { bytes: "[3]".into(), format: Format::Json })],
    }))
}

fn fault() -> RpcError {
    let data = Payload { bytes: "{\"a\":1}".into(), format: Format::Json };
    RpcError::new(Code(17), "text \u{1f} with a separator").with_payload(data)
}

#[test]
fn every_message_and_every_id() {
    for id in [
        Id::Null,
        Id::Number(u64::MAX),
        Id::Negative(-1),
        Id::Text("a text".into()),
        Id::Binary(b"\x00\xff"[..].into()),
        Id::Token(b"1e400"[..].into()),
    ] {
        check(Message::Cancel(id.clone()));
        check(Message::Ping(Ping { id: Some(id.clone()), meta: None }));
        check(Message::Request(Request::new(Some(id), "add", json("[1,2]"), Lane::DUPLEX)));
    }
    let id = Id::Number(7);
    check(Message::Request(Request {
        named: Some(json("{\"c\":3}")),
        meta: meta(),
        ..Request::new(None, "log", json(""), Lane::DUPLEX)
    }));
    check(Message::Response(Response { id: id.clone(), outcome: Ok(json("null")), meta: meta() }));
    check(Message::Response(Response { id: id.clone(), outcome: Err(fault()), meta: None }));
    for way in [Way::ToCaller, Way::ToCallee] {
        let id = id.clone();
        check(Message::StreamItem(StreamItem {
            id: id.clone(),
            way,
            value: json("1"),
            meta: meta(),
        }));
        let (fine, failed) = (Ok(()), Err(fault()));
        check(Message::StreamEnd(StreamEnd { id: id.clone(), way, outcome: fine, meta: None }));
        check(Message::StreamEnd(StreamEnd { id: id.clone(), way, outcome: failed, meta: meta() }));
        let more = Allowance { items: 1, bytes: u32::MAX };
        check(Message::Credit(Credit { id, way, more, meta: meta() }));
    }
    check(Message::Stop(id.clone()));
    check(Message::Window(u32::MAX));
    check(Message::Chunk(Chunk { message: 9, last: true, bytes: b"\x1fany\x1e"[..].into() }));
    check(Message::Ping(Ping { id: None, meta: meta() }));
    check(Message::Unknown);
    check(Message::Batch(vec![
        Ok(Message::Request(Request::new(Some(id.clone()), "a", json("[]"), Lane::DUPLEX))),
        Ok(Message::Request(Request::new(None, "b", json(""), Lane::DUPLEX))),
        Ok(Message::Response(Response::new(id, Ok(json("4"))))),
    ]));
}

#[test]
fn what_is_no_message_says_how_it_is_answered() {
    let check = |bytes: &str, expected: &str| {
        let frame = FrameRef { lane: Lane::DUPLEX, bytes: bytes.as_bytes(), block: None };
        let invalid = Identity::default().decode(frame).expect_err("no message");
        let answer = match invalid.answer {
            Answer::Error(id) => format!("error {id:?}"),
            Answer::Close(id) => format!("close {id:?}"),
            _ => "nothing".into(),
        };
        assert_eq!(answer, expected);
    };
    check("", "error Null");
    check("#q", "error Null");
    check("=q1", "error Null");
    check("=!", "close Null");
    check("=-", "nothing");
}
