//! Frames from a stream of bytes, in pieces of any size.

use super::{Limits, Protocol, Scan, bytes, frame, open, read};
use crate::{Message, MsgPackRpc};

/// Whatever the pieces are, the same is seen.
#[track_caller]
fn check(stream: &str, expected: &[&str]) {
    let stream = bytes(stream);
    for step in [usize::MAX / 2, 1, 2, 3, 7, 64] {
        assert_eq!(read(&mut open(), &stream, step), expected, "in pieces of {step}");
    }
}

const CALL: &str = "94 00 01 a161 92 01 02";
const CALLED: &str = r#"call Number(1) "a" 920102"#;

#[test]
fn messages_delimit_themselves() {
    check(&CALL.repeat(3), &[CALLED; 3]);
    check(&format!("{CALL} 940501c0c0 {CALL}"), &[CALLED, "Unknown", CALLED]);
    check(&format!("{CALL} 930002a161 {CALL}"), &[CALLED, "-32600 2", CALLED]);
    check(&format!("{CALL} 90 {CALL}"), &[CALLED, "nothing", CALLED]);
    check("94 00 01 a161 92 01", &[]);
    check("", &[]);
    let long = format!("94 00 01 a161 91 c60001ffff {}", "c1".repeat(0x1ffff));
    let seen = read(&mut open(), &bytes(&long), 1000);
    assert!(seen.len() == 1 && seen[0].starts_with("call Number(1)"));
}

#[test]
fn what_cannot_be_followed_ends_the_stream() {
    for bad in ["94 00 c1", "94 00 01 a161 91 c1", "c1", "c0", "05", "a161", "81a16101", "0a"] {
        check(&format!("{CALL} {bad} {CALL}"), &[CALLED, "lost"]);
        check(&format!("{bad} {CALL}"), &["lost"]);
    }
    check(&"91".repeat(1_000), &["lost"]);
    check("94 00 01 a161 91 dd000186a1", &["lost"]);
    check("94 00 01 a161 df80000000", &["lost"]);
    check("94 00 01 a161 91 dbffffffff", &["lost"]);
}

/// The text of an HTTP request is a row of small numbers in MessagePack; the calls in its body must
/// not be found.
#[test]
fn http_requests_execute_nothing() {
    let request = b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let stream = [request.as_slice(), &bytes(CALL)].concat();
    for step in [usize::MAX / 2, 1] {
        assert_eq!(read(&mut open(), &stream, step), ["lost"]);
    }
}

#[test]
fn nothing_is_found_behind_the_end() {
    let mut codec = open();
    assert!(matches!(codec.decoder.find(b"\xc0"), Scan::Bad { error: None, fatal: true, .. }));
    let call = bytes(CALL);
    assert!(matches!(codec.decoder.find(&call), Scan::Bad { error: None, fatal: true, .. }));
}

#[test]
fn a_message_over_the_limit_is_fatal() {
    let limits = Limits::smallest();
    let message = |length: u16| {
        let mut message = bytes("94 00 01 a161 91 c5");
        message.extend_from_slice(&(length - 9).to_be_bytes());
        message.resize(length.into(), 0);
        message
    };
    for step in [usize::MAX / 2, 1, 100] {
        let seen =
            read(&mut MsgPackRpc.open(&limits), &[message(512), message(512)].concat(), step);
        assert_eq!(seen.len(), 2);
        assert!(seen.iter().all(|seen| seen.starts_with("call")));
        let seen =
            read(&mut MsgPackRpc.open(&limits), &[message(512), message(513)].concat(), step);
        assert_eq!(seen[1..], ["-32600"]);
    }
    // It is told as soon as its size was announced.
    let mut codec = MsgPackRpc.open(&limits);
    assert!(matches!(codec.decoder.find(&message(513)[..9]), Scan::Bad { fatal: true, .. }));
}

/// Who found a frame has judged its size: what came in chunks may be larger.
#[test]
fn the_limit_is_not_for_frames_that_came_in_chunks() {
    let limits = Limits { max_message: 512, ..Limits::default() };
    for length in [513, 70_000] {
        let mut message = bytes("94 01 07 c0 c6");
        message.extend_from_slice(&(length as u32).to_be_bytes());
        message.resize(message.len() + length, 0);
        let mut codec = MsgPackRpc.open(&limits);
        assert!(matches!(codec.decoder.decode(frame(&message)), Ok(Message::Response(_))));
    }
}

/// Frames that waited elsewhere are decoded between `find` and `decode`, and those were not scanned.
#[test]
fn only_its_own_frame_is_not_scanned_again() {
    let mut codec = open();
    let call = bytes(CALL);
    let mut cut = call.clone();
    cut[3] = 0xa9;
    assert!(matches!(codec.decoder.find(&call), Scan::Frame { .. }));
    assert!(codec.decoder.decode(frame(&cut)).is_err());
    assert!(codec.decoder.decode(frame(&call)).is_ok());
    // In the middle of a message, too.
    assert!(matches!(codec.decoder.find(&call[..5]), Scan::Need(_)));
    assert!(codec.decoder.decode(frame(&call)).is_ok());
    assert!(codec.decoder.decode(frame(&cut)).is_err());
    assert!(matches!(codec.decoder.find(&call), Scan::Frame { end: 8, .. }));
    assert!(matches!(codec.decoder.decode(frame(&call)), Ok(Message::Request(_))));
}
