//! Blobs, extensions and text that is not UTF-8.

use super::*;

#[test]
fn blobs() {
    check(Blob::default(), r#""""#, b"\xc4\x00");
    check(Blob::from(vec![0, 0xff, 0xfe]), r#""AP/+""#, b"\xc4\x03\x00\xff\xfe");
    check(vec![Some(Blob::from(vec![b'a']))], r#"["YQ=="]"#, b"\x91\xc4\x01a");
    let long = vec![0x5a; 70_000];
    for format in BOTH {
        let bytes = encode(format, &Blob::from(long.clone()));
        assert_eq!(format.decode::<Blob>(&bytes).map(Vec::from), Ok(long.clone()));
    }
    // Raw and str.
    assert_eq!(MsgPack.decode(b"\xa2hi"), Ok(Blob::from(&b"hi"[..])));
    assert_eq!(MsgPack.decode(b"\xa2\xff\xfe"), Ok(Blob::from(vec![0xff, 0xfe])));
    assert_eq!(MsgPack.decode(b"\xda\x00\x02\xff\xfe"), Ok(Blob::from(vec![0xff, 0xfe])));
    assert_eq!(Json.decode(br#""\u0059Q=\u003d""#), Ok(Blob::from(vec![b'a'])));
    for not_base64 in ["YQ", "YQ=", "YR==", "Y Q==", "-_8=", "YQ==\\n", "YQ===", "A"] {
        let error =
            Json.decode::<Blob>(format!("\"{not_base64}\"").as_bytes()).expect_err("strict");
        assert!(error.message().starts_with("invalid base64 for binary data: "), "{error}");
        assert_eq!(error.kind(), Kind::Data);
    }
    let text = "invalid type: sequence, expected binary data as base64 text";
    check_error::<Blob>(Json, b"[1,2]", Kind::Data, text);
    check_error::<Blob>(
        MsgPack,
        b"\x92\x01\x02",
        Kind::Data,
        "invalid type: sequence, expected binary data",
    );
    check_error::<Blob>(
        MsgPack,
        b"\x05",
        Kind::Data,
        "invalid type: integer `5`, expected binary data",
    );
}

/// Buffers of serde's own and path tracking keep the error type, by which the format is known.
#[test]
fn blobs_and_exts_inside_serde_buffers() {
    check(
        Flat { a: 1, rest: BTreeMap::from([("b".into(), vec![0xff].into())]) },
        r#"{"a":1,"b":"/w=="}"#,
        b"\x82\xa1a\x01\xa1b\xc4\x01\xff",
    );
    let body = b"\xa3ext\xd4\x05\x01\xa4blob\xc4\x01\xff";
    let json = r#""ext":{"ext":5,"data":"AQ=="},"blob":"/w==""#;
    check(
        FlatExt { a: 1, inner: inner() },
        &format!("{{\"a\":1,{json}}}"),
        &[b"\x83\xa1a\x01", &body[..]].concat(),
    );
    check(
        Internal::Inner(inner()),
        &format!("{{\"kind\":\"Inner\",{json}}}"),
        &[b"\x83\xa4kind\xa5Inner", &body[..]].concat(),
    );
    check(
        Untagged::Inner { inner: inner() },
        &format!("{{\"inner\":{{{json}}}}}"),
        &[b"\x81\xa5inner\x82", &body[..]].concat(),
    );
    check(Untagged::Blob(vec![0xff].into()), r#""/w==""#, b"\xc4\x01\xff");
    check(Untagged::Ext(inner().ext), r#"{"ext":5,"data":"AQ=="}"#, b"\xd4\x05\x01");
    check(
        Adjacent::Blob(vec![0xff].into()),
        r#"{"kind":"Blob","value":"/w=="}"#,
        b"\x82\xa4kind\xa4Blob\xa5value\xc4\x01\xff",
    );
    check(
        Adjacent::Ext(inner().ext),
        r#"{"kind":"Ext","value":{"ext":5,"data":"AQ=="}}"#,
        b"\x82\xa4kind\xa3Ext\xa5value\xd4\x05\x01",
    );
    // The content before its tag, so that it has to be buffered.
    assert_eq!(
        MsgPack.decode(b"\x82\xa5value\xd4\x05\x01\xa4kind\xa3Ext"),
        Ok(Adjacent::Ext(inner().ext))
    );
    assert_eq!(
        MsgPack.decode(b"\x82\xa5value\xa1\xff\xa4kind\xa4Blob"),
        Ok(Adjacent::Blob(vec![0xff].into()))
    );
    assert_eq!(
        Json.decode(br#"{"value":"/w==","kind":"Blob"}"#),
        Ok(Adjacent::Blob(vec![0xff].into()))
    );
    // The second, tracked decoding reads the same: it fails where the first one did.
    check_error::<(Blob, u8)>(
        MsgPack,
        b"\x92\xc4\x01\xff\xc3",
        Kind::Data,
        "[1]: invalid type: boolean `true`, expected u8",
    );
    check_error::<(Ext, u8)>(
        MsgPack,
        b"\x92\xd4\x05\x01\xc3",
        Kind::Data,
        "[1]: invalid type: boolean `true`, expected u8",
    );
    check_error::<(Blob, u8)>(
        Json,
        br#"["/w==",true]"#,
        Kind::Data,
        "[1]: invalid type: boolean `true`, expected u8",
    );
}

#[test]
fn exts_of_every_size() {
    for (len, head) in [
        (0, &b"\xc7\x00"[..]),
        (1, b"\xd4"),
        (2, b"\xd5"),
        (3, b"\xc7\x03"),
        (4, b"\xd6"),
        (8, b"\xd7"),
        (16, b"\xd8"),
        (17, b"\xc7\x11"),
        (300, b"\xc8\x01\x2c"),
        (70_000, b"\xc9\x00\x01\x11\x70"),
    ] {
        let ext = Ext { tag: -128, data: vec![7; len].into() };
        let bytes = encode(MsgPack, &ext);
        assert_eq!(bytes, [head, &[0x80], &vec![7; len]].concat(), "{len}");
        assert_eq!(MsgPack.decode::<Ext>(&bytes).as_ref(), Ok(&ext), "{len}");
        let json = encode(Json, &ext);
        assert_eq!(Json.decode::<Ext>(&json).as_ref(), Ok(&ext), "{len}");
        // Any other way to say the length is read as well.
        let long = [&b"\xc9"[..], &u32::to_be_bytes(len as u32), &[0x80], &vec![7; len]].concat();
        assert_eq!(MsgPack.decode::<Ext>(&long).as_ref(), Ok(&ext), "{len}");
    }
    check_error::<Ext>(MsgPack, b"\xd6\x01\x02", Kind::Syntax, "[1]: unexpected end of the data");
    check_error::<Ext>(
        MsgPack,
        b"\x82\xa3ext\x05\xa4data\xc4\x00",
        Kind::Data,
        "expected an extension value",
    );
    check_error::<Ext>(
        Json,
        br#"{"ext":300,"data":""}"#,
        Kind::Data,
        "ext: invalid value: integer `300`, expected i8",
    );
    check_error::<Ext>(Json, br#"{"ext":3}"#, Kind::Data, "missing field `data`");
    // An extension is no text, and no number.
    assert_eq!(
        MsgPack.decode::<String>(b"\xd4\x05\x01").map_err(|error| error.kind()),
        Err(Kind::Data)
    );
    assert_eq!(
        MsgPack.decode::<i64>(b"\xd4\x05\x01").map_err(|error| error.kind()),
        Err(Kind::Data)
    );
}

#[test]
fn text_that_is_not_utf8() {
    let text = "text that is not UTF-8 (at its byte 1)";
    check_error::<String>(MsgPack, b"\xa2a\xff", Kind::Data, text);
    check_error::<String>(MsgPack, b"\xd9\x02a\xff", Kind::Data, text);
    check_error::<(u8, String)>(MsgPack, b"\x92\x01\xa2a\xff", Kind::Data, &format!("[1]: {text}"));
    check_error::<Choice>(MsgPack, b"\xa2a\xff", Kind::Data, text);
    check_error::<char>(MsgPack, b"\xa2a\xff", Kind::Data, text);
    check_error::<String>(
        MsgPack,
        b"\xc4\x01\xff",
        Kind::Data,
        "invalid value: byte array, expected a string",
    );
    check_error::<String>(
        Json,
        b"\"a\xff\"",
        Kind::Syntax,
        "invalid unicode code point at line 1 column 3",
    );
    check_error::<String>(Json, br#""\ud800""#, Kind::Data, "unexpected end of hex escape");
}
