//! The short way to decode a sequence says what the long one says, or nothing.

use std::{fmt, marker::PhantomData};

use serde::Deserialize;
use serde::de::{SeqAccess, Visitor};
use serde_json::Value;

use crate::Format;

struct Pair<A, B>(PhantomData<(A, B)>);

impl<'de, A: Deserialize<'de>, B: Deserialize<'de>> Visitor<'de> for Pair<A, B> {
    type Value = Option<(A, B)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pair")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
        Ok(seq.next_element()?.zip(seq.next_element()?))
    }
}

fn short<'de, A: Deserialize<'de>, B: Deserialize<'de>>(
    format: Format,
    bytes: &'de [u8],
) -> Option<(A, B)> {
    format.decode_sequence(bytes, 2..=2, || Pair(PhantomData)).flatten()
}

#[test]
fn pairs_are_read() {
    assert_eq!(short(Format::Json, b"[2,3]"), Some((2, 3)));
    assert_eq!(short(Format::Json, br#"[2, "x"]"#), Some((2, "x")));
    assert_eq!(short(Format::MsgPack, b"\x92\x02\x03"), Some((2, 3)));
    assert_eq!(short(Format::MsgPack, b"\x92\xd1\xff\x00\xa1x"), Some((-256, "x")));
    assert_eq!(short(Format::MsgPack, b"\x92\xc0\x03"), Some((None::<u8>, Some(3))));
}

#[test]
fn everything_else_is_left_to_the_long_way() {
    let json: [&[u8]; 13] = [
        b"",
        b"2",
        b"{}",
        b"null",
        b"[",
        b"[]",
        b"[2]",
        b"[2,3",
        b"[2,3,4]",
        b"[2,3]4",
        b"[2,]",
        b"[2,x]",
        br#"["x",3]"#,
    ];
    for text in json {
        assert_eq!(short::<i64, i64>(Format::Json, text), None, "{text:?}");
    }
    let msgpack: [&[u8]; 11] = [
        b"",
        b"\x02",
        b"\x82\x02\x03\x02\x03",
        b"\xc0",
        b"\x92",
        b"\x90",
        b"\x91\x02",
        b"\x92\x02",
        b"\x93\x02\x03\x04",
        b"\x92\x02\x03\xc0",
        b"\x92\xa1x\x03",
    ];
    for bytes in msgpack {
        assert_eq!(short::<i64, i64>(Format::MsgPack, bytes), None, "{bytes:x?}");
    }
}

#[test]
fn nesting_ends_where_it_ends_the_long_way() {
    for level in [&b"\x91"[..], b"\x81\xa1x"] {
        for levels in [1, 40, 62, 63, 64, 65, 1000] {
            let bytes = [b"\x92\x02", &level.repeat(levels)[..], b"\x03"].concat();
            let long = Format::MsgPack.decode::<(i64, Value)>(&bytes).ok();
            assert_eq!(short(Format::MsgPack, &bytes), long, "{levels} of {level:x?}");
        }
    }
    for levels in [1, 125, 126, 127, 128, 1000] {
        let text = format!("[2,{}{}]", "[".repeat(levels), "]".repeat(levels));
        let long = Format::Json.decode::<(i64, Value)>(text.as_bytes()).ok();
        assert_eq!(short(Format::Json, text.as_bytes()), long, "{levels}");
    }
}
