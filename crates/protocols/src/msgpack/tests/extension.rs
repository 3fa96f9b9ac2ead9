//! The messages of the extension: read, written again, and what is none of them.

use super::{bytes, frame, hex, open, read, show};
use crate::{
    Allowance, Chunk, Credit, Format, Id, Message, Meta, MsgPackRpc, PayloadRef, Protocol,
    StreamEnd, StreamItem, Way,
};

/// Read as `expected`, alone and in a stream, and written again as it was.
#[track_caller]
fn check(input: &str, expected: &str) {
    let input = bytes(input);
    let mut codec = open();
    let message = codec.decoder.decode(frame(&input)).expect("a message");
    assert_eq!(format!("{message:?}"), expected);
    let mut out = Vec::new();
    codec.encoder.message(&mut out, &message).expect("it is sayable");
    assert_eq!(hex(&out), hex(&input));
    for step in [1, usize::MAX / 2] {
        assert_eq!(read(&mut open(), &input, step), [expected]);
    }
}

/// Read, and ignored.
#[track_caller]
fn unknown(input: &str) {
    let input = bytes(input);
    assert_eq!(show(&open().decoder.decode(frame(&input))), "Unknown", "{}", hex(&input));
    assert_eq!(read(&mut open(), &input, usize::MAX / 2), ["Unknown"]);
}

#[test]
fn messages() {
    let item = "StreamItem(StreamItem { id: Number(7), way: ToCaller, \
        value: Payload(MessagePack, 3 bytes), meta: None })";
    check("93 03 07 92 01 02", item);
    check("93 04 07 92 01 02", &item.replace("ToCaller", "ToCallee"));
    let end = "StreamEnd(StreamEnd { id: Number(7), way: ToCallee, outcome: Ok(()), meta: None })";
    check("93 05 07 c0", end);
    let error = r#"Err(RpcError { code: 5, message: "x", has_data: false })"#;
    check("93 05 07 92 05 a178", &end.replace("Ok(())", error));
    let credit = "Credit(Credit { id: Number(7), way: ToCaller, \
        more: Allowance { items: 16, bytes: 65536 }, meta: None })";
    check("94 06 07 10 ce00010000", credit);
    check("94 07 07 10 ce00010000", &credit.replace("ToCaller", "ToCallee"));
    check("92 08 07", "Stop(Number(7))");
    check("92 09 cf0000000100000000", "Cancel(Number(4294967296))");
    let chunk = "Chunk(Chunk { message: 0, last: false, bytes: [0, 255] })";
    check("94 0a 00 c2 c40200ff", chunk);
    let last = "Chunk(Chunk { message: 4294967295, last: true, bytes: [] })";
    check("94 0a ceffffffff c3 c400", last);
    check("92 0b ce7fffffff", "Window(2147483647)");
    check("92 0b 00", "Window(0)");
}

#[test]
fn what_has_other_fields_is_ignored() {
    for kind in ["03", "04", "05"] {
        unknown(&format!("92 {kind} 07"));
        unknown(&format!("94 {kind} 07 c0 c0"));
        unknown(&format!("93 {kind} a137 c0"));
        unknown(&format!("93 {kind} ff c0"));
    }
    for kind in ["06", "07"] {
        unknown(&format!("93 {kind} 07 01"));
        unknown(&format!("95 {kind} 07 01 01 01"));
        for amount in ["ff", "ce80000000", "c0", "cb3ff0000000000000", "a131"] {
            unknown(&format!("94 {kind} 07 {amount} 01"));
            unknown(&format!("94 {kind} 07 01 {amount}"));
        }
        unknown(&format!("94 {kind} c0 01 01"));
    }
    for kind in ["08", "09"] {
        unknown(&format!("91 {kind}"));
        unknown(&format!("93 {kind} 07 c0"));
        unknown(&format!("92 {kind} c0"));
    }
    unknown("93 0a 00 c2");
    unknown("95 0a 00 c2 c400 c0");
    for fields in ["ff c2 c400", "cf0000000100000000 c2 c400", "00 00 c400", "00 c0 c400"] {
        unknown(&format!("94 0a {fields}"));
    }
    for text in ["a0", "a161", "c0", "90", "c70001", "d40100"] {
        unknown(&format!("94 0a 00 c2 {text}"));
    }
    for fields in ["91 0b", "92 0b ff", "92 0b ce80000000", "92 0b c0", "93 0b 01 01"] {
        unknown(fields);
    }
    for kind in ["0c", "7f", "cc80", "cd0103", "cf0000000100000003"] {
        unknown(&format!("93 {kind} 07 c0"));
    }
}

