//! Requests, responses and notifications, and what is taken for one.

use super::{bytes, frame, open, read, show};

/// A message alone in its frame, and in a stream.
#[track_caller]
fn check(input: &str, expected: &str) {
    let message = bytes(input);
    assert_eq!(show(&open().decoder.decode(frame(&message))), expected, "alone: {input}");
    assert_eq!(read(&mut open(), &message, usize::MAX / 2), [expected], "in a stream: {input}");
    // The same array in its two longer forms.
    if let [count @ 0x90..=0x9f, rest @ ..] = message.as_slice() {
        let count = count & 0x0f;
        for head in [&[0xdc, 0, count][..], &[0xdd, 0, 0, 0, count]] {
            let long = [head, rest].concat();
            assert_eq!(show(&open().decoder.decode(frame(&long))), expected, "long: {input}");
            assert_eq!(read(&mut open(), &long, usize::MAX / 2), [expected], "long: {input}");
        }
    }
}

#[test]
fn requests() {
    check("94 00 01 a3616464 92 01 02", r#"call Number(1) "add" 920102"#);
    check("94 cc00 01 a3616464 90", r#"call Number(1) "add" 90"#);
    check("93 02 a3616464 92 01 02", r#"notify "add" 920102"#);
    check("94 00 01 a0 90", r#"call Number(1) "" 90"#);
}

#[test]
fn ids() {
    let good = [
        ("00", 0),
        ("7f", 127),
        ("cc80", 128),
        ("cdffff", 65_535),
        ("ceffffffff", 4_294_967_295),
        ("cfffffffffffffffff", u64::MAX),
        ("cc05", 5),
        ("cd0005", 5),
        ("ce00000005", 5),
        ("cf0000000000000005", 5),
        ("d005", 5),
        ("d30000000000000005", 5),
    ];
    for (id, number) in good {
        check(&format!("94 00 {id} a161 90"), &format!("call Number({number}) \"a\" 90"));
        check(&format!("94 01 {id} c0 07"), &format!("ok Number({number}) 07"));
        check(&format!("93 00 {id} a161"), &format!("-32600 {number}"));
    }
    let bad = ["ff", "d0ff", "d3ffffffffffffffff", "cb3ff0000000000000", "ca3f800000", "c0", "c2"];
    for id in bad.into_iter().chain(["a131", "c40101", "9101", "810101", "d40001", "d6ff00000001"])
    {
        check(&format!("94 00 {id} a161 90"), "nothing");
        check(&format!("94 01 {id} c0 07"), "nothing");
        check(&format!("93 00 {id} a161"), "nothing");
    }
}

#[test]
fn methods() {
    for method in ["a3616464", "d903616464", "da0003616464", "db00000003616464"] {
        check(&format!("94 00 01 {method} 90"), r#"call Number(1) "add" 90"#);
    }
    for method in ["c403616464", "c50003616464", "c600000003616464"] {
        check(&format!("94 00 01 {method} 90"), r#"call Number(1) "add" 90"#);
        check(&format!("93 02 {method} 90"), r#"notify "add" 90"#);
    }
    let bad = ["c0", "05", "ff", "cb3ff8000000000000", "c3", "91a161", "81a16101", "c70300616464"];
    for method in bad.into_iter().chain(["a2fffe", "a2c0af", "a3eda080", "a2e282", "c402fffe"]) {
        check(&format!("94 00 01 {method} 90"), "-32600 1");
        check(&format!("93 02 {method} 90"), "nothing");
    }
    let name = "6d".repeat(256);
    let shown = format!("call Number(1) {:?} 90", "m".repeat(256));
    check(&format!("94 00 01 da0100{name} 90"), &shown);
    check(&format!("94 00 01 da0101{name}6d 90"), "-32600 1");
    check(&format!("94 00 01 c50101{name}6d 90"), "-32600 1");
    check(&format!("93 02 da0101{name}6d 90"), "nothing");
}

#[test]
fn params() {
    let good = [("90", "90"), ("dc000101", "dc000101"), ("80", "80"), ("81a16101", "81a16101")];
    for (params, shown) in good.into_iter().chain([("de0000", "de0000"), ("c0", "")]) {
        check(&format!("94 00 01 a161 {params}"), &format!("call Number(1) \"a\" {shown}"));
        check(&format!("93 02 a161 {params}"), &format!("notify \"a\" {shown}"));
    }
    for params in ["05", "ff", "ca3fc00000", "a3626172", "c403626172", "c3", "c2", "d40001"] {
        check(&format!("94 00 01 a161 {params}"), "-32600 1");
        check(&format!("93 02 a161 {params}"), "nothing");
    }
}

#[test]
fn shapes() {
    check("92 00 05", "-32600 5");
    check("95 00 05 a161 90 c0", "-32600 5");
    for input in ["90", "91 00", "91 01", "91 02", "93 01 01 c0", "95 01 01 c0 05 c0"] {
        check(input, "nothing");
    }
    for input in ["94 02 01 a161 90", "92 02 a161"] {
        check(input, "nothing");
    }
}

#[test]
fn types() {
    let extensions = ["03", "7f", "cc80", "cd0100", "cf0000000100000000", "cfffffffffffffffff"];
    for kind in extensions {
        check(&format!("94 {kind} 01 a161 90"), "Unknown");
        check(&format!("91 {kind}"), "Unknown");
    }
    check("96 03 00 01 a161 90 80", "Unknown");
    let bad = ["ff", "d080", "c0", "c2", "cb0000000000000000", "a130", "c40100", "9100", "80"];
    for kind in bad.into_iter().chain(["d40000"]) {
        check(&format!("94 {kind} 01 a161 90"), "nothing");
    }
}

#[test]
fn frames_that_are_no_message() {
    let alone = |input: &str| show(&open().decoder.decode(frame(&bytes(input))));
    let values = ["", "c0", "05", "a3616464", "81a16101", "c403616464", "d40001", "c1"];
    let pieces = ["94 00 01 a161 92 01", "94 00 01 a36164", "94 00 01 a161 91 c1", "ddffffffff"];
    for input in values.into_iter().chain(pieces).chain(["94 00 01 a161 91 dbffffffff"]) {
        assert_eq!(alone(input), "nothing", "{input}");
    }
    assert_eq!(alone(&"91".repeat(1_000_000)), "nothing");
    assert_eq!(alone(&format!("94 00 01 a161 91 {} 90", "91".repeat(62))), "nothing");
    let deep = format!("94 00 01 a161 91 {} 90", "91".repeat(61));
    assert!(alone(&deep).starts_with("call Number(1)"));
}

#[test]
fn trailing_bytes_execute_nothing() {
    let alone = |input: &str| show(&open().decoder.decode(frame(&bytes(input))));
    for behind in ["c0", "c1", "94 00 02 a161 90", "00"] {
        assert_eq!(alone(&format!("94 00 01 a161 90 {behind}")), "-32600 1");
        assert_eq!(alone(&format!("93 02 a161 90 {behind}")), "nothing");
        assert_eq!(alone(&format!("94 01 01 c0 05 {behind}")), "nothing");
        assert_eq!(alone(&format!("94 00 c0 a161 90 {behind}")), "nothing");
        assert_eq!(alone(&format!("91 00 {behind}")), "nothing");
        assert_eq!(alone(&format!("05 {behind}")), "nothing");
    }
}
