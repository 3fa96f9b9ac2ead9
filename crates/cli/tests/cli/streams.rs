//! README, "Streams": values as they come, lines as they are sent, and who ends it.

use std::{os::unix::process::ExitStatusExt, process::Stdio};

use futures_util::stream;
use rustix::process::Signal;
use tinyrpc::{Context, Dispatcher};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use crate::support::{
    command::{Ran, Serving, finish, run, run_with_input, tinyrpc},
    served::serve,
    within,
};

#[tokio::test]
async fn values() {
    let server = Serving::demo().await;
    for protocol in ["jsonrpc", "msgpack"] {
        let url = server.url(protocol);
        let cases: &[(&[&str], &str, &str)] = &[
            (&["--follow", "count", "3"], "", "1\n2\n3"),
            (&["count", "3"], "", "[1,2,3]"),
            (&["--limit", "2", "count", "1000000000000"], "", "1\n2"),
            (&["--limit", "5", "count", "3"], "", "1\n2\n3"),
            (&["--follow", "add", "2", "3"], "", "5"),
            (&["--follow", "--pretty", "echo", "[[1]]"], "", "[\n  [\n    1\n  ]\n]"),
            (&["--send", "sum"], "1\n 2 \n\n0.5", "3.5"),
            (&["--send", "sum"], "", "0"),
            (&["--send", "--follow", "totals"], "1\n2\n3\n", "1\n3\n6"),
            (&["--send", "totals"], "1\n2\n", "[1,3]"),
            // More than either side takes before it is read.
            (&["--send", "--limit", "1", "totals"], &"7\n".repeat(10_000), "7"),
        ];
        for (args, input, printed) in cases {
            let args = [&["call", &url], *args].concat();
            // Where the call ends first, nobody reads the rest.
            let mut call = tinyrpc(&args).stdin(Stdio::piped()).spawn().expect("it starts");
            let mut stdin = call.stdin.take().expect("it is piped");
            _ = stdin.write_all(input.as_bytes()).await;
            drop(stdin);
            assert_eq!(finish(call, &args).await, Ran::answered(printed), "{args:?}");
        }
        let many: Vec<_> = (1..=5_000).map(|number: u32| number.to_string()).collect();
        let args = ["call", &url, "--follow", "count", "5000"];
        assert_eq!(run(&args).await, Ran::answered(&many.join("\n")));
        let args = ["call", &url, "--send", "sum"];
        assert_eq!(run_with_input(&args, &many.join("\n")).await, Ran::answered("12502500"));
    }
    let nothing = run(&["call", &server.urls[0], "--follow", "count", "0"]).await;
    assert_eq!(nothing, Ran { stdout: String::new(), ..Ran::answered("") });
}

#[tokio::test]
async fn errors() {
    let server = Serving::demo().await;
    for protocol in ["jsonrpc", "msgpack"] {
        let url = server.url(protocol);
        let cases: &[(&[&str], &str, i32, &str, &str)] = &[
            (&["--follow", "fail", "7", "no luck"], "", 1, "", "code: 7\n"),
            (&["--follow", "missing"], "", 1, "", "code: -32601 (method not found)\n"),
            (&["--send", "--follow", "totals"], "1\n[]\n", 1, "1\n", "code: -32602"),
            (&["--send", "sum"], "1\ntwo\n", 2, "", "error: line 2 of standard input: "),
            (&["--send", "--text", "sum"], "1\n", 1, "", "invalid type: string \"1\""),
            (&["--timeout", "2", "--follow", "count", "2", "600"], "", 3, "1\n", "within 2 s"),
            (&["--send", "sum", "-"], "[1]", 2, "", "error: standard input has either"),
            (&["--limit", "0", "count", "1"], "", 2, "", "--limit"),
        ];
        for (args, input, code, printed, said) in cases {
            let args = [&["call", &url], *args].concat();
            let mut call = tinyrpc(&args).stdin(Stdio::piped()).spawn().expect("it starts");
            let mut stdin = call.stdin.take().expect("it is piped");
            // Wrong usage reads nothing.
            _ = stdin.write_all(input.as_bytes()).await;
            drop(stdin);
            let ran = finish(call, &args).await;
            let stderr = &ran.stderr;
            assert_eq!((ran.code, &*ran.stdout), (Some(*code), *printed), "{args:?}: {stderr}");
            assert!(stderr.contains(said), "{args:?}: {stderr}");
        }
    }
}