#[test]
fn integers_of_every_width_are_read() {
    for seven in ["07", "cc07", "cd0007", "ce00000007", "cf0000000000000007", "d007", "d10007"] {
        for input in [format!("92 cc09 {seven}"), format!("92 cf0000000000000009 {seven}")] {
            assert_eq!(read(&mut open(), &bytes(&input), 1), ["Cancel(Number(7))"]);
        }
        let input = bytes(&format!("94 06 {seven} {seven} {seven}"));
        let read = read(&mut open(), &input, 1);
        assert!(read[0].contains("items: 7, bytes: 7"), "{read:?}");
    }
}

#[test]
fn values_are_slices_of_the_frame() {
    let block = bytes::Bytes::from(bytes("94 0a 00 c2 c40200ff"));
    let codec = &mut open();
    let mut framed = frame(&block);
    framed.block = Some(&block);
    let Ok(Message::Chunk(chunk)) = codec.decoder.decode(framed) else { panic!("no chunk") };
    assert_eq!(chunk.bytes.as_ptr(), block[6..].as_ptr());
    let block = bytes::Bytes::from(bytes("93 03 07 92 01 02"));
    framed = frame(&block);
    framed.block = Some(&block);
    let Ok(Message::StreamItem(item)) = codec.decoder.decode(framed) else { panic!("no item") };
    assert_eq!(item.value.to_payload().bytes.as_ptr(), block[3..].as_ptr());
}

#[test]
fn the_end_of_a_result_is_its_response() {
    let end = |outcome| {
        let end = StreamEnd { id: Id::Number(7), way: Way::ToCaller, outcome, meta: None };
        let mut out = Vec::new();
        open().encoder.message(&mut out, &Message::StreamEnd(end)).expect("it is sayable");
        hex(&out)
    };
    assert_eq!(end(Ok(())), "940107c0c0");
    assert_eq!(end(Err(crate::RpcError::new(5, "x"))), "9401079205a178c0");
}

#[test]
fn what_cannot_be_said_is_cut_or_refused() {
    let said = |message: &Message<'_>| {
        let mut out = Vec::new();
        open().encoder.message(&mut out, message).map(|()| hex(&out)).map_err(|error| {
            assert!(out.is_empty());
            error.to_string()
        })
    };
    let more = Allowance { items: u32::MAX, bytes: u32::MAX };
    let credit = Credit { id: Id::Number(7), way: Way::ToCallee, more, meta: None };
    assert_eq!(said(&Message::Credit(credit)).expect("cut"), "940707ce7fffffffce7fffffff");
    assert_eq!(said(&Message::Window(u32::MAX)).expect("cut"), "920bce7fffffff");
    let value = PayloadRef { bytes: b"", block: None, format: Format::MsgPack };
    let item = StreamItem { id: Id::Number(7), way: Way::ToCaller, value, meta: None };
    assert_eq!(said(&Message::StreamItem(item.clone())).expect("nil"), "930307c0");
    #[cfg(feature = "jsonrpc")]
    {
        let value = PayloadRef { format: Format::Json, ..value };
        let item = StreamItem { value, ..item };
        assert!(said(&Message::StreamItem(item)).expect_err("JSON").contains("another format"));
    }
    for message in [Message::Unknown, Message::Batch(Vec::new())] {
        assert!(said(&message).is_err());
    }
    let large = Chunk { message: 1, last: true, bytes: vec![0; 65_536].into() };
    assert!(said(&Message::Chunk(large)).expect("large").starts_with("940a01c3c600010000"));
    assert!(open().profile.extension);
    assert!(!MsgPackRpc::old().open(&crate::Limits::default()).profile.extension);
}

