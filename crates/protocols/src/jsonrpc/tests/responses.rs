//! Responses, whole and odd.

use super::{Id, decode, frame, open};
use crate::{Message, Response};

#[track_caller]
fn check(input: &str, expected: &str) {
    assert_eq!(decode(input.as_bytes()), expected, "{input}");
}

#[test]
fn results() {
    check(r#"{"jsonrpc":"2.0","id":1,"result":5}"#, "ok 1 5");
    check(r#"{"jsonrpc":"2.0","result":null,"id":1}"#, "ok 1 null");
    check(r#"{"jsonrpc":"2.0","result":{"a":[1]},"id":"x","extra":1}"#, r#"ok "x" {"a":[1]}"#);
    check(r#"{"id":null,"result":"text","jsonrpc":"2.0"}"#, r#"ok null "text""#);
}

/// Peers of 1.x answer so, and some of 2.0.
#[test]
fn results_beside_errors() {
    let cases = [
        (r#"{"result":5,"error":null,"id":1}"#, "ok 1 5"),
        (r#"{"result":null,"error":null,"id":1}"#, "ok 1 null"),
        (r#"{"id":"x","result":[1]}"#, r#"ok "x" [1]"#),
        (r#"{"jsonrpc":"2.0","result":1,"error":null,"id":1}"#, "ok 1 1"),
        (r#"{"result":null,"error":"no","id":1}"#, r#"error 1 "no (code -32000)" None"#),
        (r#"{"id":1,"error":{"code":7,"message":"no"}}"#, r#"error 1 "no (code 7)" None"#),
        (r#"{"result":null,"error":"","id":1}"#, r#"error 1 " (code -32000)" None"#),
        (r#"{"result":null,"error":0,"id":1}"#, r#"error 1 "0 (code -32000)" None"#),
        (r#"{"result":null,"error":false,"id":1}"#, r#"error 1 "false (code -32000)" None"#),
        (
            r#"{"jsonrpc":"2.0","error":{"code":7,"message":"no"},"result":null,"id":1}"#,
            r#"error 1 "no (code 7)" None"#,
        ),
    ];
    for (input, expected) in cases {
        check(input, expected);
    }
}

#[test]
fn what_is_no_response_is_never_answered() {
    for input in [
        r#"{"jsonrpc":"2.0","result":1}"#,
        r#"{"jsonrpc":"2.0","result":1,"error":"no","id":1}"#,
        r#"{"result":0,"error":0,"id":1}"#,
        r#"{"jsonrpc":"1.0","result":1,"id":1}"#,
        r#"{"jsonrpc":null,"result":1,"id":1}"#,
        r#"{"result":1,"result":1,"error":null,"id":1}"#,
        r#"{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}"#,
        r#"{"jsonrpc":"2.0","result":1,"id":{}}"#,
    ] {
        check(input, "nothing");
    }
}

#[test]
fn errors() {
    let cases = [
        (r#"{"code":-32601,"message":"no"}"#, r#""no (code -32601)" None"#),
        (r#"{"message":"no\n","code":1,"data":[1, 2]}"#, r#""no\n (code 1)" Some("[1, 2]")"#),
        (r#"{"code":1,"message":"","data":null}"#, r#"" (code 1)" Some("null")"#),
        (r#""bare \u0041""#, r#""bare A (code -32000)" None"#),
        (r#"{"message":"x"}"#, r#""x (code -32000)" None"#),
        (r#"{"code":"7","message":"x"}"#, r#""x (code -32000)" None"#),
        (r#"{"code":1.5,"message":"x"}"#, r#""x (code -32000)" None"#),
        (r#"{"code":99999999999999999999,"message":"x"}"#, r#""x (code -32000)" None"#),
        (r#"{"code":7}"#, r#""{\"code\":7} (code 7)" None"#),
        (r#"{"code":7,"message":[1]}"#, r#""{\"code\":7,\"message\":[1]} (code 7)" None"#),
        ("null", r#""null (code -32000)" None"#),
        ("5", r#""5 (code -32000)" None"#),
        ("[1,2]", r#""[1,2] (code -32000)" None"#),
    ];
    for (error, expected) in cases {
        let input = format!(r#"{{"jsonrpc":"2.0","error":{error},"id":1}}"#);
        check(&input, &format!("error 1 {expected}"));
    }
}

#[test]
fn a_long_odd_error_is_cut() {
    let input = format!(r#"{{"jsonrpc":"2.0","id":1,"error":["{}"]}}"#, "é".repeat(10_000));
    let mut codec = open();
    let Ok(Message::Response(response)) = codec.decoder.decode(frame(input.as_bytes())) else {
        panic!("no response")
    };
    let Response { id: Id::Number(1), outcome: Err(error), .. } = response else {
        panic!("another response: {response:?}")
    };
    assert_eq!(error.message.chars().count(), 256);
}
