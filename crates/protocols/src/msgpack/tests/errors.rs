//! What a caller is told, whatever a peer sends as an error.

use super::{bytes, frame, hex, open};
use crate::{Message, RpcError};

#[track_caller]
fn error(value: &str) -> RpcError {
    let message = bytes(&format!("94 01 01 {value} c0"));
    let mut codec = open();
    match codec.decoder.decode(frame(&message)) {
        Ok(Message::Response(response)) => response.outcome.expect_err("it is an error"),
        other => panic!("{value}: {other:?}"),
    }
}

#[track_caller]
fn check(value: &str, code: i64, message: &str, data: Option<&str>) {
    let error = error(value);
    assert_eq!((error.code.0, &*error.message), (code, message), "{value}");
    let kept = error.payload().map(|data| hex(&data.bytes));
    assert_eq!(kept.as_deref(), data, "{value}");
}

#[test]
fn texts() {
    for text in ["a3626164", "d903626164", "da0003626164", "c403626164"] {
        check(text, -32000, "bad", None);
    }
}

#[test]
fn codes_and_messages() {
    // tinyrpc, and ourselves.
    check("92 d180a7 a3626164", -32601, "bad", None);
    check("92 d18300 a0", -32000, "", None);
    check("92 d18300 c403626164", -32000, "bad", None);
    check("93 d18300 a3626164 9101", -32000, "bad", Some("9101"));
    check("93 05 a3626164 c0", 5, "bad", Some("c0"));
    check("dc0002 d37fffffffffffffff a3626164", i64::MAX, "bad", None);
    // Neovim.
    check("92 00 ae56696d3a45343932206572726f72", 0, "Vim:E492 error", None);
    check("92 01 ae496e76616c6964206d6574686f64", 1, "Invalid method", None);
    // A map of the same names, in any order.
    check("82 a4636f6465 07 a76d657373616765 a3626164", 7, "bad", None);
    check("83 a464617461 9102 a76d657373616765 a3626164 a4636f6465 ff", -1, "bad", Some("9102"));
    check("82 a76d657373616765 a3626164 01 02", -32000, "bad", None);
}

#[test]
fn everything_else_keeps_its_value() {
    let cases = [
        ("a0", "an error without a text"),
        ("a2fffe", "\u{fffd}\u{fffd}"),
        ("2a", "error 42"),
        ("00", "error 0"),
        ("d0d6", "error -42"),
        ("cfffffffffffffffff", "error 18446744073709551615"),
        ("c2", "error false"),
        ("c3", "error true"),
        ("cb3ff8000000000000", "an error of 9 bytes"),
        ("90", "an error that is an array of 1 bytes"),
        ("92a161a162", "an error that is an array of 5 bytes"),
        ("94 01 a162 c0 c0", "an error that is an array of 6 bytes"),
        ("92 cfffffffffffffffff a162", "an error that is an array of 12 bytes"),
        ("92 01 a2fffe", "an error that is an array of 5 bytes"),
        ("80", "an error that is a map of 1 bytes"),
        ("81a4636f646501", "an error that is a map of 7 bytes"),
        ("82a4636f6465a131a76d657373616765a162", "an error that is a map of 18 bytes"),
        ("d40001", "an error of 3 bytes"),
    ];
    for (value, message) in cases {
        check(value, -32000, message, Some(&value.replace(' ', "")));
    }
    let long = format!("db00001000{}", "ff".repeat(4096));
    assert_eq!(error(&long).message.chars().count(), 256);
}

#[test]
fn an_error_wins_over_a_result() {
    let message = bytes("94 01 01 a3626164 05");
    let mut codec = open();
    let Ok(Message::Response(response)) = codec.decoder.decode(frame(&message)) else {
        panic!("no response")
    };
    assert!(response.outcome.is_err());
}
