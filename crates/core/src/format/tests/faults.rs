//! What is refused, and in which words.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer};

use super::*;

#[test]
fn values_that_cannot_be_encoded_leave_no_trace() {
    struct Broken;
    impl fmt::Display for Broken {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    #[derive(Serialize)]
    struct Refuses {
        fine: u8,
        #[serde(serialize_with = "refuse")]
        field: (),
    }
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    fn refuse<S: serde::Serializer>((): &(), _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not today"))
    }
    struct Collected;
    impl Serialize for Collected {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&Broken)
        }
    }
    for format in BOTH {
        let mut out = b"before".to_vec();
        let error = format.encode(&Refuses { fine: 1, field: () }, &mut out).expect_err("refused");
        assert_eq!((error.kind(), error.message()), (Kind::Encode, "not today"));
        assert_eq!(out, b"before");
    }
    // serde_json would panic.
    let error = Json.encode(&Collected, &mut Vec::new()).expect_err("a broken Display");
    assert_eq!(error.message(), "a Display implementation returned an error");
    let error = Json.encode(&HashMap::from([((1, 2), 3)]), &mut Vec::new()).expect_err("a pair");
    assert_eq!(error.message(), "key must be a string");
}

#[test]
fn trailing_bytes() {
    for (json, msgpack) in [
        (&b"1 2"[..], &b"\x01\x02"[..]),
        (b"1,", b"\x01\xc1"),
        (b"1]", b"\x01\xdf"),
        (b"1 \0", b"\x01\xcd\x01"),
        (b"1 null", b"\x01\xc0"),
        (b"1 true", b"\x01\xc3"),
    ] {
        for (format, bytes) in [(Json, json), (MsgPack, msgpack)] {
            let error = format.decode::<u8>(bytes).expect_err("trailing");
            assert_eq!(error.kind(), Kind::Trailing, "{format:?} {bytes:?}");
            assert!(error.message().starts_with("unexpected bytes after the value"), "{error}");
            assert_eq!(error.path(), None);
        }
    }
    // After values at whose end a marker may still be held back.
    for bytes in [&b"\xc0\x01"[..], b"\x05\x01", b"\xc3\xc3"] {
        for result in [
            MsgPack.decode::<Option<Option<Blob>>>(bytes).map(drop),
            MsgPack.decode::<Option<u8>>(bytes).map(drop),
            MsgPack.decode::<serde::de::IgnoredAny>(bytes).map(drop),
        ] {
            assert!(result.is_err(), "{bytes:?}");
        }
    }
    let kind = |bytes| MsgPack.decode::<Choice>(bytes).map_err(|error: FormatError| error.kind());
    assert_eq!(kind(b"\xa4Unit\x01"), Err(Kind::Trailing));
    assert_eq!(kind(b"\x81\xa7Newtype\x01\x01"), Err(Kind::Trailing));
    let kind = |bytes| MsgPack.decode::<Unit>(bytes).map_err(|error: FormatError| error.kind());
    assert_eq!(kind(b"\xc0\xc0"), Err(Kind::Trailing));
    assert_eq!(kind(b"\x90\xc0"), Err(Kind::Trailing));
    // A type that reads nothing leaves everything.
    struct Lazy;
    impl<'de> DeserializeSeed<'de> for Lazy {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
            Ok(())
        }
    }
    for format in BOTH {
        let error = format.decode_seed(format.null(), || Lazy).expect_err("unread");
        assert_eq!(error.kind(), Kind::Trailing);
    }
}

