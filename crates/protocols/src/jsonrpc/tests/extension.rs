//! The messages of the extension: read, written again, and what is none of them.

use super::{decode, frame, open, read, show};
use crate::{
    Allowance, Credit, Format, Id, JsonRpc1, Limits, Message, Meta, PayloadRef, Protocol,
    StreamEnd, StreamItem, Way,
};

fn notification(name: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"rpc.{name}","params":{params}}}"#)
}

/// Read as `expected`, alone and in a stream, and written again as it was.
#[track_caller]
fn check(name: &str, params: &str, expected: &str) {
    let input = notification(name, params);
    let mut codec = open();
    let message = codec.decoder.decode(frame(input.as_bytes())).expect("a message");
    assert_eq!(format!("{message:?}"), expected);
    let mut out = Vec::new();
    codec.encoder.message(&mut out, &message).expect("it is sayable");
    assert_eq!(String::from_utf8_lossy(&out), input);
    for step in [1, input.len()] {
        assert_eq!(read(&mut open(), input.as_bytes(), step), [expected]);
    }
    // The same in other words.
    let escaped = input.replace("rpc.", r"\u0072pc.");
    let turned = format!(r#"{{"params":{params},"x":[],"method":"rpc.{name}","jsonrpc":"2.0"}}"#);
    for input in [escaped, turned] {
        assert_eq!(decode(input.as_bytes()), expected, "{input}");
    }
}

/// Read, and ignored.
#[track_caller]
fn unknown(name: &str, params: &str) {
    let input = notification(name, params);
    assert_eq!(decode(input.as_bytes()), "Unknown", "{input}");
    let escaped = input.replace("rpc.", r"rpc\u002e");
    assert_eq!(decode(escaped.as_bytes()), "Unknown", "{escaped}");
}

#[test]
fn messages() {
    let item = "StreamItem(StreamItem { id: Number(7), way: ToCaller, \
        value: Payload(JSON, 9 bytes), meta: None })";
    check("item", r#"[7,{"a":"]"}]"#, item);
    check("send", r#"[7,{"a":"]"}]"#, &item.replace("ToCaller", "ToCallee"));
    let end = "StreamEnd(StreamEnd { id: Number(7), way: ToCallee, outcome: Ok(()), meta: None })";
    check("close", "[7,null]", end);
    let error = r#"Err(RpcError { code: 5, message: "x", has_data: true })"#;
    let close = r#"[7,{"code":5,"message":"x","data":[1]}]"#;
    check("close", close, &end.replace("Ok(())", error));
    let credit = "Credit(Credit { id: Number(7), way: ToCaller, \
        more: Allowance { items: 16, bytes: 65536 }, meta: None })";
    check("credit", "[7,16,65536]", credit);
    check("grant", "[7,16,65536]", &credit.replace("ToCaller", "ToCallee"));
    check("stop", "[7]", "Stop(Number(7))");
    check("cancel", "[7]", "Cancel(Number(7))");
    check(
        "chunk",
        r#"[0,false,"AP8="]"#,
        "Chunk(Chunk { message: 0, last: false, bytes: [0, 255] })",
    );
    let last = "Chunk(Chunk { message: 4294967295, last: true, bytes: [] })";
    check("chunk", r#"[4294967295,true,""]"#, last);
    let slash = "Chunk(Chunk { message: 0, last: true, bytes: [255, 255, 254] })";
    check("chunk", r#"[0,true,"///+"]"#, slash);
    assert_eq!(decode(notification("chunk", r#"[0,true,"\/\/\u002f+"]"#).as_bytes()), slash);
    check("window", "[2147483647]", "Window(2147483647)");
    check("window", "[0]", "Window(0)");
}

#[test]
fn every_id_of_a_request_is_one_here() {
    let ids = [
        ("0", "Number(0)"),
        ("99999999", "Number(99999999)"),
        ("100000000", "Number(100000000)"),
        ("9999999999999999", "Number(9999999999999999)"),
        ("10000000000000000", "Number(10000000000000000)"),
        ("18446744073709551615", "Number(18446744073709551615)"),
        ("-1", "Negative(-1)"),
        ("-9223372036854775808", "Negative(-9223372036854775808)"),
        ("null", "Null"),
        ("\"\"", "Text(\"\")"),
        ("\"a]b\"", "Text(\"a]b\")"),
        ("18446744073709551616", "Token"),
        ("-0", "Token"),
        (r#""\"""#, "Token"),
    ];
    for (id, shown) in ids {
        for (name, behind) in
            [("item", ",1"), ("close", ",null"), ("credit", ",1,2"), ("cancel", ""), ("stop", "")]
        {
            let input = notification(name, &format!("[{id}{behind}]"));
            let mut codec = open();
            let message = codec.decoder.decode(frame(input.as_bytes())).expect("a message");
            assert!(format!("{message:?}").contains(shown), "{input} {message:?}");
            let mut out = Vec::new();
            codec.encoder.message(&mut out, &message).expect("it is sayable");
            assert_eq!(String::from_utf8_lossy(&out), input);
        }
    }
    let long = "x".repeat(257);
    for id in ["1.0", "1e3", "true", "[7]", "{}", &format!("\"{long}\"")] {
        unknown("cancel", &format!("[{id}]"));
        unknown("item", &format!("[{id},1]"));
    }
}

#[test]
fn what_has_other_fields_is_ignored() {
    for name in ["item", "send", "close"] {
        for params in ["[]", "[7]", "[7,null,null]", "{}", r#"{"id":7,"value":1}"#] {
            unknown(name, params);
        }
    }
    for name in ["credit", "grant"] {
        for params in ["[7,1]", "[7,1,1,1]", "[7,-1,1]", "[7,1,1.0]", "[7,1e2,1]", "[7,\"1\",1]"] {
            unknown(name, params);
        }
        unknown(name, "[7,1,2147483648]");
        unknown(name, "[7,18446744073709551616,1]");
        unknown(name, "[7,null,1]");
    }
    for name in ["stop", "cancel"] {
        for params in ["[]", "[7,7]", "{}", "[[7]]"] {
            unknown(name, params);
        }
    }
    for params in [
        r#"[0,false]"#,
        r#"[0,false,"",1]"#,
        r#"[-1,false,""]"#,
        r#"[4294967296,false,""]"#,
        r#"[0,0,""]"#,
        r#"[0,null,""]"#,
        r#"[0,false,null]"#,
        r#"[0,false,[0,255]]"#,
        // Without padding, of another alphabet, with bits behind the end, with blanks.
        r#"[0,false,"AP8"]"#,
        r#"[0,false,"__8="]"#,
        r#"[0,false,"AP9="]"#,
        r#"[0,false,"AP8= "]"#,
        r#"[0,false,"AP\n8="]"#,
        r#"[0,false,"A"]"#,
        r#"[0,false,"===="]"#,
    ] {
        unknown("chunk", params);
    }
    for params in ["[]", "[-1]", "[2147483648]", "[1.5]", "[1,1]", "{}", "[\"1\"]"] {
        unknown("window", params);
    }
    for name in ["", "x", "items", "Item", "hello", "item.", "auth.x", "cancel\u{e9}"] {
        unknown(name, "[7,1]");
    }
    for params in ["1", "null", "\"7\"", "true"] {
        unknown("item", params);
    }
    assert_eq!(decode(br#"{"jsonrpc":"2.0","method":"rpc.item"}"#), "Unknown");
}

#[test]
fn requests_with_such_names_are_requests() {
    let input = br#"{"jsonrpc":"2.0","id":1,"method":"rpc.cancel","params":[7]}"#;
    assert_eq!(decode(input), r#"call 1 "rpc.cancel" [7]"#);
    let input = br#"{"jsonrpc":"2.0","id":null,"method":"rpc.cancel","params":[7]}"#;
    assert_eq!(decode(input), r#"call null "rpc.cancel" [7]"#);
    let input = br#"{"jsonrpc":"2.0","method":"rpc.auth","params":["x"]}"#;
    assert_eq!(decode(input), r#"notify "rpc.auth" ["x"]"#);
    for name in ["rpc", "rpcs.item", "RPC.item", "arpc.item"] {
        let input = format!(r#"{{"jsonrpc":"2.0","method":"{name}","params":[7,1]}}"#);
        assert_eq!(decode(input.as_bytes()), format!("notify {name:?} [7,1]"));
    }
    // What is no message at all is none of these either.
    assert_eq!(decode(br#"{"method":"rpc.cancel","params":[7]}"#), "-32600 null");
    let twice = br#"{"jsonrpc":"2.0","method":"rpc.cancel","method":"a","params":[7]}"#;
    assert_eq!(decode(twice), "-32600 null");
}

#[test]
fn nothing_of_it_has_a_meaning_in_a_batch() {
    let input = format!(
        r#"[{},{{"jsonrpc":"2.0","id":1,"method":"a","rpc":{{"stream":[1,1]}}}},{}]"#,
        notification("cancel", "[1]"),
        r#"{"jsonrpc":"2.0","id":2,"method":"a","rpc":5}"#,
    );
    let mut codec = open();
    let Ok(Message::Batch(members)) = codec.decoder.decode(frame(input.as_bytes())) else {
        panic!("no batch")
    };
    let shown: Vec<_> = members.iter().map(show).collect();
    assert_eq!(shown, ["Unknown", r#"call 1 "a" "#, r#"call 2 "a" "#]);
    for member in &members {
        assert!(!matches!(member, Ok(Message::Request(request)) if request.meta.is_some()));
    }
}

#[test]
fn version_one_has_none_of_it() {
    let codec = &mut JsonRpc1.open(&Limits::default());
    assert!(open().profile.extension && !codec.profile.extension);
    let inputs = [
        (notification("cancel", "[7]"), r#"notify "rpc.cancel" [7]"#),
        (r#"{"method":"rpc.cancel","params":[7]}"#.into(), r#"notify "rpc.cancel" [7]"#),
        (r#"{"id":1,"method":"a","rpc":5}"#.into(), r#"call 1 "a" "#),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","rpc":{"depth":5}}"#.into(), r#"call 1 "a" "#),
    ];
    for (input, expected) in inputs {
        let message = codec.decoder.decode(frame(input.as_bytes()));
        assert_eq!(show(&message), expected);
        assert!(!matches!(message, Ok(Message::Request(request)) if request.meta.is_some()));
    }
}

#[test]
fn values_are_slices_of_the_frame() {
    let block = bytes::Bytes::from(notification("item", "[7, [1,2] ]"));
    let mut framed = frame(&block);
    framed.block = Some(&block);
    let mut codec = open();
    let Ok(Message::StreamItem(item)) = codec.decoder.decode(framed) else { panic!("no item") };
    assert_eq!(item.value.bytes, b"[1,2]");
    let start = block.windows(5).position(|part| part == b"[1,2]").expect("it is there");
    assert_eq!(item.value.to_payload().bytes.as_ptr(), block[start..].as_ptr());
}

#[test]
fn the_end_of_a_result_is_its_response() {
    let end = |outcome| {
        let end = StreamEnd { id: Id::Number(7), way: Way::ToCaller, outcome, meta: None };
        let mut out = Vec::new();
        open().encoder.message(&mut out, &Message::StreamEnd(end)).expect("it is sayable");
        String::from_utf8(out).expect("UTF-8")
    };
    assert_eq!(end(Ok(())), r#"{"jsonrpc":"2.0","id":7,"result":null}"#);
    let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":5,"message":"x"}}"#;
    assert_eq!(end(Err(crate::RpcError::new(5, "x"))), error);
}

#[test]
fn what_cannot_be_said_is_cut_or_refused() {
    let said = |message: &Message<'_>| {
        let mut out = Vec::new();
        let text = open().encoder.message(&mut out, message);
        text.map(|()| String::from_utf8_lossy(&out).into_owned()).map_err(|error| {
            assert!(out.is_empty());
            error.to_string()
        })
    };
    let more = Allowance { items: u32::MAX, bytes: u32::MAX };
    let credit = Credit { id: Id::Number(7), way: Way::ToCallee, more, meta: None };
    let cut = notification("grant", "[7,2147483647,2147483647]");
    assert_eq!(said(&Message::Credit(credit)).expect("cut"), cut);
    let cut = notification("window", "[2147483647]");
    assert_eq!(said(&Message::Window(u32::MAX)).expect("cut"), cut);
    let value = PayloadRef { bytes: b"", block: None, format: Format::Json };
    let item = StreamItem { id: Id::Number(7), way: Way::ToCaller, value, meta: None };
    let null = notification("item", "[7,null]");
    assert_eq!(said(&Message::StreamItem(item.clone())).expect("null"), null);
    #[cfg(feature = "msgpack")]
    {
        let value = PayloadRef { format: Format::MsgPack, ..value };
        let item = StreamItem { value, ..item };
        assert!(
            said(&Message::StreamItem(item)).expect_err("MessagePack").contains("another format")
        );
    }
    for message in [Message::Unknown, Message::Batch(Vec::new())] {
        assert!(said(&message).is_err());
    }
}

/// A request with this member, as it is read.
#[track_caller]
fn companions(map: &str) -> Option<Meta> {
    let before = format!(r#"{{"jsonrpc":"2.0","rpc":{map},"id":7,"method":"a","params":[5]}}"#);
    let behind = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"a","params":[5],"rpc":{map}}}"#);
    let [one, other] = [before, behind].map(|input| {
        let mut codec = open();
        let Ok(Message::Request(request)) = codec.decoder.decode(frame(input.as_bytes())) else {
            panic!("no request: {map}")
        };
        assert_eq!((&*request.method, request.params.bytes), ("a", &b"[5]"[..]));
        request.meta.map(|meta| *meta)
    });
    assert_eq!(one, other);
    one
}

#[test]
fn requests_have_companions() {
    let map = r#"{"stream":[32,131072],"send":true,"deadline":1500,"depth":3,"trace":"0-\"1","key":"k1"}"#;
    let meta = Meta {
        stream: Some(Allowance { items: 32, bytes: 131_072 }),
        sends: true,
        deadline: Some(std::time::Duration::from_millis(1500)),
        depth: 3,
        trace: Some("0-\"1".into()),
        idempotency_key: Some("k1".into()),
        ..Meta::default()
    };
    assert_eq!(companions(map).as_ref(), Some(&meta));
    let spaced = map.replace(',', " , ").replace("\"deadline\"", "\"dead\\u006cine\"");
    assert_eq!(companions(&spaced).as_ref(), Some(&meta));
    let write = |id: Option<&Id<'_>>, params: &[u8], meta: &Meta| {
        let mut out = b"x".to_vec();
        open().encoder.request_with(&mut out, id, "a", params, meta).expect("sayable");
        String::from_utf8(out).expect("UTF-8").split_off(1)
    };
    let id = Id::Number(7);
    let expected = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"a","params":[5],"rpc":{map}}}"#);
    assert_eq!(write(Some(&id), b"[5]", &meta), expected);
    assert_eq!(write(Some(&id), b"", &meta), expected.replace(r#","params":[5]"#, ""));
    let plain = r#"{"jsonrpc":"2.0","id":7,"method":"a","params":[5]}"#;
    assert_eq!(write(Some(&id), b"[5]", &Meta::default()), plain);
    assert_eq!(write(None, b"[5]", &meta), plain.replace(r#""id":7,"#, ""));
    let depth = Meta { depth: 1, ..Meta::default() };
    assert!(write(Some(&id), b"", &depth).ends_with(r#","rpc":{"depth":1}}"#));

    assert_eq!(companions("{}"), Some(Meta::default()));
    assert_eq!(companions(r#"{"x":5,"":[{}]}"#), Some(Meta::default()));
    assert_eq!(companions(r#"{"send":false}"#), Some(Meta::default()));
    assert_eq!(decode(br#"{"jsonrpc":"2.0","id":7,"method":"a","other":5}"#), r#"call 7 "a" "#);
    // Nobody answers a notification.
    assert_eq!(decode(br#"{"jsonrpc":"2.0","method":"a","rpc":5}"#), r#"notify "a" "#);
}

#[test]
fn requests_with_wrong_companions_are_refused() {
    let refused = |behind: &str| {
        let input = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"a",{behind}}}"#);
        assert_eq!(decode(input.as_bytes()), "-32600 7", "{input}");
    };
    for map in ["null", "5", "[]", "\"\"", "true"] {
        refused(&format!(r#""rpc":{map}"#));
    }
    for member in [
        r#""stream":true"#,
        r#""stream":[5]"#,
        r#""stream":[5,5,5]"#,
        r#""stream":{"5":5}"#,
        r#""stream":[5,2147483648]"#,
        r#""stream":[-5,5]"#,
        r#""send":1"#,
        r#""send":null"#,
        r#""deadline":-1"#,
        r#""deadline":1.5"#,
        r#""deadline":9007199254740992"#,
        r#""depth":2147483648"#,
        r#""trace":5"#,
        r#""key":null"#,
    ] {
        refused(&format!(r#""rpc":{{{member}}}"#));
    }
    refused(r#""rpc":{},"rpc":{}"#);
}
