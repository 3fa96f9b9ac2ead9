//! Tables of single cases.

mod properties;

use super::*;

const WIDE: ScanLimits = ScanLimits { depth: 64, values: u32::MAX, digits: u32::MAX };

/// What a scan says about a buffer, and the outline.
type Verdict = (Result<Option<usize>, Flaw>, Outline);

fn scan_whole(bytes: &[u8], limits: ScanLimits) -> Verdict {
    scan_pieces(bytes, &[], limits)
}

/// Scans a buffer that grows to each of `cuts` before it is whole, until a verdict.
fn scan_pieces(bytes: &[u8], cuts: &[usize], limits: ScanLimits) -> Verdict {
    let mut scanner = Scanner::new(limits);
    for cut in cuts.iter().copied().chain([bytes.len()]) {
        let result = scanner.resume(&bytes[..cut]);
        if result != Ok(None) {
            return (result, *scanner.outline());
        }
    }
    (Ok(None), *scanner.outline())
}

fn scan_bytes(bytes: &[u8], limits: ScanLimits) -> Verdict {
    scan_pieces(bytes, &Vec::from_iter(0..bytes.len()), limits)
}

#[track_caller]
fn accept(text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    outline_of(text, ScanLimits::default()).expect("good JSON");
    let mut stream = text.trim_ascii_start().to_vec();
    stream.push(b'\n');
    let length = text.trim_ascii().len();
    let verdict = scan_whole(&stream, ScanLimits::default());
    assert_eq!(verdict.0, Ok(Some(length)));
    assert_eq!(verdict, scan_bytes(&stream, ScanLimits::default()));
}

/// Refused as a frame, in the same words whole and byte by byte.
#[track_caller]
fn reject(text: impl AsRef<[u8]>) {
    let text = text.as_ref();
    let flaw = outline_of(text, ScanLimits::default()).expect_err("no JSON");
    assert!(matches!(flaw, Flaw::Syntax { at, .. } if at <= text.len()), "{flaw:?}");
    let mut scanner = Scanner::new(ScanLimits::default());
    for end in 0..text.len() {
        match scanner.resume(&text[..end]) {
            Ok(None) => {}
            Ok(Some(_)) => break,
            Err(early) => return assert_eq!(early, flaw),
        }
    }
    assert_eq!(scanner.finish(text), Err(flaw));
}

#[test]
fn accepts_every_kind_of_value() {
    let plain = r#"
        {} [] [[]] [{}] {"":{}} null true false [""] [0] [-0,1] [null,true,false]
        0 -0 10 -10 0.5 1.25 -1.5e3 1E+2 1e-2 0e0 0e+1 1e9999 100000000000000000000000000000
        1234567890.0987654321e+00 {"a":1,"a":2} [1,[2,[3,[]]],{}] {"a":{"b":{"c":[]}}}
        "" "a" "\"\\\/\b\f\n\r\t" "\u0000" "\u00e9\uABCD\uffff" "\ud83d\ude00" "\uD83D\uDE00x"
    "#;
    let others = [
        " [ 1 , 2 ] ",
        "\t\r\n{ \"a\" : 1 }\n",
        "\"\u{7f}\"",
        "\"\u{e9}\u{20ac}\u{10ffff}\u{2028}\"",
        r#"["exactly8","exactly08","a string of more than sixteen bytes"]"#,
        "\"a string of more than sixteen bytes with \u{fc} and \\\" in it\"",
    ];
    for text in plain.split_whitespace().chain(others) {
        accept(text);
        accept(format!("[{text}]"));
        accept(format!("[0,{text} , {text}]"));
        accept(format!("{{\"params\":{text}}}"));
        accept(format!("{{\"x\":[{text}],\"y\":{text} }}"));
    }
}

