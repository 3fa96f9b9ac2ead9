//! The vectors of the tinyrpc extension, `tests/data/extensions.json`: read as they mean, and written
//! as they are.
#![cfg(all(feature = "jsonrpc", feature = "msgpack"))]

use std::{fs, path::Path};

use serde_json::{Map, Value, json};
use tinyrpc_protocols::{
    Allowance, Answer, Chunk, Codec, Credit, Encoder, Format, FrameRef, Id, Invalid, JsonRpc, Lane,
    Limits, Message, Meta, MsgPackRpc, PayloadRef, Protocol, Request, Response, RpcError, Scan,
    StreamEnd, StreamItem, Way,
};

#[test]
fn messages_are_read_and_written_as_they_are() {
    for vector in vectors("same", 70) {
        let (mut codec, bytes) = (open(&vector), bytes(&vector, &vector["bytes"]));
        let decoded = codec.decoder.decode(frame(&bytes));
        assert_eq!(meaning(&decoded), vector["meaning"], "{vector}");
        let message = decoded.expect("it has a meaning");
        let mut out = Vec::new();
        write(&*codec.encoder, &mut out, &message);
        assert_eq!(shown(&vector, &out), shown(&vector, &bytes), "{vector}");
        in_a_stream(&vector, &bytes, &vector["meaning"]);
    }
}

#[test]
fn other_forms_are_read() {
    for vector in vectors("read", 17) {
        let bytes = bytes(&vector, &vector["bytes"]);
        let meant = meaning(&open(&vector).decoder.decode(frame(&bytes)));
        assert_eq!(meant, vector["meaning"], "{vector}");
        in_a_stream(&vector, &bytes, &meant);
    }
}

#[test]
fn malformed_messages_are_ignored_or_refused() {
    for vector in vectors("malformed", 45) {
        let bytes = bytes(&vector, &vector["bytes"]);
        let mut codec = open(&vector);
        let decoded = codec.decoder.decode(frame(&bytes));
        if vector["then"] == "ignored" {
            let silent = match &decoded {
                Ok(Message::Unknown) => true,
                Err(Invalid { answer, .. }) => matches!(answer, Answer::Nothing),
                Ok(_) => false,
            };
            assert!(silent, "{vector} {decoded:?}");
        } else {
            let Err(Invalid { error, answer: Answer::Error(to) }) = &decoded else {
                panic!("{vector} {decoded:?}")
            };
            assert_eq!(vector["then"], error.code.0, "{vector}");
            assert_eq!(vector["id"], id(to), "{vector}");
        }
        let meant = meaning(&decoded);
        in_a_stream(&vector, &bytes, &meant);
    }
}

#[test]
fn chunks_are_parts_of_a_message() {
    for vector in vectors("chunked", 2) {
        let whole = bytes(&vector, &vector["bytes"]);
        let mut codec = open(&vector);
        let mut parts = Vec::new();
        let chunks = vector["chunks"].as_array().expect("a list");
        for (at, part) in chunks.iter().enumerate() {
            let bytes = bytes(&vector, part);
            let Ok(Message::Chunk(chunk)) = codec.decoder.decode(frame(&bytes)) else {
                panic!("no chunk: {part}")
            };
            assert_eq!((chunk.message, chunk.last), (5, at + 1 == chunks.len()), "{part}");
            parts.extend_from_slice(&chunk.bytes);
        }
        assert_eq!(shown(&vector, &parts), shown(&vector, &whole));
        let request = meaning(&codec.decoder.decode(frame(&parts)));
        assert_eq!((&request["message"], &request["id"]), (&json!("request"), &json!(7)));
    }
}

