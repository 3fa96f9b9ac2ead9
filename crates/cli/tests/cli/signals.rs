//! README, "Serving": how a server ends.

use rustix::process::Signal;

use crate::support::command::{Ran, Serving, finish, run, tinyrpc};

#[tokio::test]
async fn a_signal_ends_an_idle_server() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Serving::demo().await;
        server.signal(signal);
        assert_eq!(server.ended().await, Some(0), "{signal:?}");
        assert_eq!(server.stdout.next_line().await.expect("it is text"), None);
        assert_eq!(server.stderr.next_line().await.expect("it is text"), None);
    }
}

/// The call is in execution when the signal comes: it is answered, and nobody new is let in.
#[tokio::test]
async fn calls_in_execution_may_finish() {
    for protocol in ["jsonrpc", "msgpack"] {
        let mut server = Serving::with(&["-v", "--bind", "tcp://127.0.0.1:0"], 1).await;
        let url = server.url(protocol);
        let args = ["call", &url, "sleep", "2"];
        let call = tinyrpc(&args).spawn().expect("it starts");
        server.says("wire: received").await;
        server.signal(Signal::TERM);
        server.says("shutting down").await;
        let ran = run(&["call", &url, "add", "1", "2"]).await;
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("\n  outcome: not executed, a retry is safe\n"),
            "{}",
            ran.stderr
        );
        assert_eq!(finish(call, &args).await, Ran::answered("null"));
        assert_eq!(server.ended().await, Some(0));
    }
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut server = Serving::with(&["-v", "--bind", "tcp://127.0.0.1:0"], 1).await;
    let args = ["call", "--timeout", "0", &server.url("jsonrpc"), "sleep", "600"];
    let call = tinyrpc(&args).spawn().expect("it starts");
    server.says("wire: received").await;
    server.signal(Signal::TERM);
    server.says("shutting down: calls in execution may finish; a second signal ends them").await;
    server.signal(Signal::INT);
    assert_eq!(server.ended().await, Some(0));
    let ran = finish(call, &args).await;
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("\n  outcome: unknown, the call may have been executed\n"));
}

/// No exit code of its own: whoever waits for it sees the signal.
#[tokio::test]
async fn a_call_ends_by_the_signal_itself() {
    use std::os::unix::process::ExitStatusExt;

    let mut server = Serving::with(&["-v", "--bind", "tcp://127.0.0.1:0"], 1).await;
    let args = ["call", &server.urls[0], "sleep", "600"];
    let call = tinyrpc(&args).spawn().expect("it starts");
    server.says("wire: received").await;
    let pid = call.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
    rustix::process::kill_process(pid.expect("it runs"), Signal::INT).expect("it is a child");
    let output = crate::support::within("the call", call.wait_with_output()).await;
    assert_eq!(output.expect("its output").status.signal(), Some(2));
}
