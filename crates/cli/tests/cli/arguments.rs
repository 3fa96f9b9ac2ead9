//! README, "What an ARG is": every form, over each protocol, and what is refused.

use crate::support::command::{Ran, Serving, run, run_with_input};

/// What the demo's echo gives back for the one param `value`, in every form that says it.
const ECHOED: &[(&[&str], &str)] = &[
    (&["1"], "1"),
    (&["-1"], "-1"),
    (&["-0.5"], "-0.5"),
    (&["18446744073709551615"], "18446744073709551615"),
    (&["-9223372036854775808"], "-9223372036854775808"),
    (&["true"], "true"),
    (&["null"], "null"),
    (&[""], r#""""#),
    (&["two words"], r#""two words""#),
    (&["ü😀"], r#""ü😀""#),
    (&["01"], r#""01""#),
    (&["NaN"], r#""NaN""#),
    (&[" { \"b\" : [ ] , \"a\" : 1 } "], r#"{"b":[],"a":1}"#),
    (&["\"a=1\""], r#""a=1""#),
    (&["http://host/?a=b"], r#""http://host/?a=b""#),
    (&["value="], r#""""#),
    (&["value=1"], r#""1""#),
    (&["value=a=b"], r#""a=b""#),
    (&["value:=1"], "1"),
    (&["value:= [ 1 , {} ]"], "[1,{}]"),
    (&["--text", "value:=1"], r#""value:=1""#),
    (&["--text", "-"], r#""-""#),
    (&["--text", "@x"], r#""@x""#),
    (&["--text", "[1"], r#""[1""#),
    (&["--params", "[\"x\"]"], r#""x""#),
    (&["--params", " {\"value\": {\"x\": 1}} "], r#"{"x":1}"#),
    (&["--", "-x"], r#""-x""#),
    (&["--", "--text"], r#""--text""#),
];

#[tokio::test]
async fn every_form_over_each_protocol() {
    let server = Serving::demo().await;
    for protocol in ["jsonrpc", "msgpack"] {
        let url = server.url(protocol);
        for (args, result) in ECHOED {
            let args = [&["call", &url, "echo"], *args].concat();
            assert_eq!(run(&args).await, Ran::answered(result), "{args:?}");
        }
    }
}

#[tokio::test]
async fn what_each_protocol_does_with_numbers() {
    let server = Serving::demo().await;
    let (json, msgpack) = (server.url("jsonrpc"), server.url("msgpack"));
    for (text, in_json, in_msgpack) in [
        ("1.50", "1.50", "1.5"),
        ("1e2", "1e2", "100.0"),
        ("0.1", "0.1", "0.1"),
        ("-0", "-0", "0"),
        ("[1.0,1]", "[1.0,1]", "[1.0,1]"),
    ] {
        assert_eq!(run(&["call", &json, "echo", text]).await, Ran::answered(in_json));
        assert_eq!(run(&["call", &msgpack, "echo", text]).await, Ran::answered(in_msgpack));
    }
    let large = "340282366920938463463374607431768211456";
    assert_eq!(run(&["call", &json, "echo", large]).await, Ran::answered(large));
    let why = format!(
        "error: MessagePack cannot say these params: {large} has more than 64 bits; {large}.0 is a float"
    );
    assert_eq!(run(&["call", &msgpack, "echo", large]).await, Ran::failed(2, &why));
}

#[tokio::test]
async fn params_from_elsewhere() {
    let server = Serving::demo().await;
    let folder = env!("CARGO_TARGET_TMPDIR");
    let file = format!("@{folder}/params.json");
    std::fs::write(&file[1..], "{\n  \"a\": 40,\n  \"b\": 2\n}\n").expect("it can be written");
    for protocol in ["jsonrpc", "msgpack"] {
        let url = server.url(protocol);
        assert_eq!(run(&["call", &url, "add", &file]).await, Ran::answered("42"));
        for input in ["[40, 2]\n", "{\"b\": 2, \"a\": 40}"] {
            let ran = run_with_input(&["call", &url, "add", "-"], input).await;
            assert_eq!(ran, Ran::answered("42"));
        }
    }
    // A message in lines has no line feed in it, whatever the file has.
    let url = format!("{}?framing=lines", server.url("jsonrpc"));
    assert_eq!(run(&["call", &url, "add", &file]).await, Ran::answered("42"));
}

#[tokio::test]
async fn broken_json_is_text_with_a_note() {
    let server = Serving::demo().await;
    let ran = run(&["call", &server.urls[0], "echo", "{a:1}"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "\"{a:1}\"\n"));
    let note =
        "note: ARG 1 is sent as text, it is no JSON: key must be a string at line 1 column 2\n";
    assert_eq!(ran.stderr, note);
}

/// Nothing is sent: there is nobody at this address.
#[tokio::test]
async fn refused_params() {
    let url = "tcp://127.0.0.1:1";
    let cases: &[(&[&str], &str)] = &[
        (&["1", "a=2"], "error: `1` is positional and `a=2` is named: a call has one kind\n"),
        (&["a=1", "2"], "error: `2` is positional and `a=1` is named: a call has one kind\n"),
        (&["a=1", "a=2"], "error: the param `a` is given twice\n"),
        (&["a:=[1"], "error: `a:=[1`: \"[1\" is no JSON: "),
        (&["a:="], "error: `a:=`: \"\" is no JSON: "),
        (&["-", "-"], "error: `-` is all params, and it is not the only ARG\n"),
        (&["@x", "1"], "error: `@x` is all params, and it is not the only ARG\n"),
        (&["@/no/such/file"], "error: /no/such/file cannot be read: "),
        (&["--params", "1"], "error: --params: expected an array or an object\n"),
        (&["--params", "[1"], "error: --params: EOF while parsing a list"),
        (&["--params", "[]", "1"], "error: the argument '--params <JSON>' cannot be used with "),
        (&["-x"], "error: unexpected argument '-x' found\n"),
    ];
    for (args, begin) in cases {
        let args = [&["call", url, "echo"], *args].concat();
        let ran = run(&args).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with(begin), "{args:?}: {}", ran.stderr);
    }
    let ran = run_with_input(&["call", url, "echo", "-"], "nonsense").await;
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.starts_with("error: standard input: expected "), "{}", ran.stderr);
}