#[test]
fn rejects_what_is_not_json() {
    let plain = r#"
        { [ } ] , : [,] [,1] [1,] [1,,2] [1:2] {,} {"a"} {"a":} {"a":1,} {"a",1} {"a"::1} {a:1}
        {1:1} {null:1} {'a':1} {"a":1] [1} [} {] [[] {}} []] [1]x [1]# /**/1 1//
        nul nulL truE True falsy nan NaN Infinity -Infinity undefined
        +1 - -a --1 01 -01 00 1. .5 -.5 1.e1 1e 1e+ 1ee1 1e1.5 1.5.5 0x10 1_000
        " "a 'a' "\" "\a" "\x41" "\u" "\u12" "\u123" "\u123g" "\U1234" "\u+123"
        "\ud800" "\udc00" "\ud800\ud800" "\ud800x" "\ud800\n" "\udc00\ud800" "\ud800\u0041"
    "#;
    let others: [&[u8]; _] = [
        b"",
        b" ",
        b"1 2",
        b"{} {}",
        b"[1 2]",
        b"{\"a\":1 \"b\":2}",
        // Control characters, and what is no white space.
        b"\"\n\"",
        b"\"\t\"",
        b"\"\0\"",
        b"\"\x1f\"",
        b"\"longer than eight\x01\"",
        b"\x00",
        b"[\x00]",
        b"[1\x00]",
        b"\x0b1",
        b"\x0c1",
        b"\xa01",
        b"\xef\xbb\xbf{}",
        b"\xfe\xff\x00[",
        // Not UTF-8: alone, cut off, too long, a surrogate, too high.
        b"\xff",
        b"\xc3\xa9",
        b"\"\x80\"",
        b"\"\xff\"",
        b"\"\xc3\"",
        b"\"\xe2\x82\"",
        b"\"\xc0\xaf\"",
        b"\"\xe0\x80\x80\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf4\x90\x80\x80\"",
        b"\"\xf8\x88\x80\x80\x80\"",
        b"[\"a\xc3\",1]",
        b"{\"\xc3\":1}",
    ];
    for text in plain.split_whitespace().map(str::as_bytes).chain(others) {
        reject(text);
        if !text.trim_ascii().is_empty() && !matches!(text, b"]" | b"[]]") {
            reject([b"[", text, b"]"].concat());
        }
        reject([b"{\"id\":", text, b"}"].concat());
        reject([b"{\"jsonrpc\":\"2.0\",\"params\":[", text, b",1]}"].concat());
        reject([br#"{"jsonrpc":"2.0""#, text, b",1"].concat());
    }
}

#[test]
fn says_where_the_flaw_is() {
    #[track_caller]
    fn check(text: &str, expected: usize) {
        match outline_of(text.as_bytes(), ScanLimits::default()) {
            Err(Flaw::Syntax { at, .. }) => assert_eq!(at, expected),
            other => panic!("{other:?}"),
        }
    }
    check("", 0);
    check("{\"a\" 1}", 5);
    check("[1,]", 3);
    check("[1, 02]", 5);
    check("[tru]", 4);
    check("\"ab\ncd\"", 3);
    check("\"ab\\x\"", 3);
    check("\"ab\\u12z4\"", 7);
    check("[] ]", 3);
    check("[1", 2);
}

#[test]
fn a_wrong_line_is_told_without_another_byte() {
    for line in
        ["tru\n", "\"\\u1\"\n", "\"\\ud800\"\n", "\"abc\n", "[1,\"a\n", "{\"a\n", "-\n", "1e\n"]
    {
        let (result, _) = scan_bytes(line.as_bytes(), ScanLimits::default());
        assert!(matches!(result, Err(Flaw::Syntax { .. })), "{line:?} {result:?}");
    }
}

#[test]
fn a_number_of_its_own_ends_only_at_another_byte() {
    let mut scanner = Scanner::new(ScanLimits::default());
    assert_eq!(scanner.resume(b"12"), Ok(None));
    assert_eq!(scanner.resume(b"123"), Ok(None));
    assert_eq!(scanner.resume(b"123 "), Ok(Some(3)));
    assert_eq!(scanner.resume(b"123 4"), Ok(Some(3)), "asked again");
    scanner.reset();
    assert_eq!(scanner.resume(b"-"), Ok(None));
    assert_eq!(scanner.finish(b"-1"), Ok(()));
    scanner.reset();
    assert_eq!(scanner.resume(b"[1,2"), Ok(None));
    assert_eq!(scanner.finish(b"[1,2] \n"), Ok(()));
}

#[test]
fn limits_hold_at_their_edges() {
    let limits = ScanLimits { depth: 3, values: 5, digits: 4 };
    #[track_caller]
    fn check(text: &str, limits: ScanLimits, expected: Option<Bound>) {
        let bytes = text.as_bytes();
        let found = match outline_of(bytes, limits) {
            Ok(_) => None,
            Err(Flaw::Excess { bound, skip, .. }) => {
                assert_eq!(skip, bytes.len());
                Some(bound)
            }
            Err(flaw) => panic!("{flaw}"),
        };
        assert_eq!(found, expected, "{text}");
        // As a stream, the value is skipped, and nothing behind it.
        let stream = format!("{text} {{}}");
        let (result, outline) = scan_whole(stream.as_bytes(), limits);
        assert_eq!((result, outline), scan_bytes(stream.as_bytes(), limits));
        match result {
            Ok(end) => assert_eq!((end, None), (Some(text.len()), expected)),
            Err(Flaw::Excess { bound, skip, .. }) => {
                assert_eq!((Some(bound), skip), (expected, text.len()));
            }
            Err(flaw) => panic!("{flaw}"),
        }
    }
    for (text, expected) in [
        ("[[[]]]", None),
        ("{\"a\":{\"b\":{}}}", None),
        ("[[],[[]]]", None),
        ("[[[[]]]]", Some(Bound::Depth)),
        ("{\"a\":[[[\"]\"]]]}", Some(Bound::Depth)),
        ("{\"jsonrpc\":\"2.0\",\"id\":[[{}]]}", Some(Bound::Depth)),
        ("[[[[\"\\\\\",\"\\\"\"]]],{}]", Some(Bound::Depth)),
        ("[1,2,3,4]", None),
        ("[1,2,3,4,5]", Some(Bound::Values)),
        ("[1,2,3,4,\"[\\\"\"]", Some(Bound::Values)),
        ("{\"a\":1,\"b\":2,\"c\":[3,4]}", Some(Bound::Values)),
        ("{\"jsonrpc\":\"2.0\",\"a\":1,\"b\":2,\"c\":3}", None),
        ("{\"jsonrpc\":\"2.0\",\"a\":1,\"b\":2,\"c\":3,\"d\":4}", Some(Bound::Values)),
        ("1234", None),
        ("12345", Some(Bound::Digits)),
        ("-123", None),
        ("[-1234]", Some(Bound::Digits)),
        ("[1e10,2]", None),
        ("[1e100,2]", Some(Bound::Digits)),
        ("{\"a\":0.123}", Some(Bound::Digits)),
    ] {
        check(text, limits, expected);
    }
    let deepest = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    check(&deepest(63), ScanLimits::default(), None);
    check(&deepest(64), ScanLimits::default(), None);
    check(&deepest(65), ScanLimits::default(), Some(Bound::Depth));
    check(&deepest(100_000), ScanLimits::default(), Some(Bound::Depth));
    let deepest = |depth: usize| "{\"a\":".repeat(depth - 1) + "{}" + &"}".repeat(depth - 1);
    check(&deepest(64), ScanLimits::default(), None);
    check(&deepest(65), ScanLimits::default(), Some(Bound::Depth));
    check("[]", ScanLimits { depth: 0, values: 0, digits: 0 }, None);
}

#[test]
fn a_limit_does_not_hide_what_came_before_it() {
    let frame = br#"{"id":7,"method":"add","params":[1,2,3]}"#;
    let mut scanner = Scanner::new(ScanLimits { values: 5, ..WIDE });
    let flaw = scanner.resume(frame).expect_err("too many values");
    assert_eq!(flaw, Flaw::Excess { bound: Bound::Values, limit: 5, skip: frame.len() });
    assert_eq!(flaw.to_string(), "more than 5 values");
    assert_eq!(scanner.outline().span(Member::Id).of(frame), Some(&b"7"[..]));
    assert_eq!(scanner.outline().span(Member::Params).of(frame), None);
}

#[test]
fn finds_the_members_of_the_envelope() {
    #[track_caller]
    fn check(frame: &str, expected: &[(Member, &str)], unknown: bool, duplicate: Option<Member>) {
        let outline = outline_of(frame.as_bytes(), ScanLimits::default()).expect("good JSON");
        assert_eq!(outline, scan_bytes(frame.as_bytes(), ScanLimits::default()).1);
        let found = Member::ALL.into_iter().filter_map(|member| {
            let text = outline.span(member).of(frame.as_bytes())?;
            Some((member, std::str::from_utf8(text).expect("good JSON")))
        });
        assert_eq!(found.collect::<Vec<_>>(), expected);
        assert_eq!((outline.unknown, outline.duplicate), (unknown, duplicate));
        assert_eq!(outline.kind, Kind::Object);
    }
    use Member::{Error, Id, Jsonrpc, Method, Params, Result};
    check("{}", &[], false, None);
    check(
        r#"{"jsonrpc":"2.0","id":12345,"method":"add","params":[2,3]}"#,
        &[(Jsonrpc, "\"2.0\""), (Id, "12345"), (Method, "\"add\""), (Params, "[2,3]")],
        false,
        None,
    );
    check(
        "{ \"result\" : {\"id\":1} , \"id\" : null,\n\"jsonrpc\" : \"2.0\" }",
        &[(Jsonrpc, "\"2.0\""), (Id, "null"), (Result, "{\"id\":1}")],
        false,
        None,
    );
    check(r#"{"jsonrpc":"2.0"}"#, &[(Jsonrpc, "\"2.0\"")], false, None);
    check(r#"{"jsonrpc":"2.0" , "x":{}}"#, &[(Jsonrpc, "\"2.0\"")], true, None);
    check(r#"{"jsonrpc":"2.0\n"}"#, &[(Jsonrpc, r#""2.0\n""#)], false, None);
    check(r#"{"error":{"code":1},"i":2}"#, &[(Error, "{\"code\":1}")], true, None);
    check(r#"{"method":"a","method":"b"}"#, &[(Method, "\"a\"")], false, Some(Method));
    check(r#"{"id":1,"m\u0065thod":"b"}"#, &[(Id, "1"), (Method, "\"b\"")], false, None);
    check(r#"{"id":1,"\u0069\u0064":2,"id":3}"#, &[(Id, "1")], false, Some(Id));
    check(
        r#"{"jsonrpc":"2.0","jsonrpc":"1.0","id":1,"id":2}"#,
        &[(Jsonrpc, "\"2.0\""), (Id, "1")],
        false,
        Some(Jsonrpc),
    );
    check(r#"{"Id":1,"id ":2,"":3,"\"id":4,"methodx":5}"#, &[], true, None);
    check(r#"{"a":{"id":1,"method":2},"b":[{"id":3}]}"#, &[], true, None);

    for (frame, kind) in
        [("[{\"id\":1}]", Kind::Array), ("1", Kind::Scalar), ("\"id\"", Kind::Scalar)]
    {
        let outline = outline_of(frame.as_bytes(), ScanLimits::default()).expect("good JSON");
        let mut expected = Outline::default();
        expected.kind = kind;
        assert_eq!(outline, expected);
    }
}

#[test]
fn yields_the_parts_of_containers() {
    let parts = |array: &str| -> Vec<String> {
        elements(array.as_bytes()).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    };
    assert_eq!(parts("[]"), [""; 0]);
    assert_eq!(parts(" [ ] "), [""; 0]);
    assert_eq!(parts("[1]"), ["1"]);
    assert_eq!(
        parts(r#"[ 1 ,-2.5e+3,"a,]\"b" , [1,[2]] ,{"a":"}"},true,null]"#),
        ["1", "-2.5e+3", r#""a,]\"b""#, "[1,[2]]", r#"{"a":"}"}"#, "true", "null"],
    );
    assert_eq!(parts("{\"a\":1}"), [""; 0]);
    assert_eq!(parts("17"), [""; 0]);

    let error = br#"{ "code" : -1,"m\u0065ssage":"no", "data":{"code":2} }"#;
    let keys = members(error).map(|(key, _)| String::from_utf8_lossy(key).into_owned());
    assert_eq!(keys.collect::<Vec<_>>(), ["code", r"m\u0065ssage", "data"]);
    assert_eq!(member(error, "code"), Some(&b"-1"[..]));
    assert_eq!(member(error, "message"), Some(&b"\"no\""[..]));
    assert_eq!(member(error, "data"), Some(&b"{\"code\":2}"[..]));
    assert_eq!(member(error, "dat"), None);
    assert_eq!(member(b"{}", "code"), None);
    assert_eq!(member(b"[1]", "code"), None);

    assert!(key_is(r"\ud83d\ude00\n\/".as_bytes(), "\u{1f600}\n/"));
    assert!(key_is("\u{e9}".as_bytes(), "\u{e9}"));
    assert!(key_is(b"", ""));
    for (raw, key) in
        [("a", ""), ("", "a"), ("ab", "a"), (r"\u00e9", "e"), (r"\ud83d", "?"), (r"\", "")]
    {
        assert!(!key_is(raw.as_bytes(), key), "{raw} {key}");
    }
}

#[test]
fn a_long_message_in_single_bytes_takes_no_longer_than_its_length() {
    // If each piece were scanned from the start this would not end.
    let text =
        format!("{{\"a\":\"{}\",\"b\":[{}1]}}", "x\u{20ac}".repeat(50_000), "12,".repeat(9_000));
    assert_eq!(scan_bytes(text.as_bytes(), WIDE).0, Ok(Some(text.len())));
    let number = "1".repeat(200_000) + " ";
    assert_eq!(scan_bytes(number.as_bytes(), WIDE).0, Ok(Some(200_000)));
}
