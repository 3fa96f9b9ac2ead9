//! Small messages are read and written without a single allocation.
//!
//! One test only: another one beside it would allocate meanwhile.
#![cfg(all(feature = "jsonrpc", feature = "msgpack"))]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tinyrpc_protocols::{
    Codec, FrameRef, Id, JsonRpc, Lane, Limits, Message, MsgPackRpc, Protocol, Scan,
};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn small_messages_allocate_nothing() {
    let text = "a-text-id";
    for id in [Id::Number(7), Id::Number(2_012_345_678), Id::Text(text.into())] {
        exchange(JsonRpc.open(&Limits::default()), &id, b"[2,3]", b"5");
    }
    for id in [Id::Number(7), Id::Number(2_012_345_678)] {
        exchange(MsgPackRpc.open(&Limits::default()), &id, b"\x92\x02\x03", b"\x05");
    }
}

/// Calls and their answers, there and back.
fn exchange(mut codec: Codec, id: &Id<'_>, params: &[u8], result: &[u8]) {
    // The thread that waits for this test allocates a little at a time of its own.
    let rounds = [(); 3].map(|()| round(&mut codec, id, params, result));
    assert_eq!(rounds.into_iter().min(), Some((0, 0)));
}

/// How many allocations and reallocations it takes.
fn round(codec: &mut Codec, id: &Id<'_>, params: &[u8], result: &[u8]) -> (usize, usize) {
    let mut out = Vec::with_capacity(1024);
    let region = Region::new(GLOBAL);
    for _ in 0..10 {
        out.clear();
        assert!(codec.encoder.request(&mut out, Some(id), "add", params).is_ok());
        codec.encoder.terminate(&mut out);
        let Scan::Frame { start, end, .. } = codec.decoder.find(&out) else { panic!("no frame") };
        match codec.decoder.decode(frame(&out[start..end])) {
            Ok(Message::Request(request)) => assert_eq!(request.id.as_ref(), Some(id)),
            other => panic!("{other:?}"),
        }
        out.clear();
        codec.encoder.begin_result(&mut out, id);
        out.extend_from_slice(result);
        codec.encoder.end_result(&mut out, id);
        codec.encoder.terminate(&mut out);
        // Alone in its frame, as on a transport of messages.
        match codec.decoder.decode(frame(&out)) {
            Ok(Message::Response(response)) => assert_eq!(&response.id, id),
            other => panic!("{other:?}"),
        }
    }
    let change = region.change();
    (change.allocations, change.reallocations)
}

fn frame(bytes: &[u8]) -> FrameRef<'_> {
    FrameRef { lane: Lane::DUPLEX, bytes, block: None }
}