#[test]
fn errors_name_the_place() {
    type Params = (u8, Point, BTreeMap<String, Vec<Option<Choice>>>);
    let cases: [(&str, &[u8], Kind, &str, &str); 9] = [
        (
            r#"["x"]"#,
            b"\x91\xa1x",
            Kind::Data,
            r#"[0]: invalid type: string "x", expected u8"#,
            "[0]: invalid type: string, expected a number or a boolean",
        ),
        (
            r#"[1,{"x":1,"name":5}]"#,
            b"\x92\x01\x82\xa1x\x01\xa4name\x05",
            Kind::Data,
            "[1].name: invalid type: integer `5`, expected a string",
            "[1].name: invalid type: integer `5`, expected a string",
        ),
        (
            r#"[1,{"x":1}]"#,
            b"\x92\x01\x81\xa1x\x01",
            Kind::Data,
            "[1]: missing field `name`",
            "[1]: missing field `name`",
        ),
        (
            r#"[1,{"x":1,"name":""},{"k":[null,{"Newtype":300}]}]"#,
            b"\x93\x01\x82\xa1x\x01\xa4name\xa0\x81\xa1k\x92\xc0\x81\xa7Newtype\xcd\x01\x2c",
            Kind::Data,
            "[2].k[1].Newtype: invalid value: integer `300`, expected u8",
            "[2].k[1].Newtype: invalid value: integer `300`, expected u8",
        ),
        (
            "[1]",
            b"\x91\x01",
            Kind::Data,
            "invalid length 1, expected a tuple of size 3",
            "invalid length 1, expected a tuple of size 3",
        ),
        (
            r#"[1,{"x":1,"name":""},{},4]"#,
            b"\x94\x01\x82\xa1x\x01\xa4name\xa0\x80\x04",
            Kind::Data,
            "more elements than expected",
            "wrong number of elements",
        ),
        (
            r#"[1,{"x":1,"name":""},{"k":[5]}]"#,
            b"\x93\x01\x82\xa1x\x01\xa4name\xa0\x81\xa1k\x91\x82\x01\x01\x02\x02",
            Kind::Data,
            "[2].k[0]: expected the name of a variant, or a map of it",
            "[2].k[0]: wrong number of elements",
        ),
        (
            r#"[1,{"x":1,"#,
            b"\x93\x01\x82\xa1x\x01",
            Kind::Syntax,
            "EOF while parsing a value at line 1 column 10",
            "[1].?: unexpected end of the data",
        ),
        (
            "",
            b"",
            Kind::Syntax,
            "EOF while parsing a value at line 1 column 0",
            "unexpected end of the data",
        ),
    ];
    for (json, msgpack, kind, json_text, msgpack_text) in cases {
        check_error::<Params>(Json, json.as_bytes(), kind, json_text);
        check_error::<Params>(MsgPack, msgpack, kind, msgpack_text);
    }
    check_error::<u8>(MsgPack, b"\xc1", Kind::Syntax, "the byte 0xc1 means nothing");
    check_error::<Vec<u8>>(Json, b"[1 2]", Kind::Syntax, "expected `,` or `]` at line 1 column 4");
    let error = Json.decode::<(u8,)>(b"[\"x\"]").map_err(|error| error.under("params").to_string());
    assert_eq!(error, Err(r#"params[0]: invalid type: string "x", expected u8"#.into()));
}

#[test]
fn a_failure_that_does_not_come_again_has_no_path() {
    let left = Cell::new(1_u32);
    struct Flaky<'a>(&'a Cell<u32>);
    impl<'de> DeserializeSeed<'de> for Flaky<'_> {
        type Value = u8;
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u8, D::Error> {
            let value = u8::deserialize(deserializer)?;
            match self.0.replace(0) {
                0 => Ok(value),
                _ => Err(serde::de::Error::custom("the first time")),
            }
        }
    }
    for format in BOTH {
        left.set(1);
        let error = format.decode_seed(&encode(format, &1), || Flaky(&left)).expect_err("first");
        assert_eq!((error.message(), error.path()), ("the first time", None));
        assert_eq!(format.decode_seed(&encode(format, &1), || Flaky(&left)), Ok(1));
    }
}

#[test]
fn depth_on_a_small_stack() {
    // The smallest that a server is likely to run on.
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(depth);
    thread.expect("a thread").join().expect("no overflow");
}

fn depth() {
    #[track_caller]
    fn expect<T: DeserializeOwned>(format: Format, bytes: &[u8], expected: Result<(), Kind>) {
        let found = format.decode::<T>(bytes).map(drop);
        assert_eq!(found.map_err(|error| error.kind()), expected);
    }
    let bound = |fits| if fits { Ok(()) } else { Err(Kind::Depth) };

    for (levels, fits) in [(1, true), (64, true), (65, false), (1_000_000, false)] {
        let expected = bound(fits);
        let list = [vec![0x91; levels - 1], vec![0x90]].concat();
        expect::<List>(MsgPack, &list, expected);
        // rmp-serde does not count these itself.
        for header in [&b"\x81\xa4More"[..], b"\xde\x00\x01\xa4More"] {
            let variants = [&header.repeat(levels)[..], b"\xa3End"].concat();
            expect::<Recursive>(MsgPack, &variants, expected);
        }
    }
    for (levels, fits) in [(1, true), (127, true), (128, false), (1_000_000, false)] {
        let list = "[".repeat(levels) + &"]".repeat(levels);
        expect::<List>(Json, list.as_bytes(), bound(fits));
        let variants = r#"{"More":"#.repeat(levels) + "\"End\"" + &"}".repeat(levels);
        expect::<Recursive>(Json, variants.as_bytes(), bound(fits));
    }
    // A fault far down has no path, because tracking it takes much stack.
    for (levels, has_path) in [(24, true), (25, false), (63, false)] {
        let list = "[".repeat(levels) + "1" + &"]".repeat(levels);
        let error = Json.decode::<List>(list.as_bytes()).expect_err("no list");
        assert_eq!((error.kind(), error.path().is_some()), (Kind::Data, has_path));
        let list = [vec![0x91; levels], vec![0x01]].concat();
        let error = MsgPack.decode::<List>(&list).expect_err("no list");
        assert_eq!((error.kind(), error.path().is_some()), (Kind::Data, has_path));
        // Brackets in a text are no levels.
        let text = format!(r#"{{"{}\"[":1}}"#, "[".repeat(levels));
        let error = Json.decode::<BTreeMap<String, bool>>(text.as_bytes()).expect_err("no bool");
        assert!(error.path().is_some());
    }
}

#[test]
fn messages_hold_little_of_the_payload() {
    let secret = "secret".repeat(10_000);
    for format in BOTH {
        let error = format.decode::<Point>(&encode(format, &secret)).expect_err("a text");
        assert!(error.to_string().len() < 300, "{error}");
        let named = BTreeMap::from([(&secret, 1)]);
        let error =
            format.decode::<BTreeMap<String, bool>>(&encode(format, &named)).expect_err("1");
        assert!(error.to_string().len() < 500, "{error}");
        assert!(format!("{error:?}").len() < 500);
    }
    let blob = Blob::from(vec![0xab; 1000]);
    assert_eq!(format!("{blob:?}"), format!("Blob(1000 bytes: {}…)", "ab".repeat(16)));
    assert_eq!(format!("{:?}", Blob::from(vec![1])), "Blob(1 bytes: 01)");
    assert_eq!(format!("{:?}", Blob::default()), "Blob(0 bytes)");
}
