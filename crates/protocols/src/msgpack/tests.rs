//! What messages are read from bytes, and what bytes are written for messages.

mod encoding;
mod envelope;
mod errors;
mod extension;
mod properties;
mod stream;

use tinyrpc_core::{
    Answer, Codec, FrameRef, Id, Invalid, Lane, Limits, Message, Protocol, Request, Response, Scan,
};

use super::MsgPackRpc;

fn open() -> Codec {
    MsgPackRpc.open(&Limits::default())
}

fn frame(bytes: &[u8]) -> FrameRef<'_> {
    FrameRef { lane: Lane::DUPLEX, bytes, block: None }
}

/// Bytes from their hexadecimal digits.
#[track_caller]
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .chars()
        .filter(|char| !char.is_whitespace())
        .map(|char| char.to_digit(16).expect("a hexadecimal digit") as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All that a stream holds, one line for each thing found; fed in pieces of `step` bytes.
fn read(codec: &mut Codec, stream: &[u8], step: usize) -> Vec<String> {
    let mut seen = Vec::new();
    let mut start = 0;
    let mut end = 0;
    let mut wanted = 0;
    while end < stream.len() {
        end = stream.len().min(end + step);
        while start < end {
            let buffer = &stream[start..end];
            match codec.decoder.find(buffer) {
                Scan::Need(missing) => {
                    assert_ne!(missing, 0);
                    wanted = end + missing;
                    break;
                }
                Scan::Skip(_) => panic!("nothing stands between messages"),
                Scan::Frame { start: from, end: to, consumed } => {
                    assert!(end >= wanted, "fewer bytes were enough");
                    assert!(from <= to && to <= consumed && consumed <= buffer.len());
                    seen.push(show(&codec.decoder.decode(frame(&buffer[from..to]))));
                    start += consumed;
                    wanted = 0;
                }
                Scan::Bad { error, fatal, .. } => {
                    assert!(fatal);
                    seen.push(error.map_or_else(|| "lost".into(), |error| error.code.to_string()));
                    return seen;
                }
            }
        }
    }
    seen
}

fn show(message: &Result<Message<'_>, Invalid<'_>>) -> String {
    match message {
        Ok(Message::Request(Request { id, method, params, .. })) => {
            let id = id.as_ref().map_or_else(|| "notify".into(), |id| format!("call {id:?}"));
            format!("{id} {method:?} {}", hex(params.bytes))
        }
        Ok(Message::Response(Response { id, outcome, .. })) => match outcome {
            Ok(result) => format!("ok {id:?} {}", hex(result.bytes)),
            Err(error) => format!("error {id:?} {error}"),
        },
        Ok(other) => format!("{other:?}"),
        Err(Invalid { error, answer }) => match answer {
            Answer::Error(Id::Number(id)) => format!("{} {id}", error.code),
            Answer::Nothing => "nothing".into(),
            other => format!("{other:?}"),
        },
    }
}
