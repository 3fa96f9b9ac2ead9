//! One JSON message in a frame of its own.

use tinyrpc_core::{Format, FrameRef, Lane, Limits, Protocol, Scan};
use tinyrpc_protocols::JsonRpc;

use super::{bounds, frame, said::Said, stream::written_again, values};

/// A frame, as a transport of messages or a framing hands it over.
pub(crate) fn json_envelope(data: &[u8]) {
    for limits in bounds() {
        let said = Said::read(&mut *JsonRpc.open(&limits).decoder, frame(data));
        found_or_not(&limits, data, &said);
        on_a_lane(&limits, data, &said);
        if let Said::Call { params: bytes, .. } | Said::Result { bytes, .. } = &said
            && !bytes.is_empty()
        {
            values::opened(Format::Json, bytes);
        }
        written_again(&JsonRpc, said);
    }
    like_serde_json(data);
}

/// A frame that was found in a stream says the same as one that came whole, and ends at the same
/// byte when its bytes come one by one.
fn found_or_not(limits: &Limits, data: &[u8], said: &Said) {
    let mut codec = JsonRpc.open(limits);
    let Scan::Frame { start, end, .. } = codec.decoder.find(data) else { return };
    let (found, rest) = data.split_at(end);
    let found = &found[start..];
    if rest.iter().all(u8::is_ascii_whitespace) && !rest.contains(&0x0c) {
        assert_eq!(&Said::read(&mut *codec.decoder, frame(found)), said);
    }
    let mut codec = JsonRpc.open(limits);
    for taken in 1..end {
        // A number ends where something follows that is no part of it.
        assert!(matches!(codec.decoder.find(&data[..taken]), Scan::Need(_)), "{taken} of {end}");
    }
    let Scan::Frame { start: slow, end: slowly, .. } = codec.decoder.find(data) else {
        panic!("a frame of {end} bytes is none byte by byte")
    };
    assert_eq!((slow, slowly), (start, end));
}

/// In an exchange a message means the same; but it never ends the connection, which others share.
fn on_a_lane(limits: &Limits, data: &[u8], said: &Said) {
    let frame = FrameRef { lane: Lane(7), bytes: data, block: None };
    let on_a_lane = Said::read(&mut *JsonRpc.open(limits).decoder, frame);
    match (said, on_a_lane) {
        (Said::Wrong { code, message, .. }, Said::Wrong { code: c, message: m, answer }) => {
            assert_eq!((*code, message), (c, &m));
            assert!(!matches!(answer, super::said::Answered::Close(_)));
        }
        (said, on_a_lane) => assert_eq!(said, &on_a_lane),
    }
}

/// What is JSON for us is JSON for serde_json, and the other way round.
fn like_serde_json(data: &[u8]) {
    let limits = Limits { max_values: u32::MAX, ..Limits::default() };
    let said = Said::read(&mut *JsonRpc.open(&limits).decoder, frame(data));
    let ours = match &said {
        Said::Wrong { code: -32700, .. } => false,
        // It was not looked at to its end.
        Said::Wrong { message, .. } if message.contains("limit `max_") => return,
        _ => true,
    };
    match serde_json::from_slice::<serde_json::Value>(data) {
        // Limits of its numbers and of its stack, not of the grammar.
        Err(error) if error.to_string().contains("out of range") => {}
        Err(error) if error.to_string().contains("recursion limit") => {}
        theirs => assert_eq!(ours, theirs.is_ok(), "{said:?}, {theirs:?}"),
    }
}
