//! README, "The result": what is shown of what a peer answers.

use crate::support::{
    command::{Ran, run},
    served::{Fixed, serve},
};

async fn answer(protocol: &str, bytes: &'static [u8], options: &[&str]) -> Ran {
    let (server, url) = serve(protocol, Fixed(bytes)).await;
    let ran = run(&[&["call", &url, "any"], options].concat()).await;
    server.shutdown().await;
    ran
}

fn noted(stdout: &str, notes: &[&str]) -> Ran {
    let stderr = notes.iter().map(|note| format!("note: {note}\n")).collect();
    Ran { stderr, ..Ran::answered(stdout) }
}

#[tokio::test]
async fn json_stays_as_it_was_written() {
    for (bytes, shown) in [
        (&b"12345678901234567890.1230e+400"[..], "12345678901234567890.1230e+400"),
        (b"[ 1.0 , 1E2 , -0 ]", "[1.0,1E2,-0]"),
        (br#"{"b": 1, "a": 2, "b": 3}"#, r#"{"b":1,"a":2,"b":3}"#),
        (br#""\u00e4\/\u001b""#, r#""\u00e4\/\u001b""#),
        ("\"\u{9b}2J\u{202e}\"".as_bytes(), "\"\u{9b}2J\u{202e}\""),
        (b"null", "null"),
    ] {
        assert_eq!(answer("jsonrpc", bytes, &[]).await, Ran::answered(shown));
    }
}

#[tokio::test]
async fn layouts() {
    let value = br#"{"a":[1,{}],"b":[]}"#;
    let pretty = "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}";
    for (options, shown) in [
        (&[][..], r#"{"a":[1,{}],"b":[]}"#),
        (&["--compact"], r#"{"a":[1,{}],"b":[]}"#),
        (&["--pretty"], pretty),
        (&["--pretty", "--compact"], r#"{"a":[1,{}],"b":[]}"#),
        (&["--compact", "--pretty"], pretty),
    ] {
        assert_eq!(answer("jsonrpc", value, options).await, Ran::answered(shown));
    }
}

#[tokio::test]
async fn msgpack_that_json_has_no_form_for() {
    let cases: &[(&[u8], &str, &[&str], &str)] = &[
        (
            b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            "18446744073709551615",
            &[],
            "18446744073709551615",
        ),
        (b"\xca\x3d\xcc\xcc\xcd", "0.1", &[], "0.10000000149011612"),
        (b"\xcb\x7f\xf8\0\0\0\0\0\0", r#"{"float":"NaN"}"#, &[], r#"{"float":"NaN"}"#),
        (b"\xca\x7f\x80\0\0", r#"{"float":"Infinity"}"#, &[], r#"{"float":"Infinity"}"#),
        (
            b"\x81\xa4data\xc4\x03\0\x01\xff",
            r#"{"data":"AAH/"}"#,
            &["result.data is binary (3 bytes), shown as base64"],
            r#"{"data":{"bin":"AAH/"}}"#,
        ),
        (
            b"\x91\xd4\x05\x07",
            r#"[{"ext":5,"data":"Bw=="}]"#,
            &["result[0] is an extension of type 5 (1 bytes), its data shown as base64"],
            r#"[{"ext":5,"data":"Bw=="}]"#,
        ),
        (
            b"\xd6\xff\x65\x53\xf1\0",
            r#"{"ext":-1,"data":"ZVPxAA=="}"#,
            &["result is an extension, a timestamp: 1700000000.000000000 seconds since 1970"],
            r#"{"ext":-1,"data":"ZVPxAA=="}"#,
        ),
        (
            b"\xa2\xff\xfe",
            r#""//4=""#,
            &["result is text, but not UTF-8 (2 bytes), shown as base64"],
            r#"{"str":"//4="}"#,
        ),
        (
            b"\x82\x01\xa1a\xc2\xa1b",
            r#"{"1":"a","false":"b"}"#,
            &["result is a map with keys that are no text, shown as text"],
            r#"{"map":[[1,"a"],[false,"b"]]}"#,
        ),
        (
            b"\x82\x01\xa1a\xa11\xa1b",
            r#"{"map":[[1,"a"],["1","b"]]}"#,
            &["result is a map with keys that are no text, shown as a list of pairs"],
            r#"{"map":[[1,"a"],["1","b"]]}"#,
        ),
        (b"\x81\xa3bin\xa1x", r#"{"bin":"x"}"#, &[], r#"{"map":[["bin","x"]]}"#),
    ];
    for (bytes, plain, notes, typed) in cases {
        assert_eq!(answer("msgpack", bytes, &[]).await, noted(plain, notes), "{bytes:02x?}");
        assert_eq!(
            answer("msgpack", bytes, &["--typed"]).await,
            Ran::answered(typed),
            "{bytes:02x?}"
        );
    }
}
