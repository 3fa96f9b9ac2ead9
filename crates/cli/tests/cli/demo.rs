//! README, "Serving": the methods of the demo, with positional and with named params.

use crate::support::{
    command::{Ran, Serving, run},
    raw::exchange,
};

#[tokio::test]
async fn methods() {
    let server = Serving::demo().await;
    let cases: &[(&[&str], &str)] = &[
        (&["add", "2", "3"], "5"),
        (&["add", "b:=3", "a:=2"], "5"),
        (&["add", "0.5", "1"], "1.5"),
        (&["add", "18446744073709551614", "1"], "18446744073709551615"),
        (&["add", "-9223372036854775807", "-1"], "-9223372036854775808"),
        (&["sleep", "0"], "null"),
        (&["sleep", "seconds:=0.001"], "null"),
        (&["echo", "[[]]"], "[[]]"),
        (&["echo", "value:={\"value\":1}"], "{\"value\":1}"),
    ];
    for protocol in ["jsonrpc", "msgpack"] {
        let url = server.url(protocol);
        for (args, result) in cases {
            let args = [&["call", &url], *args].concat();
            assert_eq!(run(&args).await, Ran::answered(result), "{args:?}");
        }
        let time = run(&["call", &url, "time"]).await;
        let seconds: f64 = time.stdout.trim().parse().expect("a number");
        assert!(seconds > 1.7e9, "{seconds}");
    }
}

#[tokio::test]
async fn errors() {
    let server = Serving::demo().await;
    let cases: &[(&[&str], &str, &str)] = &[
        (&["fail", "7", "no luck"], "7", "no luck"),
        (&["fail", "code:=7", "message=no luck"], "7", "no luck"),
        (&["panic"], "-32603 (internal error)", "internal error"),
        (&["add", "18446744073709551615", "1"], "-32000", "the sum has more than 64 bits"),
        (&["add", "1"], "-32602 (invalid params)", "missing param 2 `b`: expected a number"),
        (&["echo"], "-32602 (invalid params)", "missing param `value`"),
        (&["echo", "1", "2"], "-32602 (invalid params)", "2 params, and there are at most 1"),
        (&["echo", "x=1"], "-32602 (invalid params)", "params are value"),
        (&["fail", "7"], "-32602 (invalid params)", "missing param `message`"),
        (&["fail", "x", "y"], "-32602 (invalid params)", "code: invalid type: string"),
    ];
    for protocol in ["jsonrpc", "msgpack"] {
        let url = server.url(protocol);
        for (args, code, message) in cases {
            // Over MessagePack-RPC one map is a value as good as any other.
            if protocol == "msgpack" && args == &["echo", "x=1"] {
                continue;
            }
            let args = [&["call", &url], *args].concat();
            let ran = run(&args).await;
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{args:?}: {}", ran.stderr);
            let begin = format!(
                "error: the peer answered with an error\n  code: {code}\n  message: {message}"
            );
            assert!(ran.stderr.starts_with(&begin), "{args:?}: {}", ran.stderr);
        }
        for (data, shown) in
            [("[1,{}]", "[1,{}]"), ("null", "null"), ("two words", "\"two words\"")]
        {
            let ran = run(&["call", &url, "fail", "-1", "m", data]).await;
            let error = format!(
                "error: the peer answered with an error\n  code: -1\n  message: m\n  data: {shown}"
            );
            assert_eq!(ran, Ran::failed(1, &error));
        }
    }
}

/// Whatever the value is, echo gives it back byte for byte.
#[tokio::test]
async fn echo_alters_nothing() {
    let server = Serving::demo().await;
    let values: &[&[u8]] = &[
        b"\xc4\x03\0\xff\x01",
        b"\xc7\x03\x05abc",
        b"\xd4\xff\x01",
        b"\xa1\xff",
        b"\xd3\0\0\0\0\0\0\0\x01",
        b"\xdc\0\x01\xc0",
        b"\xca\x7f\xc0\0\x01",
        b"\x82\x01\x02\xc0\x90",
        b"\x81\xa1x\x01",
    ];
    for value in values {
        let request = [b"\x94\0\x07\xa4echo\x91", *value].concat();
        let expected = [b"\x94\x01\x07\xc0", *value].concat();
        assert_eq!(exchange(&server.urls[0], &request, expected.len()).await, expected);
    }
    let named = b"\x94\0\x07\xa4echo\x91\x81\xa5value\xc4\x01\xff";
    assert_eq!(exchange(&server.urls[0], named, 7).await, b"\x94\x01\x07\xc0\xc4\x01\xff");
    let request =
        br#"{"jsonrpc":"2.0","id":1,"method":"echo","params":[{"a" : 1.50, "a":"\u00e4"}]}"#;
    let expected = br#"{"jsonrpc":"2.0","id":1,"result":{"a" : 1.50, "a":"\u00e4"}}"#;
    assert_eq!(exchange(&server.urls[0], request, expected.len()).await, expected);
}

#[tokio::test]
async fn a_panic_ends_nothing() {
    let server = Serving::demo().await;
    let url = server.url("jsonrpc");
    for _ in 0..3 {
        assert_eq!(run(&["call", &url, "panic"]).await.code, Some(1));
    }
    assert_eq!(run(&["call", &url, "add", "1", "1"]).await, Ran::answered("2"));
}

#[tokio::test]
async fn a_limit_of_time() {
    let server = Serving::with(&["--timeout", "0.2", "--bind", "tcp://127.0.0.1:0"], 1).await;
    let ran = run(&["call", &server.urls[0], "sleep", "600"]).await;
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("\n  code: -32011 (took too long)\n"), "{}", ran.stderr);
}