/// Each message of the specification and each member is there, in both protocols.
#[test]
fn nothing_is_missing() {
    let all = vectors("same", 70);
    for protocol in ["json", "msgpack"] {
        let meant = all.iter().filter(|vector| vector["protocol"] == protocol);
        let meant: Vec<_> = meant.map(|vector| &vector["meaning"]).collect();
        let kinds = ["item", "send", "close", "credit", "grant", "stop", "cancel", "chunk"];
        for kind in kinds.into_iter().chain(["window", "request", "response"]) {
            assert!(meant.iter().any(|meaning| meaning["message"] == kind), "{protocol} {kind}");
        }
        for member in ["stream", "send", "deadline", "depth", "trace", "key"] {
            let has = |meaning: &&&Value| meaning["rpc"].get(member).is_some();
            assert!(meant.iter().find(has).is_some(), "{protocol} {member}");
        }
        assert!(meant.iter().any(|meaning| meaning["method"] == "rpc.hello"), "{protocol}");
    }
}

fn vectors(kind: &str, at_least: usize) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/extensions.json");
    let text = fs::read_to_string(path).expect("the vectors");
    let mut all: Value = serde_json::from_str(&text).expect("JSON");
    let Value::Array(vectors) = all[kind].take() else { panic!("no vectors that are {kind}") };
    assert!(vectors.len() >= at_least);
    vectors
}

fn open(vector: &Value) -> Codec {
    match vector["protocol"].as_str() {
        Some("json") => JsonRpc.open(&Limits::default()),
        Some("msgpack") => MsgPackRpc.open(&Limits::default()),
        other => panic!("no protocol: {other:?}"),
    }
}

/// The bytes of a message: a text of JSON, or hexadecimal digits.
fn bytes(vector: &Value, text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("a text");
    if vector["protocol"] == "json" {
        return text.as_bytes().to_vec();
    }
    let digits: Vec<_> = text.chars().filter(|char| *char != ' ').collect();
    let digit = |at: usize| digits[at].to_digit(16).expect("a hexadecimal digit") as u8;
    (0..digits.len() / 2).map(|at| digit(2 * at) << 4 | digit(2 * at + 1)).collect()
}

