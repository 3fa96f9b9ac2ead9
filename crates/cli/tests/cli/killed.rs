//! README, "Exit codes": a kill in mid-call, on either side.

use rustix::process::Signal;
use tinyrpc::Dispatcher;
use tokio::sync::mpsc;

use crate::support::{
    command::{Ran, Serving, finish, run, run_with_input, tinyrpc},
    served::serve,
    within,
};

#[tokio::test]
async fn the_server_is_killed() {
    for protocol in ["jsonrpc", "msgpack"] {
        let mut server = Serving::with(&["-v", "--bind", "tcp://127.0.0.1:0"], 1).await;
        let args = ["call", "--timeout", "0", &server.url(protocol), "sleep", "600"];
        let call = tinyrpc(&args).spawn().expect("it starts");
        server.says("wire: received").await;
        server.signal(Signal::KILL);
        let error = "error: no answer: the peer closed the connection\n  \
                     outcome: unknown, the call may have been executed\n  \
                     hint: did the peer end, or does it speak another protocol? A URL may name it: msgpack+tcp://…";
        assert_eq!(finish(call, &args).await, Ran::failed(3, error));
        assert_eq!(server.ended().await, None);
    }
}

/// Tells when it is dropped.
struct Guard(mpsc::UnboundedSender<&'static str>);

impl Drop for Guard {
    fn drop(&mut self) {
        _ = self.0.send("dropped");
    }
}

#[tokio::test]
async fn the_command_is_killed() {
    for protocol in ["jsonrpc", "msgpack"] {
        let (events, mut seen) = mpsc::unbounded_channel();
        let service = Dispatcher::new()
            .method("hang", move || {
                let guard = Guard(events.clone());
                async move {
                    _ = guard.0.send("begun");
                    std::future::pending::<()>().await;
                }
            })
            .method("add", |a: i64, b: i64| a + b);
        let (_server, url) = serve(protocol, service).await;
        let mut call =
            tinyrpc(&["call", "--timeout", "0", &url, "hang"]).spawn().expect("it starts");
        assert_eq!(within("the handler", seen.recv()).await, Some("begun"));
        call.kill().await.expect("it is killed");
        assert_eq!(within("the end of the handler", seen.recv()).await, Some("dropped"));
        assert_eq!(run(&["call", &url, "add", "1", "2"]).await, Ran::answered("3"));
    }
}

#[tokio::test]
async fn a_notification_arrives_before_the_command_ends() {
    for protocol in ["jsonrpc", "msgpack"] {
        let (events, mut seen) = mpsc::unbounded_channel();
        let service = Dispatcher::new()
            .method("log", move |text: String, level: Option<u8>| {
                _ = events.send((text, level));
            })
            .params(["text", "level"]);
        let (_server, url) = serve(protocol, service).await;
        let nothing = Ran { code: Some(0), stdout: String::new(), stderr: String::new() };
        assert_eq!(run(&["notify", &url, "log", "done"]).await, nothing);
        assert_eq!(within("it", seen.recv()).await, Some(("done".into(), None)));
        assert_eq!(run(&["notify", &url, "log", "level:=2", "text=1"]).await, nothing);
        assert_eq!(within("it", seen.recv()).await, Some(("1".into(), Some(2))));
        // Nobody answers, not even that there is no such method.
        assert_eq!(run(&["notify", &url, "nonsense"]).await, nothing);
    }
}

/// It fits into no buffer, and nobody reads it.
#[tokio::test]
async fn a_notification_that_nobody_takes() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    // More than any system takes for a peer that does not read.
    let long = format!("[\"{}\"]", "x".repeat(40_000_000));
    for protocol in ["jsonrpc", "msgpack"] {
        let url = format!("{protocol}+tcp://{address}?max_message=50000000");
        let ran = run_with_input(&["notify", "--timeout", "0.5", &url, "log", "-"], &long).await;
        let error = "error: the peer did not take the whole notification\n  \
                     outcome: unknown, the call may have been executed\n  \
                     hint: did the peer end, or stop reading? --timeout SECONDS waits longer";
        assert_eq!(ran, Ran::failed(3, error));
    }
}
