//! Frames from a stream of bytes, in pieces of any size.

use super::{Limits, Protocol, Scan, open, read};
use crate::{FrameRef, JsonRpc, Lane, Message};

/// Whatever the pieces are, the same is seen.
#[track_caller]
fn check(stream: impl AsRef<[u8]>, expected: &[&str]) {
    let stream = stream.as_ref();
    for step in [usize::MAX / 2, 1, 2, 3, 7, 64] {
        assert_eq!(
            read(&mut open(), stream, step),
            expected,
            "in pieces of {step}: {}",
            String::from_utf8_lossy(&stream[..stream.len().min(200)])
        );
    }
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"a"}"#;
const CALLED: &str = r#"call 1 "a" "#;

#[test]
fn values_delimit_themselves() {
    check(format!("{CALL}\n{CALL}\n"), &[CALLED, CALLED]);
    check(format!(" \r\n\t{CALL}{CALL} \n\n {CALL}"), &[CALLED, CALLED, CALLED]);
    check(format!("[{CALL},\n {CALL}]\n"), &[&format!("[{CALLED}; {CALLED}]")]);
    check(CALL.replace(',', "\n,\r\n "), &[CALLED]);
    check(" \n\t\r", &[]);
    check(&CALL[..CALL.len() - 1], &[]);
}

#[test]
fn scalars_are_answered() {
    check("1 null\n\"a\"\ntrue ", &["-32600 null"; 4]);
}

#[test]
fn after_a_syntax_error() {
    check(format!("[1,]{CALL}\n"), &["bad -32700"]);
    check(format!("[1,]\n{CALL}\n"), &["bad -32700", CALLED]);
    check(format!("[1,]\n[,]\n}}\n{CALL}"), &["bad -32700", "bad silent", "bad silent", CALLED]);
    check(
        format!("[1,]\n{CALL}\n[1,]\n{{}}[1,]\n"),
        &["bad -32700", CALLED, "bad -32700", "-32600 null", "bad -32700"],
    );
    // The rest of a bad message of many lines: texts and numbers in it are not answered.
    check(
        "{\"a\":1,\n \"b\":[,],\n \"c\":1}\n1\n\"x\"\n[1,]\n",
        &["bad -32700", "bad silent", "bad silent"],
    );
    check(format!("{CALL}}}\n{CALL}"), &[CALLED, "bad -32700", CALLED]);
    check(b"[\"\xff\"] {}\n{}", &["bad -32700", "-32600 null"]);
    check("[1\n,]", &["bad -32700"]);
    check("x\n", &["bad -32700"]);
}

#[test]
fn limits_skip_one_value() {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    check(format!("{deep}{CALL}{deep}\n{CALL}"), &["bad -32600", CALLED, "bad -32600", CALLED]);
    let digits = "1".repeat(1025);
    check(format!("[{digits}]{CALL}"), &["bad -32600", CALLED]);
    let limits = Limits::smallest();
    let values = format!("[{}1]{CALL}", "1,".repeat(40));
    for step in [usize::MAX / 2, 1, 5] {
        let seen = read(&mut JsonRpc.open(&limits), values.as_bytes(), step);
        assert_eq!(seen, ["bad -32600", CALLED]);
    }
}

#[test]
fn a_message_over_the_limit_is_fatal() {
    let limits = Limits::smallest();
    let message = |length: usize| {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"a","x":""#;
        format!("{call}{}\"}}\n", "y".repeat(length - call.len() - 2))
    };
    for step in [usize::MAX / 2, 1, 100] {
        let mut codec = JsonRpc.open(&limits);
        let stream = message(512) + &message(512);
        assert_eq!(read(&mut codec, stream.as_bytes(), step), [CALLED, CALLED]);
        let stream = message(512) + &message(513) + &message(512);
        assert_eq!(read(&mut codec, stream.as_bytes(), step), [CALLED, "bad -32600", "fatal"]);
        let endless = "[".repeat(10_000);
        let seen = read(&mut JsonRpc.open(&limits), endless.as_bytes(), step);
        assert_eq!(seen, ["bad -32600", "fatal"]);
    }
}

#[test]
fn http_request_lines_are_fatal() {
    let request = format!("POST / HTTP/1.1\r\nHost: x\r\n\r\n{CALL}\n");
    check(&request, &["bad -32700", "fatal"]);
    check(format!("\r\n {request}"), &["bad -32700", "fatal"]);
    check(format!("{CALL}\n{request}"), &[CALLED, "bad -32700", "fatal"]);
    check(format!("[1,]\n{request}"), &["bad -32700", "bad silent", "fatal"]);
    check(format!("x: y\r\n{request}"), &["bad -32700", "bad silent", "fatal"]);
    // Words that are no method, or not yet known to be one.
    check(format!("TRUE\n{CALL}"), &["bad -32700", CALLED]);
    check(format!("{}\n{CALL}", "A".repeat(100)), &["bad -32700", CALLED]);
    check("POST", &[]);
}

#[test]
fn nothing_is_found_behind_the_end() {
    let mut codec = open();
    assert!(matches!(
        codec.decoder.find(b"GET / \r\n"),
        Scan::Bad { error: Some(_), fatal: true, .. }
    ));
    let call = CALL.as_bytes();
    assert!(matches!(codec.decoder.find(call), Scan::Bad { error: None, fatal: true, .. }));
}

/// Frames that waited elsewhere are decoded between `find` and `decode`: none may be mistaken for
/// another one of the same length.
#[test]
fn an_outline_is_used_for_its_own_frame_only() {
    let mut codec = open();
    let found = br#"{"jsonrpc":"2.0","id":1,"method":"abc"}"#;
    let other = br#"{"jsonrpc":"2.0","method":"xyz","id":2}"#;
    assert_eq!(found.len(), other.len());
    let frame = |bytes| FrameRef { lane: Lane::DUPLEX, bytes, block: None };
    for order in [[&found[..], other], [other, found]] {
        assert!(matches!(codec.decoder.find(found), Scan::Frame { .. }));
        for bytes in order {
            let Ok(Message::Request(request)) = codec.decoder.decode(frame(bytes)) else {
                panic!("no request")
            };
            assert_eq!(request.method, if bytes == found { "abc" } else { "xyz" });
        }
    }
}

#[test]
fn decoding_between_two_pieces_changes_nothing() {
    let mut codec = open();
    let (first, _) = CALL.split_at(20);
    assert!(matches!(codec.decoder.find(first.as_bytes()), Scan::Need(_)));
    let frame = |bytes| FrameRef { lane: Lane::DUPLEX, bytes, block: None };
    assert!(codec.decoder.decode(frame(CALL.as_bytes())).is_ok());
    assert!(codec.decoder.decode(frame(b"[1,]")).is_err());
    assert!(matches!(codec.decoder.find(CALL.as_bytes()), Scan::Frame { end: 37, .. }));
    assert!(codec.decoder.decode(frame(CALL.as_bytes())).is_ok());
}
