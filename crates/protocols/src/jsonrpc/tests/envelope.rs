//! Requests, and what is taken for one: which answer each gets.

use super::{Limits, Protocol, decode, frame, open, show};
use crate::JsonRpc;

#[track_caller]
fn check(input: &str, expected: &str) {
    assert_eq!(decode(input.as_bytes()), expected, "alone: {input}");
    // As a member of a batch it must mean the same, unless it is no object or no JSON.
    if input.starts_with('{') && !expected.starts_with("-32700") {
        assert_eq!(decode(format!("[{input}]").as_bytes()), format!("[{expected}]"), "{input}");
    }
}

/// A request with one of its members in place of the usual one, or without it.
#[track_caller]
fn check_members(members: &[&str], expected: &str) {
    check(&format!("{{{}}}", members.join(",")), expected);
}

const VERSION: &str = r#""jsonrpc":"2.0""#;
const METHOD: &str = r#""method":"add""#;
const PARAMS: &str = r#""params":[1,2]"#;
const ID: &str = r#""id":1"#;

#[test]
fn requests() {
    check_members(&[VERSION, ID, METHOD, PARAMS], r#"call 1 "add" [1,2]"#);
    check_members(&[PARAMS, METHOD, ID, VERSION], r#"call 1 "add" [1,2]"#);
    check_members(&[VERSION, METHOD, PARAMS], r#"notify "add" [1,2]"#);
    check_members(&[VERSION, METHOD], r#"notify "add" "#);
    check_members(&[VERSION, ID, METHOD], r#"call 1 "add" "#);
    check_members(&[VERSION, ID, METHOD, r#""params":{"a":1}"#], r#"call 1 "add" {"a":1}"#);
    check_members(&[VERSION, ID, METHOD, r#""params": [ 1 ] "#], r#"call 1 "add" [ 1 ]"#);
    check_members(&[VERSION, ID, METHOD, PARAMS, r#""x":[{}]"#], r#"call 1 "add" [1,2]"#);
    check_members(&[VERSION, ID, METHOD, r#""x":1,"x":2"#], r#"call 1 "add" "#);
}

#[test]
fn versions() {
    check_members(&[r#""jsonrpc":"\u0032.0""#, ID, METHOD], r#"call 1 "add" "#);
    for version in
        [r#""1.0""#, "2.0", "2", r#""2""#, r#""2.00""#, r#""2.0 ""#, "null", r#"["2.0"]"#]
    {
        let version = format!(r#""jsonrpc":{version}"#);
        check_members(&[&version, ID, METHOD, PARAMS], "-32600 1");
        check_members(&[&version, METHOD, PARAMS], "-32600 null");
        check_members(&[&version, ID, r#""result":1"#], "nothing");
    }
    check_members(&[ID, METHOD, PARAMS], "-32600 1");
    check_members(&[METHOD, PARAMS], "-32600 null");
    check_members(&[r#""JSONRPC":"2.0""#, ID, METHOD], "-32600 1");
}

#[test]
fn methods() {
    check_members(&[VERSION, ID], "-32600 1");
    check_members(&[VERSION], "-32600 null");
    check("{}", "-32600 null");
    check(r#"{"foo":"boo"}"#, "-32600 null");
    for method in ["1", "null", "true", r#"["add"]"#, r#"{"a":1}"#] {
        let method = format!(r#""method":{method}"#);
        check_members(&[VERSION, ID, &method, PARAMS], "-32600 1");
        check_members(&[VERSION, &method, PARAMS], "-32600 null");
    }
    check_members(&[VERSION, ID, r#""method":"""#], r#"call 1 "" "#);
    check_members(&[VERSION, ID, r#""m\u0065thod":"\u0061dd""#], r#"call 1 "add" "#);
    check_members(&[VERSION, ID, r#""method":"größe""#], r#"call 1 "größe" "#);
    check_members(&[VERSION, ID, r#""method":"\u001b\"\n""#], r#"call 1 "\u{1b}\"\n" "#);
    let most = "m".repeat(256);
    let (fits, over) = (format!(r#""method":"{most}""#), format!(r#""method":"{most}m""#));
    check_members(&[VERSION, ID, &fits], &format!("call 1 {most:?} "));
    check_members(&[VERSION, ID, &over], "-32600 1");
    check_members(&[VERSION, &over], "-32600 null");
    // The bytes of the name count, not those of its escapes.
    let escaped = format!(r#""method":"{}""#, r"\u006d".repeat(256));
    check_members(&[VERSION, ID, &escaped], &format!("call 1 {most:?} "));
    let escaped = format!(r#""method":"{}""#, r"\u00e9".repeat(129));
    check_members(&[VERSION, ID, &escaped], "-32600 1");
}

#[test]
fn params() {
    for params in [r#""bar""#, "5", "-1", "true"] {
        let params = format!(r#""params":{params}"#);
        check_members(&[VERSION, ID, METHOD, &params], "-32600 1");
        check_members(&[VERSION, METHOD, &params], "-32600 null");
    }
    check_members(&[VERSION, ID, METHOD, r#""params":null"#], "-32600 1");
    check_members(&[VERSION, METHOD, r#""params":null"#], r#"notify "add" "#);
}

#[test]
fn ids() {
    let good = [
        ("null", "null"),
        ("0", "0"),
        ("7", "7"),
        ("12345678", "12345678"),
        ("123456789", "123456789"),
        ("1234567890123456", "1234567890123456"),
        ("12345678901234567", "12345678901234567"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "t18446744073709551616"),
        ("1234567890123456789012345678901234567890", "t1234567890123456789012345678901234567890"),
        ("-1", "-1"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-9223372036854775809", "t-9223372036854775809"),
        ("-0", "t-0"),
        (r#""""#, r#""""#),
        (r#""1""#, r#""1""#),
        (r#""é b""#, r#""é b""#),
        (r#""\u0061\/""#, r#"t"\u0061\/""#),
    ];
    for (token, shown) in good {
        let id = format!(r#""id":{token}"#);
        // In the middle and at the very end, where fewer bytes can be looked at together.
        check_members(&[VERSION, &id, METHOD], &format!(r#"call {shown} "add" "#));
        check_members(&[VERSION, METHOD, &id], &format!(r#"call {shown} "add" "#));
        check_members(&[METHOD, &id], &format!("-32600 {shown}"));
        check_members(&[VERSION, &id, r#""result":1"#], &format!("ok {shown} 1"));
        check_members(&[VERSION, r#""result":1"#, &id], &format!("ok {shown} 1"));
    }
    let bad = ["1.5", "1.0", "1e2", "1E+2", "-1.0", "0.0", "1234567.5", "12345678901.5", "true"];
    for token in bad.into_iter().chain(["false", "[1]", "[]", "{}", r#"{"id":1}"#]) {
        let id = format!(r#""id":{token}"#);
        check_members(&[VERSION, &id, METHOD], "-32600 null");
        check_members(&[VERSION, METHOD, &id], "-32600 null");
        check_members(&[METHOD, &id], "-32600 null");
        check_members(&[VERSION, &id, r#""result":1"#], "nothing");
    }
    let most = "i".repeat(256);
    let (fits, over) = (format!(r#""id":"{most}""#), format!(r#""id":"{most}i""#));
    check_members(&[VERSION, &fits, METHOD], &format!("call {most:?} \"add\" "));
    check_members(&[VERSION, &over, METHOD], "-32600 null");
    let digits = format!(r#""id":{}"#, "1".repeat(1024));
    let shown = format!("call t{} \"add\" ", "1".repeat(1024));
    check_members(&[VERSION, &digits, METHOD], &shown);
}

#[test]
fn duplicates() {
    check_members(&[VERSION, VERSION, METHOD, ID], "-32600 1");
    check_members(&[VERSION, METHOD, METHOD, ID], "-32600 1");
    check_members(&[VERSION, METHOD, PARAMS, PARAMS, ID], "-32600 1");
    check_members(&[VERSION, METHOD, PARAMS, PARAMS], "-32600 null");
    check_members(&[VERSION, METHOD, ID, ID], "-32600 null");
    check_members(&[VERSION, METHOD, ID, METHOD, r#""id":2"#], "-32600 null");
    check_members(&[VERSION, METHOD, ID, r#""\u0069d":2"#], "-32600 null");
    check_members(&[VERSION, METHOD, r#""m\u0065thod":"x""#, ID], "-32600 1");
    check_members(&[VERSION, ID, r#""result":1"#, r#""result":1"#], "nothing");
    check_members(&[VERSION, ID, ID, r#""result":1"#], "nothing");
}

#[test]
fn requests_mixed_with_responses() {
    check_members(&[VERSION, ID, METHOD, r#""result":3"#], "-32600 1");
    check_members(&[VERSION, ID, METHOD, r#""error":null"#], "-32600 1");
    check_members(&[VERSION, METHOD, r#""result":3"#], "-32600 null");
}

#[test]
fn batches() {
    check("[]", "-32600 null");
    check(" [ ] ", "-32600 null");
    check("[1]", "[-32600 null]");
    check(
        "[1, -1.5, \"add\", null, true, [], [{}]]",
        "[-32600 null; -32600 null; -32600 null; -32600 null; -32600 null; -32600 null; -32600 null]",
    );
    check(
        r#" [ {"jsonrpc":"2.0","method":"a","id":1} , {"jsonrpc":"2.0","method":"b"}, {"foo":1},
            {"jsonrpc":"2.0","result":2,"id":3}, {"jsonrpc":"2.0","method":1,"id":"x"} ] "#,
        r#"[call 1 "a" ; notify "b" ; -32600 null; ok 3 2; -32600 "x"]"#,
    );
    check(&format!("[{}1]", "1,".repeat(100)), "-32600 null");
    assert_eq!(decode(format!("[{}1]", "1,".repeat(99)).as_bytes()).matches("null").count(), 100);
}

#[test]
fn frames_that_are_no_message() {
    for text in ["", " \n", "{", r#"{"a"#, "hello", "[1,]", "{}{}", "{}x", "\u{feff}{}", "[1] 2"] {
        check(text, "-32700 null");
    }
    for text in ["1", " -1.5e3 ", "\"add\"", "null", "true", "false"] {
        check(text, "-32600 null");
    }
    check(&format!("{}{}", "[".repeat(65), "]".repeat(65)), "-32600 null");
    check(&"[".repeat(1_000_000), "-32600 null");
    check(&format!("[{}1]", "1,".repeat(100_000)), "-32600 null");
    check(&format!("[{}]", "1".repeat(1025)), "-32600 null");
    assert_eq!(decode(b"[\"\xff\"]"), "-32700 null");
}

#[test]
fn limits_are_named() {
    let limits = Limits::smallest();
    let told = |text: &str| {
        let mut codec = JsonRpc.open(&limits);
        match codec.decoder.decode(frame(text.as_bytes())) {
            Err(invalid) => invalid.error.message.into_owned(),
            Ok(message) => panic!("{message:?}"),
        }
    };
    let cases = [
        ("[[[[[]]]]]", "`max_depth` of 4"),
        (&format!("[{}1]", "1,".repeat(32)), "`max_values` of 32"),
        (&format!("[{}]", "1".repeat(33)), "`max_digits` of 32"),
        ("[1,2]", "`max_batch` of 1"),
        (r#"{"jsonrpc":"2.0","method":"12345678901234567"}"#, "`max_method` of 16"),
        (r#"{"jsonrpc":"2.0","method":"a","id":"12345678901234567"}"#, "`max_id` of 16"),
    ];
    for (text, expected) in cases {
        let told = told(text);
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn http_request_lines_end_a_stream_of_lines() {
    for line in ["POST / HTTP/1.1", "\tGET / HTTP/1.0", "M-SEARCH * HTTP/1.1", "PRI * HTTP/2.0"] {
        check(line, "-32700 null close");
    }
    for line in ["POST", "post / HTTP/1.1", "Post / HTTP/1.1", " hello", "POST\t/ HTTP/1.1"] {
        check(line, "-32700 null");
    }
    // One datagram, one HTTP body must not end the exchanges of others.
    let alone = crate::FrameRef { lane: crate::Lane(7), ..frame(b"POST / HTTP/1.1") };
    assert_eq!(show(&open().decoder.decode(alone)), "-32700 null");
}