/// A request with this map, as it is read; and written again, where it is as we write it.
#[track_caller]
fn companions(map: &str) -> Meta {
    let input = bytes(&format!("95 00 07 a161 91 05 {map}"));
    let mut codec = open();
    let Ok(Message::Request(request)) = codec.decoder.decode(frame(&input)) else {
        panic!("no request: {map}")
    };
    assert_eq!((&*request.method, request.params.bytes), ("a", &[0x91, 0x05][..]));
    assert_eq!(request.id, Some(Id::Number(7)));
    *request.meta.expect("it was there")
}

#[test]
fn requests_have_companions() {
    let map = "86 a673747265616d 92 20 ce00040000 a473656e64 c3 a8646561646c696e65 cd05dc \
        a56465707468 03 a57472616365 a3302d31 a36b6579 a26b31";
    let meta = Meta {
        stream: Some(Allowance { items: 32, bytes: 262_144 }),
        sends: true,
        deadline: Some(std::time::Duration::from_millis(1500)),
        depth: 3,
        trace: Some("0-1".into()),
        idempotency_key: Some("k1".into()),
        ..Meta::default()
    };
    assert_eq!(companions(map), meta);
    let write = |id: Option<&Id<'_>>, meta: &Meta| {
        let mut out = vec![0xee];
        open().encoder.request_with(&mut out, id, "a", b"\x91\x05", meta).expect("sayable");
        hex(&out[1..])
    };
    let id = Id::Number(7);
    assert_eq!(write(Some(&id), &meta), hex(&bytes(&format!("95 00 07 a161 9105 {map}"))));
    assert_eq!(write(Some(&id), &Meta::default()), "940007a1619105");
    assert_eq!(write(None, &meta), "9302a1619105");
    let micros = std::time::Duration::from_micros(1001);
    let short = Meta { deadline: Some(micros), ..Meta::default() };
    assert!(write(Some(&id), &short).ends_with("02"), "a part of a millisecond counts");
    let long = Meta { deadline: Some(std::time::Duration::MAX), ..Meta::default() };
    assert!(write(Some(&id), &long).ends_with("cf001fffffffffffff"));

    assert_eq!(companions("80"), Meta::default());
    assert_eq!(companions("82 a161 05 01 92c0c0"), Meta::default());
    assert_eq!(companions("81 a473656e64 c2"), Meta::default());
    assert_eq!(companions("81 c4056465707468 cc05").depth, 5);
}

#[test]
fn requests_with_wrong_companions_are_refused() {
    let refused = |input: &str| {
        assert_eq!(show(&open().decoder.decode(frame(&bytes(input)))), "-32600 7", "{input}");
    };
    for behind in ["c0", "05", "90", "a0", "c3", "c40100"] {
        refused(&format!("95 00 07 a161 9105 {behind}"));
    }
    for member in [
        "a673747265616d c3",
        "a673747265616d 91 05",
        "a673747265616d 93 05 05 05",
        "a673747265616d 92 05 ce80000000",
        "a673747265616d 92 ff 05",
        "a473656e64 01",
        "a8646561646c696e65 ff",
        "a8646561646c696e65 cb3ff0000000000000",
        "a8646561646c696e65 cf0020000000000000",
        "a56465707468 ce80000000",
        "a57472616365 05",
        "a57472616365 a1ff",
        "a36b6579 c0",
    ] {
        refused(&format!("95 00 07 a161 9105 81 {member}"));
    }
    refused("96 00 07 a161 9105 80 80");
    refused("95 00 07 a161 05 80");
    refused("95 00 07 05 9105 80");
    let alone = |input: &str| show(&open().decoder.decode(frame(&bytes(input))));
    assert_eq!(alone("94 02 a161 9105 80"), "nothing");
    assert_eq!(alone("95 00 c0 a161 9105 80"), "nothing");
}
