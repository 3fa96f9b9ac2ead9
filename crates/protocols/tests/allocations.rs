//! Small messages are read and written without a single allocation.
//!
//! One test only: another one beside it would allocate meanwhile.
#![cfg(all(feature = "jsonrpc", feature = "msgpack"))]

use std::{alloc::System, time::Duration};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tinyrpc_protocols::{
    Allowance, Chunk, Codec, Credit, FrameRef, Id, JsonRpc, Lane, Limits, Message, Meta,
    MsgPackRpc, PayloadRef, Protocol, Scan, StreamEnd, StreamItem, Way,
};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn small_messages_allocate_nothing() {
    let text = "a-text-id";
    for id in [Id::Number(7), Id::Number(2_012_345_678), Id::Text(text.into())] {
        exchange(&JsonRpc, &id, b"[2,3]", b"5");
    }
    for id in [Id::Number(7), Id::Number(2_012_345_678)] {
        exchange(&MsgPackRpc, &id, b"\x92\x02\x03", b"\x05");
    }
}

/// Calls and their answers, there and back, and all that the extension says about one.
fn exchange(protocol: &dyn Protocol, id: &Id<'_>, params: &[u8], result: &[u8]) {
    let mut codec = protocol.open(&Limits::default());
    assert_eq!(fewest(|| round(&mut codec, id, params, result)), (0, 0));
    let value = PayloadRef { bytes: result, block: None, format: codec.profile.format };
    for message in extension(id, value) {
        // What is base64 in the message has to be somewhere else.
        let owned = matches!(message, Message::Chunk(_)) && protocol.name() == "jsonrpc";
        let expected = (if owned { 10 } else { 0 }, 0);
        assert_eq!(fewest(|| told(&mut codec, &message)), expected, "{message:?}");
    }
    assert_eq!(fewest(|| streamed(&mut codec, id, params)), (10, 0), "one for what is beside it");
}

/// The thread that waits for this test allocates a little at a time of its own.
fn fewest(mut count: impl FnMut() -> (usize, usize)) -> (usize, usize) {
    (0..3).map(|_| count()).min().expect("three counts")
}

/// How many allocations and reallocations it takes.
fn counted(mut what: impl FnMut(&mut Vec<u8>)) -> (usize, usize) {
    let mut out = Vec::with_capacity(1024);
    let region = Region::new(GLOBAL);
    for _ in 0..10 {
        out.clear();
        what(&mut out);
    }
    let change = region.change();
    (change.allocations, change.reallocations)
}

fn round(codec: &mut Codec, id: &Id<'_>, params: &[u8], result: &[u8]) -> (usize, usize) {
    counted(|out| {
        assert!(codec.encoder.request(out, Some(id), "add", params).is_ok());
        codec.encoder.terminate(out);
        let Scan::Frame { start, end, .. } = codec.decoder.find(out) else { panic!("no frame") };
        match codec.decoder.decode(frame(&out[start..end])) {
            Ok(Message::Request(request)) => assert_eq!(request.id.as_ref(), Some(id)),
            other => panic!("{other:?}"),
        }
        out.clear();
        codec.encoder.begin_result(out, id);
        out.extend_from_slice(result);
        codec.encoder.end_result(out, id);
        codec.encoder.terminate(out);
        // Alone in its frame, as on a transport of messages.
        match codec.decoder.decode(frame(out)) {
            Ok(Message::Response(response)) => assert_eq!(&response.id, id),
            other => panic!("{other:?}"),
        }
    })
}

/// The messages of the extension.
fn extension<'f>(id: &Id<'f>, value: PayloadRef<'f>) -> Vec<Message<'f>> {
    let more = Allowance { items: 16, bytes: 65_536 };
    let mut messages = vec![
        Message::Stop(id.clone()),
        Message::Cancel(id.clone()),
        Message::Chunk(Chunk { message: 5, last: true, bytes: b"some bytes"[..].into() }),
        Message::Window(65_536),
    ];
    for way in [Way::ToCaller, Way::ToCallee] {
        let id = id.clone();
        messages.extend([
            Message::StreamItem(StreamItem { id: id.clone(), way, value, meta: None }),
            Message::Credit(Credit { id: id.clone(), way, more, meta: None }),
            Message::StreamEnd(StreamEnd { id: id.clone(), way, outcome: Ok(()), meta: None }),
        ]);
    }
    messages
}

fn told(codec: &mut Codec, message: &Message<'_>) -> (usize, usize) {
    counted(|out| {
        assert!(codec.encoder.message(out, message).is_ok());
        codec.encoder.terminate(out);
        let Scan::Frame { start, end, .. } = codec.decoder.find(out) else { panic!("no frame") };
        match codec.decoder.decode(frame(&out[start..end])) {
            Ok(Message::Unknown) | Err(_) => panic!("it was not read again: {message:?}"),
            Ok(_) => {}
        }
    })
}

/// A request for a stream.
fn streamed(codec: &mut Codec, id: &Id<'_>, params: &[u8]) -> (usize, usize) {
    let meta = Meta {
        stream: Some(Allowance { items: 32, bytes: 131_072 }),
        sends: true,
        deadline: Some(Duration::from_secs(60)),
        depth: 1,
        ..Meta::default()
    };
    counted(|out| {
        assert!(codec.encoder.request_with(out, Some(id), "count", params, &meta).is_ok());
        codec.encoder.terminate(out);
        let Scan::Frame { start, end, .. } = codec.decoder.find(out) else { panic!("no frame") };
        match codec.decoder.decode(frame(&out[start..end])) {
            Ok(Message::Request(request)) => assert_eq!(request.meta.as_deref(), Some(&meta)),
            other => panic!("{other:?}"),
        }
    })
}

fn frame(bytes: &[u8]) -> FrameRef<'_> {
    FrameRef { lane: Lane::DUPLEX, bytes, block: None }
}