fn shown(vector: &Value, bytes: &[u8]) -> String {
    match vector["protocol"] == "json" {
        true => String::from_utf8_lossy(bytes).into_owned(),
        false => hex(bytes),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn frame(bytes: &[u8]) -> FrameRef<'_> {
    FrameRef { lane: Lane::DUPLEX, bytes, block: None }
}

/// The same meaning in a stream, where the bytes come one by one, and another message behind.
fn in_a_stream(vector: &Value, bytes: &[u8], expected: &Value) {
    let stream = [bytes, bytes].concat();
    let mut codec = open(vector);
    let mut start = 0;
    let mut seen = 0;
    for end in 1..=stream.len() {
        match codec.decoder.find(&stream[start..end]) {
            Scan::Need(_) => {}
            Scan::Frame { start: from, end: to, consumed } => {
                let found = frame(&stream[start..end][from..to]);
                assert_eq!(&meaning(&codec.decoder.decode(found)), expected, "{vector}");
                start += consumed;
                seen += 1;
            }
            other => panic!("{vector} {other:?}"),
        }
    }
    assert_eq!((seen, start), (2, stream.len()), "{vector}");
}

/// What a message says, in the words of the vectors.
fn meaning(decoded: &Result<Message<'_>, Invalid<'_>>) -> Value {
    let message = match decoded {
        Ok(message) => message,
        Err(invalid) => return json!({"message": "none", "why": invalid.error.to_string()}),
    };
    match message {
        Message::Request(request) => called(request),
        Message::Response(Response { id: to, outcome, .. }) => match outcome {
            Ok(result) => json!({"message": "response", "id": id(to), "result": value(*result)}),
            Err(error) => json!({"message": "response", "id": id(to), "error": failure(error)}),
        },
        Message::Batch(members) => members.iter().map(meaning).collect(),
        Message::StreamItem(StreamItem { id: of, way, value: payload, .. }) => {
            let kind = either(*way, "item", "send");
            json!({"message": kind, "id": id(of), "value": value(*payload)})
        }
        Message::StreamEnd(StreamEnd { id: of, way: Way::ToCallee, outcome, .. }) => {
            let error = outcome.as_ref().map_or_else(failure, |()| Value::Null);
            json!({"message": "close", "id": id(of), "error": error})
        }
        Message::Credit(Credit { id: of, way, more, .. }) => {
            let kind = either(*way, "credit", "grant");
            json!({"message": kind, "id": id(of), "items": more.items, "bytes": more.bytes})
        }
        Message::Stop(of) => json!({"message": "stop", "id": id(of)}),
        Message::Cancel(of) => json!({"message": "cancel", "id": id(of)}),
        Message::Chunk(Chunk { message, last, bytes }) => {
            json!({"message": "chunk", "number": message, "last": last, "bytes": hex(bytes)})
        }
        Message::Window(bytes) => json!({"message": "window", "bytes": bytes}),
        Message::Unknown => json!({"message": "ignored"}),
        other => panic!("neither protocol can say {other:?}"),
    }
}

fn called(request: &Request<'_>) -> Value {
    let mut said = Map::new();
    let kind = if request.id.is_some() { "request" } else { "notification" };
    said.insert("message".into(), kind.into());
    if let Some(of) = &request.id {
        said.insert("id".into(), id(of));
    }
    said.insert("method".into(), (*request.method).into());
    if !request.params.is_absent() {
        said.insert("params".into(), value(request.params));
    }
    if let Some(meta) = request.meta.as_deref().filter(|meta| **meta != Meta::default()) {
        said.insert("rpc".into(), companions(meta));
    }
    Value::Object(said)
}

fn companions(meta: &Meta) -> Value {
    let mut said = Map::new();
    let mut say = |name: &str, value: Value| said.insert(name.into(), value);
    if let Some(Allowance { items, bytes }) = meta.stream {
        say("stream", json!([items, bytes]));
    }
    if meta.sends {
        say("send", true.into());
    }
    if let Some(deadline) = meta.deadline {
        say("deadline", json!(deadline.as_millis() as u64));
    }
    if meta.depth > 0 {
        say("depth", meta.depth.into());
    }
    if let Some(trace) = &meta.trace {
        say("trace", trace.as_str().into());
    }
    if let Some(key) = &meta.idempotency_key {
        say("key", key.as_str().into());
    }
    Value::Object(said)
}

fn either(way: Way, caller: &'static str, callee: &'static str) -> &'static str {
    match way {
        Way::ToCaller => caller,
        Way::ToCallee => callee,
    }
}

fn id(id: &Id<'_>) -> Value {
    match id {
        Id::Null => Value::Null,
        Id::Number(number) => (*number).into(),
        Id::Negative(number) => (*number).into(),
        Id::Text(text) => (**text).into(),
        other => panic!("no vector has such an id: {other:?}"),
    }
}

fn value(payload: PayloadRef<'_>) -> Value {
    payload.decode().expect("a value")
}

fn failure(error: &RpcError) -> Value {
    let mut said = json!({"code": error.code.0, "message": error.message});
    if let Some(data) = error.payload() {
        said["data"] = value(data.as_ref());
    }
    said
}

/// Writes a message as a session does.
fn write(encoder: &dyn Encoder, out: &mut Vec<u8>, message: &Message<'_>) {
    match message {
        Message::Request(Request { id, method, params, meta, .. }) => {
            let meta = meta.as_deref().cloned().unwrap_or_default();
            let id = id.as_ref();
            encoder.request_with(out, id, method, params.bytes, &meta).expect("it is sayable");
        }
        Message::Response(Response { id, outcome, .. }) => match outcome {
            // The end of a stream is the same response.
            Ok(result) if Format::is_null(result.format, result.bytes) => {
                let (id, way) = (id.clone(), Way::ToCaller);
                let end = StreamEnd { id, way, outcome: Ok(()), meta: None };
                encoder.message(out, &Message::StreamEnd(end)).expect("it is sayable");
            }
            Ok(result) => {
                encoder.begin_result(out, id);
                out.extend_from_slice(result.bytes);
                encoder.end_result(out, id);
            }
            Err(error) => encoder.error(out, id, error),
        },
        other => encoder.message(out, other).expect("it is sayable"),
    }
}