/// Where no values can be sent, or come as a stream.
#[tokio::test]
async fn peers_without_streams() {
    let server = Serving::with(&["--bind", "http://127.0.0.1:0"], 1).await;
    let (text, binary) = (server.urls[0].clone(), format!("msgpack+{}", server.urls[0]));
    for (url, option, hint) in [
        (&binary, "--follow", "hint: without --follow, "),
        (&text, "--send", "hint: without --send, "),
    ] {
        let ran = run(&["call", url, option, "sum"]).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{url} {option}: {}", ran.stderr);
        assert!(ran.stderr.contains(hint), "{url} {option}: {}", ran.stderr);
    }
}

/// Tells when it is dropped.
struct Guard(UnboundedSender<&'static str>);

impl Drop for Guard {
    fn drop(&mut self) {
        _ = self.0.send("dropped");
    }
}

/// Methods that never end by themselves, and what becomes of their calls.
fn endless() -> (Dispatcher, UnboundedReceiver<&'static str>) {
    let (events, seen) = unbounded_channel();
    let (ticks, waits) = (events.clone(), events);
    let service = Dispatcher::new()
        .stream("ticks", move || {
            let guard = Guard(ticks.clone());
            stream::iter((0_u64..).inspect(move |_| _ = &guard))
        })
        .method("wait", move |context: Context| {
            let guard = Guard(waits.clone());
            async move {
                let mut values = context.input::<u64>();
                while values.next().await.is_some() {
                    _ = guard.0.send("value");
                }
                std::future::pending::<()>().await;
            }
        });
    (service, seen)
}

/// Who ends a call early has its handler stopped.
#[tokio::test]
async fn the_peer_is_told() {
    for protocol in ["jsonrpc", "msgpack"] {
        let (service, mut seen) = endless();
        let (_server, url) = serve(protocol, service).await;
        let ran = run(&["call", &url, "--limit", "2", "ticks"]).await;
        assert_eq!(ran, Ran::answered("0\n1"));
        assert_eq!(within("the end of the handler", seen.recv()).await, Some("dropped"));

        // A reader that has gone away.
        let args = ["call", &url, "--follow", "ticks"];
        let mut call = tinyrpc(&args).spawn().expect("it starts");
        let mut lines = BufReader::new(call.stdout.take().expect("it is piped")).lines();
        let line = within("a value", lines.next_line()).await.expect("it is text");
        assert_eq!(line.as_deref(), Some("0"));
        drop(lines);
        assert_eq!(within("the end of the handler", seen.recv()).await, Some("dropped"));
        let ran = finish(call, &args).await;
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    }
}

#[tokio::test]
async fn signals_cancel_and_end_it_by_themselves() {
    for (protocol, signal) in [("jsonrpc", Signal::INT), ("msgpack", Signal::TERM)] {
        let (service, mut seen) = endless();
        let (_server, url) = serve(protocol, service).await;
        let args = ["call", "-v", &url, "--send", "wait"];
        let mut call = tinyrpc(&args).stdin(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = call.stdin.take().expect("it is piped");
        stdin.write_all(b"1\n").await.expect("it reads");
        assert_eq!(within("a value", seen.recv()).await, Some("value"));
        let pid = call.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        rustix::process::kill_process(pid.expect("it runs"), signal).expect("it is a child");
        assert_eq!(within("the end of the handler", seen.recv()).await, Some("dropped"));
        let output = within("the call", call.wait_with_output()).await.expect("its output");
        assert_eq!(output.status.signal(), Some(signal.as_raw()));
        let told = String::from_utf8_lossy(&output.stderr);
        let cancel = if protocol == "jsonrpc" { "rpc.cancel" } else { "sent 3 bytes" };
        assert!(told.contains("rpc.hello") && told.contains(cancel), "{told}");
        drop(stdin);
    }
}
