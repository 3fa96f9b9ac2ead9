//! The bytes that are written.

use super::{Id, open};
use crate::{BatchPart, Message, RpcError};

#[track_caller]
fn check(write: impl FnOnce(&dyn crate::Encoder, &mut Vec<u8>), expected: &str) {
    let mut out = b"before ".to_vec();
    write(&*open().encoder, &mut out);
    assert_eq!(String::from_utf8_lossy(&out), format!("before {expected}"));
}

fn request(id: Option<Id<'_>>, method: &str, params: &str) -> String {
    let mut out = Vec::new();
    let encoder = open().encoder;
    assert!(encoder.request(&mut out, id.as_ref(), method, params.as_bytes()).is_ok());
    String::from_utf8(out).expect("JSON is text")
}

#[test]
fn requests() {
    assert_eq!(
        request(Some(Id::Number(7)), "add", "[1,2]"),
        r#"{"jsonrpc":"2.0","id":7,"method":"add","params":[1,2]}"#
    );
    assert_eq!(request(None, "note", ""), r#"{"jsonrpc":"2.0","method":"note"}"#);
    assert_eq!(
        request(None, "note", r#"{"a":1}"#),
        r#"{"jsonrpc":"2.0","method":"note","params":{"a":1}}"#
    );
    assert_eq!(
        request(Some(Id::Number(1)), "a\"\\\n\r\t\u{1}\u{7f}é\u{1f600}", ""),
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\\"\\\\\\n\\r\\t\\u0001\u{7f}é\u{1f600}\"}"
    );
    let long = "m".repeat(1000);
    assert_eq!(
        request(Some(Id::Number(1)), &long, "[]"),
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{long}","params":[]}}"#)
    );
}

#[test]
fn results() {
    let ids = [
        (Id::Null, "null"),
        (Id::Negative(-5), "-5"),
        (Id::Text("a\"b".into()), r#""a\"b""#),
        (Id::Token(b"-0".as_slice().into()), "-0"),
        (Id::Number(u64::MAX), "18446744073709551615"),
    ];
    for (id, shown) in ids {
        check(
            |encoder, out| {
                encoder.begin_result(out, &id);
                out.extend_from_slice(b"true");
                encoder.end_result(out, &id);
                encoder.terminate(out);
            },
            &format!("{{\"jsonrpc\":\"2.0\",\"id\":{shown},\"result\":true}}\n"),
        );
    }
}

#[test]
fn numbers() {
    let edges = (0..20).map(|power| 10_u64.pow(power));
    for edge in edges.chain([0, 9, 12_345_678, 987_654_321, 1 << 31, 1 << 53, u64::MAX]) {
        for number in [edge.wrapping_sub(1), edge, edge.wrapping_add(1), edge / 7 * 3] {
            check(
                |encoder, out| encoder.begin_result(out, &Id::Number(number)),
                &format!(r#"{{"jsonrpc":"2.0","id":{number},"result":"#),
            );
        }
    }
}

#[test]
fn errors() {
    let write = |error: RpcError, expected: &str| {
        check(|encoder, out| encoder.error(out, &Id::Number(1234567890), &error), expected);
    };
    write(
        RpcError::new(-32601, "no \"such\" method"),
        r#"{"jsonrpc":"2.0","id":1234567890,"error":{"code":-32601,"message":"no \"such\" method"}}"#,
    );
    write(
        RpcError::new(i64::MIN, "").with_data(("a", 1)),
        r#"{"jsonrpc":"2.0","id":1234567890,"error":{"code":-9223372036854775808,"message":"","data":["a",1]}}"#,
    );
    // Data that JSON cannot say is left out.
    write(
        RpcError::new(5, "x").with_data(f64::NAN),
        r#"{"jsonrpc":"2.0","id":1234567890,"error":{"code":5,"message":"x"}}"#,
    );
    check(
        |encoder, out| encoder.error(out, &Id::Null, &RpcError::server("y")),
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"y"}}"#,
    );
}

#[test]
fn batches() {
    check(
        |encoder, out| {
            encoder.batch(out, BatchPart::Begin);
            out.push(b'1');
            encoder.batch(out, BatchPart::Between);
            out.push(b'2');
            encoder.batch(out, BatchPart::End);
        },
        "[1,2]",
    );
}

#[test]
fn what_json_rpc_cannot_say_is_refused() {
    let mut out = Vec::new();
    assert!(open().encoder.message(&mut out, &Message::Unknown).is_err());
    assert!(out.is_empty());
}
