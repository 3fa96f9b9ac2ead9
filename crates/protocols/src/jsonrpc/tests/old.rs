//! JSON-RPC 1.x: what its requests mean, and what is written.

use tinyrpc_core::{Codec, Id, Limits, Message, Protocol, Request};

use super::{frame, show};
use crate::{BatchPart, Encoder, JsonRpc1, RpcError};

fn open() -> Codec {
    JsonRpc1.open(&Limits::default())
}

#[track_caller]
fn check(input: &str, expected: &str) {
    assert_eq!(show(&open().decoder.decode(frame(input.as_bytes()))), expected, "{input}");
}

#[test]
fn requests() {
    let cases = [
        (r#"{"method":"add","id":1,"params":[2,3]}"#, r#"call 1 "add" [2,3]"#),
        (r#"{"method":"add","id":1}"#, r#"call 1 "add" "#),
        (r#"{"method":"add","id":1,"params":null}"#, r#"call 1 "add" "#),
        (r#"{"method":"add","id":"x","params":{"a":1}}"#, r#"call "x" "add" {"a":1}"#),
        (r#"{"method":"add","params":[1]}"#, r#"notify "add" [1]"#),
        (r#"{"method":"add","params":[1],"id":null}"#, r#"notify "add" [1]"#),
        (r#"{"jsonrpc":"2.0","method":"add","id":7}"#, r#"call 7 "add" "#),
        (r#"{"jsonrpc":"1.0","method":"add","id":7}"#, r#"call 7 "add" "#),
        (r#"[{"method":"a","id":1},{"method":"b"}]"#, r#"[call 1 "a" ; notify "b" ]"#),
        (r#"{"result":5,"error":null,"id":1}"#, "ok 1 5"),
        (r#"{"jsonrpc":"2.0","result":5,"id":1}"#, "ok 1 5"),
        (r#"{"result":null,"error":"no","id":1}"#, r#"error 1 "no (code -32000)" None"#),
    ];
    for (input, expected) in cases {
        check(input, expected);
    }
}

#[test]
fn what_is_no_request() {
    let cases = [
        (r#"{"method":5,"id":1}"#, "-32600 1"),
        (r#"{"id":1}"#, "-32600 1"),
        (r#"{"method":"a","id":1.5}"#, "-32600 null"),
        (r#"{"method":"a","id":1,"params":5}"#, "-32600 1"),
        (r#"{"method":"a","id":1,"params":[],"kwparams":[]}"#, "-32600 1"),
        (r#"{"method":"a","id":1,"kwparams":{},"kwpar\u0061ms":{}}"#, "-32600 1"),
        (r#"{"method":"a","method":"a","id":1}"#, "-32600 1"),
        (r#"{"method":"a","id":1,"result":5}"#, "-32600 1"),
        ("[]", "-32600 null"),
        ("{bad json}", "-32700 null"),
    ];
    for (input, expected) in cases {
        check(input, expected);
    }
}

#[test]
fn params_of_both_kinds() {
    let named = |input: &str| {
        let mut codec = open();
        match codec.decoder.decode(frame(input.as_bytes())) {
            Ok(Message::Request(Request { params, named, .. })) => {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                (text(params.bytes), named.map(|named| text(named.bytes)))
            }
            other => panic!("{other:?}"),
        }
    };
    let both = named(r#"{"method":"kw","id":4,"params":[1,2],"kwparams":{"x":3}}"#);
    assert_eq!(both, ("[1,2]".into(), Some(r#"{"x":3}"#.into())));
    assert_eq!(named(r#"{"method":"kw","id":4,"other":[1]}"#), (String::new(), None));
    // 2.0 knows no such member.
    let input = br#"{"jsonrpc":"2.0","method":"kw","id":4,"params":[1,2],"kwparams":{"x":3}}"#;
    let mut codec = super::open();
    let Ok(Message::Request(request)) = codec.decoder.decode(frame(input)) else { panic!() };
    assert!(request.named.is_none());
}

#[track_caller]
fn wrote(write: impl FnOnce(&dyn Encoder, &mut Vec<u8>), expected: &str) {
    let mut out = b"before ".to_vec();
    write(&*open().encoder, &mut out);
    assert_eq!(String::from_utf8_lossy(&out), format!("before {expected}"));
}

#[test]
fn requests_are_written() {
    let cases = [
        (Some(1), "[2,3]", r#"{"method":"a\"b","params":[2,3],"id":1}"#),
        (Some(1), "", r#"{"method":"a\"b","params":[],"id":1}"#),
        (None, r#"{"a":1}"#, r#"{"method":"a\"b","params":{"a":1},"id":null}"#),
    ];
    for (id, params, expected) in cases {
        let id = id.map(Id::Number);
        wrote(
            |encoder, out| {
                assert!(encoder.request(out, id.as_ref(), "a\"b", params.as_bytes()).is_ok());
            },
            expected,
        );
    }
}

#[test]
fn answers_are_written() {
    for (id, shown) in [(Id::Number(7), "7"), (Id::Text("x".into()), r#""x""#), (Id::Null, "null")]
    {
        wrote(
            |encoder, out| {
                encoder.begin_result(out, &id);
                out.extend_from_slice(b"[5]");
                encoder.end_result(out, &id);
                encoder.terminate(out);
            },
            &format!("{{\"result\":[5],\"error\":null,\"id\":{shown}}}\n"),
        );
    }
    let errors = [
        (RpcError::server("it\nfailed"), r#""it\nfailed""#),
        (RpcError::new(17, "no"), r#"{"code":17,"message":"no"}"#),
        (
            RpcError::server("no").with_data(("a", 1)),
            r#"{"code":-32000,"message":"no","data":["a",1]}"#,
        ),
    ];
    for (error, shown) in errors {
        wrote(
            |encoder, out| encoder.error(out, &Id::Number(1), &error),
            &format!(r#"{{"result":null,"error":{shown},"id":1}}"#),
        );
    }
}

#[test]
fn answers_to_an_array_are_lines() {
    wrote(
        |encoder, out| {
            encoder.batch(out, BatchPart::Begin);
            encoder.error(out, &Id::Number(1), &RpcError::server("a"));
            encoder.batch(out, BatchPart::Between);
            encoder.error(out, &Id::Number(2), &RpcError::server("b"));
            encoder.batch(out, BatchPart::End);
        },
        concat!(
            r#"{"result":null,"error":"a","id":1}"#,
            "\n",
            r#"{"result":null,"error":"b","id":2}"#
        ),
    );
}

#[test]
fn what_it_cannot_say_is_refused() {
    let mut out = Vec::new();
    assert!(open().encoder.message(&mut out, &Message::Unknown).is_err());
    assert!(out.is_empty());
}
