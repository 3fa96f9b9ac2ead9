//! The bytes that are written.

use super::{Id, Limits, Protocol, bytes, hex, open};
use crate::{Encoder, Message, MsgPackRpc, RpcError};

#[track_caller]
fn check(write: impl FnOnce(&dyn Encoder, &mut Vec<u8>), expected: &str) {
    let mut out = vec![0xee];
    write(&*open().encoder, &mut out);
    assert_eq!(hex(&out[1..]), hex(&bytes(expected)));
}

#[track_caller]
fn check_request(id: Option<u64>, method: &str, params: &str, expected: &str) {
    let id = id.map(Id::Number);
    check(
        |encoder, out| {
            assert!(encoder.request(out, id.as_ref(), method, &bytes(params)).is_ok());
        },
        expected,
    );
}

#[test]
fn requests() {
    check_request(Some(1), "add", "920102", "94 00 01 a3616464 920102");
    check_request(None, "add", "920102", "93 02 a3616464 920102");
    check_request(Some(1), "add", "", "94 00 01 a3616464 90");
    check_request(Some(1), "add", "81a16101", "94 00 01 a3616464 91 81a16101");
    check_request(Some(1), "add", "de0000", "94 00 01 a3616464 91 de0000");
    check_request(Some(1), "add", "df00000000", "94 00 01 a3616464 91 df00000000");
    check_request(Some(1), "add", "dc0000", "94 00 01 a3616464 dc0000");
    let name = |length: usize| ("m".repeat(length), "6d".repeat(length));
    for (length, head) in [(31, "bf"), (32, "d920"), (255, "d9ff"), (256, "da0100")] {
        let (text, shown) = name(length);
        check_request(Some(1), &text, "90", &format!("94 00 01 {head}{shown} 90"));
    }
    let (text, shown) = name(65_536);
    check_request(Some(1), &text, "90", &format!("94 00 01 db00010000{shown} 90"));
}

#[test]
fn ids() {
    let ids = [
        (Id::Number(0), "00"),
        (Id::Number(127), "7f"),
        (Id::Number(128), "cc80"),
        (Id::Number(255), "ccff"),
        (Id::Number(256), "cd0100"),
        (Id::Number(65_535), "cdffff"),
        (Id::Number(65_536), "ce00010000"),
        (Id::Number(u32::MAX.into()), "ceffffffff"),
        (Id::Number(1 << 32), "cf0000000100000000"),
        (Id::Number(u64::MAX), "cfffffffffffffffff"),
        // None of these is an id of this protocol.
        (Id::Negative(-1), "ff"),
        (Id::Text("a".into()), "a161"),
        (Id::Binary(b"a".as_slice().into()), "c40161"),
        (Id::Token(b"\x91\x05".as_slice().into()), "9105"),
    ];
    for (id, shown) in ids {
        check(|encoder, out| encoder.begin_result(out, &id), &format!("94 01 {shown} c0"));
        check(
            |encoder, out| encoder.error(out, &id, &RpcError::new(5, "x")),
            &format!("94 01 {shown} 92 05 a178 c0"),
        );
        check(
            |encoder, out| assert!(encoder.request(out, Some(&id), "m", &[]).is_ok()),
            &format!("94 00 {shown} a16d 90"),
        );
    }
    check(|encoder, out| encoder.begin_result(out, &Id::Null), "94 01 c0 c0");
    check(|encoder, out| encoder.error(out, &Id::Null, &RpcError::server("x")), "");
}

#[test]
fn errors() {
    let codes = [
        (0, "00"),
        (127, "7f"),
        (200, "ccc8"),
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0df"),
        (-128, "d080"),
        (-129, "d1ff7f"),
        (-32601, "d180a7"),
        (-32768, "d18000"),
        (-32769, "d2ffff7fff"),
        (i64::MIN, "d38000000000000000"),
        (i64::MAX, "cf7fffffffffffffff"),
    ];
    for (code, shown) in codes {
        check(
            |encoder, out| encoder.error(out, &Id::Number(1), &RpcError::new(code, "x")),
            &format!("94 01 01 92 {shown} a178 c0"),
        );
    }
    let error = RpcError::new(5, "x").with_data(("a", 1));
    check(
        |encoder, out| encoder.error(out, &Id::Number(1), &error),
        "94 01 01 93 05 a178 92a16101 c0",
    );
}

#[test]
fn old_peers_get_raw_texts() {
    let old = MsgPackRpc::old().open(&Limits::default()).encoder;
    for (length, head) in [(31, "bf"), (32, "da0020"), (255, "da00ff"), (256, "da0100")] {
        let (text, shown) = ("m".repeat(length), "6d".repeat(length));
        let mut out = Vec::new();
        assert!(old.request(&mut out, None, &text, &[]).is_ok());
        assert_eq!(hex(&out), format!("9302{head}{shown}90"));
        out.clear();
        old.error(&mut out, &Id::Number(1), &RpcError::new(5, text));
        assert_eq!(hex(&out), format!("9401019205{head}{shown}c0"));
    }
}

#[test]
fn what_messagepack_rpc_cannot_say_is_refused() {
    let mut out = Vec::new();
    assert!(open().encoder.message(&mut out, &Message::Unknown).is_err());
    assert!(out.is_empty());
}
