//! What messages are read from bytes, and what bytes are written for messages.

mod encoding;
mod envelope;
mod extension;
mod old;
mod properties;
mod responses;
mod stream;

use tinyrpc_core::{
    Answer, Codec, FrameRef, Id, Invalid, Lane, Limits, Message, Protocol, Request, Response, Scan,
};

use super::JsonRpc;

fn open() -> Codec {
    JsonRpc.open(&Limits::default())
}

fn frame(bytes: &[u8]) -> FrameRef<'_> {
    FrameRef { lane: Lane::DUPLEX, bytes, block: None }
}

/// One frame, decoded and shown.
fn decode(bytes: &[u8]) -> String {
    show(&open().decoder.decode(frame(bytes)))
}

/// All that a stream holds, one line for each thing found; fed in pieces of `step` bytes.
fn read(codec: &mut Codec, stream: &[u8], step: usize) -> Vec<String> {
    let mut seen = Vec::new();
    let mut start = 0;
    let mut end = 0;
    while end < stream.len() {
        end = stream.len().min(end + step);
        while start < end {
            let buffer = &stream[start..end];
            match codec.decoder.find(buffer) {
                Scan::Need(missing) => {
                    assert_ne!(missing, 0);
                    break;
                }
                Scan::Skip(count) => {
                    assert_ne!(count, 0);
                    start += count;
                }
                Scan::Frame { start: from, end: to, consumed } => {
                    assert!(from <= to && to <= consumed && consumed <= buffer.len());
                    seen.push(show(&codec.decoder.decode(frame(&buffer[from..to]))));
                    start += consumed;
                }
                Scan::Bad { consumed, error, fatal } => {
                    let code =
                        error.map_or_else(|| "silent".into(), |error| error.code.to_string());
                    seen.push(format!("bad {code}"));
                    if fatal {
                        seen.push("fatal".into());
                        return seen;
                    }
                    assert_ne!(consumed, 0);
                    start += consumed;
                }
            }
        }
    }
    seen
}

fn show(message: &Result<Message<'_>, Invalid<'_>>) -> String {
    match message {
        Ok(Message::Request(Request { id, method, params, .. })) => {
            let id =
                id.as_ref().map_or_else(|| "notify".into(), |id| format!("call {}", show_id(id)));
            format!("{id} {method:?} {}", String::from_utf8_lossy(params.bytes))
        }
        Ok(Message::Response(Response { id, outcome, .. })) => match outcome {
            Ok(result) => format!("ok {} {}", show_id(id), String::from_utf8_lossy(result.bytes)),
            Err(error) => {
                let data = error.payload().map(|data| String::from_utf8_lossy(&data.bytes));
                format!("error {} {:?} {data:?}", show_id(id), error.to_string())
            }
        },
        Ok(Message::Batch(members)) => {
            let members: Vec<_> = members.iter().map(show).collect();
            format!("[{}]", members.join("; "))
        }
        Ok(other) => format!("{other:?}"),
        Err(Invalid { error, answer }) => match answer {
            Answer::Error(id) => format!("{} {}", error.code, show_id(id)),
            Answer::Close(id) => format!("{} {} close", error.code, show_id(id)),
            Answer::Nothing => "nothing".into(),
            other => format!("{other:?}"),
        },
    }
}

/// An id with its kind: a number as it is, a text in quotes, a token behind a `t`.
fn show_id(id: &Id<'_>) -> String {
    match id {
        Id::Null => "null".into(),
        Id::Number(number) => number.to_string(),
        Id::Negative(number) => number.to_string(),
        Id::Text(text) => format!("{text:?}"),
        Id::Token(token) => format!("t{}", String::from_utf8_lossy(token)),
        other => format!("{other:?}"),
    }
}
