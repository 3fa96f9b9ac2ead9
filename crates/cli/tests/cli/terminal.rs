//! README, "The result": what a person sees on a terminal.

use std::os::unix::process::ExitStatusExt;

use crate::support::{
    command::Serving,
    served::{Fixed, serve},
    terminal::OnTerminal,
};

async fn shown(args: &[&str], columns: u16) -> (String, Option<i32>) {
    let (shown, status) = OnTerminal::run(args, columns).end().await;
    (shown, status.code())
}

#[tokio::test]
async fn results_are_indented() {
    let server = Serving::demo().await;
    let args = ["call", &server.urls[0], "echo", r#"{"a":[1],"b":{}}"#];
    let pretty = "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}\n";
    assert_eq!(shown(&args, 80).await, (pretty.into(), Some(0)));
    let compact = [&args[..], &["--compact"]].concat();
    assert_eq!(shown(&compact, 80).await, ("{\"a\":[1],\"b\":{}}\n".into(), Some(0)));
}

#[tokio::test]
async fn results_move_no_cursor() {
    let hostile = "[\"\u{9b}2J\u{202e}\u{7f}\\u001b\"]".as_bytes();
    let (_server, url) = serve("jsonrpc", Fixed(hostile)).await;
    let harmless = "[\n  \"\\u009b2J\\u202e\\u007f\\u001b\"\n]\n";
    assert_eq!(shown(&["call", &url, "m"], 80).await, (harmless.into(), Some(0)));
}

/// Many peers escape everything that is not ASCII.
#[tokio::test]
async fn results_are_readable() {
    let (_server, url) = serve("jsonrpc", Fixed(br#""gr\u00fc\u00dfe \ud83d\ude00""#)).await;
    assert_eq!(shown(&["call", &url, "m"], 80).await, ("\"grüße 😀\"\n".into(), Some(0)));
}

#[tokio::test]
async fn failures_have_no_colours() {
    let server = Serving::demo().await;
    let error = "error: the peer answered with an error\n  code: 7\n  message: m\n";
    assert_eq!(
        shown(&["call", &server.urls[0], "fail", "7", "m"], 80).await,
        (error.into(), Some(1))
    );
}

#[tokio::test]
async fn help_fits() {
    for columns in [62, 80, 200] {
        for args in [&["--help"][..], &["help", "call"], &["serve", "--help"], &["notify", "-h"]] {
            let (text, code) = shown(args, columns).await;
            assert_eq!(code, Some(0));
            for line in text.lines().map(plain) {
                let width = line.chars().count();
                assert!(width <= usize::from(columns.min(100)), "{columns} columns: {line}");
            }
        }
    }
}

#[tokio::test]
async fn colours_can_be_declined() {
    let (text, _) = shown(&["call", "--help"], 80).await;
    assert!(text.contains('\u{1b}'), "{text}");
    let (text, status) = OnTerminal::without_colours(&["call", "--help"]).end().await;
    assert_eq!((text.contains('\u{1b}'), status.code()), (false, Some(0)));
}

/// A line without the sequences that make parts of it bold.
fn plain(line: &str) -> String {
    let mut out = String::new();
    for (index, part) in line.split("\u{1b}[").enumerate() {
        out.push_str(if index == 0 {
            part
        } else {
            part.split_once('m').map_or("", |(_, rest)| rest)
        });
    }
    out
}

#[tokio::test]
async fn ctrl_c_ends_a_server() {
    let mut server = OnTerminal::run(&["serve", "--bind", "tcp://127.0.0.1:0", "demo"], 80);
    server.shows("listening on tcp://127.0.0.1:").await;
    server.press("\u{3}").await;
    let (_, status) = server.end().await;
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn ctrl_c_ends_a_call() {
    let mut server = Serving::with(&["-v", "--bind", "tcp://127.0.0.1:0"], 1).await;
    let mut call = OnTerminal::run(&["call", &server.urls[0], "sleep", "600"], 80);
    server.says("wire: received").await;
    call.press("\u{3}").await;
    let (_, status) = call.end().await;
    assert_eq!(status.signal(), Some(2));
}

#[tokio::test]
async fn params_can_be_typed() {
    let server = Serving::demo().await;
    let mut call = OnTerminal::run(&["call", &server.urls[0], "add", "-"], 80);
    call.press("[20, 22]\n\u{4}").await;
    let (text, status) = call.end().await;
    assert_eq!(status.code(), Some(0));
    assert!(text.ends_with("\n42\n"), "{text}");
}
