//! README, "Exit codes" and "Errors": what is said where there is no result.

use std::net::TcpListener;

use tinyrpc::{Code, Dispatcher, RpcError};
use tokio::{io::AsyncWriteExt, net};

use crate::support::{
    command::{Ran, Serving, run},
    folder::Folder,
    served::{Fixed, serve},
    within,
};

/// A port at which nobody listens.
fn dead_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has an address").port()
}

#[tokio::test]
async fn usage() {
    let cases: &[(&[&str], &str)] = &[
        (&[], ""),
        (
            &["call"],
            "error: the following required arguments were not provided:\n  <URL>\n  <METHOD>\n",
        ),
        (
            &["call", "tcp://127.0.0.1:1"],
            "error: the following required arguments were not provided:\n  <METHOD>\n",
        ),
        (
            &["serve", "demo"],
            "error: the following required arguments were not provided:\n  --bind <URL>\n",
        ),
        (
            &["serve", "--bind", "tcp://127.0.0.1:0", "other"],
            "error: invalid value 'other' for '<SERVICE>'\n",
        ),
        (&["nonsense"], "error: unrecognized subcommand 'nonsense'\n"),
        (&["completions", "tcsh"], "error: invalid value 'tcsh' for '<SHELL>'\n"),
        (
            &["call", "--nonsense", "tcp://127.0.0.1:1", "m"],
            "error: unexpected argument '--nonsense' found\n",
        ),
        (
            &["call", "--timeout", "-1", "tcp://127.0.0.1:1", "m"],
            "error: invalid value '-1' for '--timeout <SECONDS>': expected a number of seconds that is not negative\n",
        ),
        (
            &["call", "--timeout", "soon", "tcp://127.0.0.1:1", "m"],
            "error: invalid value 'soon' for '--timeout <SECONDS>': ",
        ),
        (
            &["call", "nonsense", "m"],
            "error: `nonsense` is not a URL: expected [PROTOCOL+]TRANSPORT://ADDRESS",
        ),
        (&["call", "nonsense+tcp://127.0.0.1:1", "m"], "error: unknown protocol `nonsense`: "),
        (&["call", "nonsense://127.0.0.1:1", "m"], "error: unknown transport `nonsense`: "),
        (&["call", "auto+tcp://127.0.0.1:1", "m"], "error: a client cannot use `auto`: "),
        (&["call", "tcp://127.0.0.1:1?nonsense=1", "m"], "error: unknown option `nonsense`: "),
        (
            &["call", "--framing", "nonsense", "tcp://127.0.0.1:1", "m"],
            "error: `framing=nonsense`: expected ",
        ),
        (&["call", "tcp://127.0.0.1", "m"], "error: tcp://127.0.0.1: invalid socket address\n"),
        (
            &["call", "tcp://127.0.0.1:70000", "m"],
            "error: tcp://127.0.0.1:70000: invalid port value\n",
        ),
        (&["notify", "nonsense", "m"], "error: `nonsense` is not a URL: "),
        (&["serve", "--bind", "nonsense", "demo"], "error: `nonsense` is not a URL: "),
        (
            &["serve", "--bind", "tcp://0:0", "demo"],
            "error: tcp://0:0 is reachable from other machines, and whoever reaches it may call everything\n  hint: listen on 127.0.0.1, or say --allow-remote if that is meant\n",
        ),
    ];
    for (args, begin) in cases {
        let ran = run(args).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{args:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with(begin), "{args:?}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn nobody_listens() {
    let port = dead_port();
    for command in ["call", "notify"] {
        for protocol in ["jsonrpc", "msgpack"] {
            let url = format!("{protocol}+tcp://127.0.0.1:{port}");
            let ran = run(&[command, &url, "m"]).await;
            let error = format!(
                "error: tcp://127.0.0.1:{port}: Connection refused (os error 111)\n  \
                 outcome: not executed, a retry is safe\n  \
                 hint: nobody listens there: is the server running, and is this its address?"
            );
            let error = if cfg!(target_os = "linux") { error } else { error.replace("111", "61") };
            assert_eq!(ran, Ran::failed(3, &error));
        }
    }
}

#[tokio::test]
async fn the_address_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("tcp://{}", taken.local_addr().expect("it has an address"));
    let ran = run(&["serve", "--bind", "tcp://127.0.0.1:0", "--bind", &url, "demo"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    assert!(
        ran.stderr.starts_with(&format!("error: {url}: Address already in use")),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn a_socket_is_taken() {
    let folder = Folder::new();
    let path = folder.path("a.sock");
    let url = format!("unix://{}", path.display());
    let _server = Serving::with(&["--bind", &url], 1).await;
    let ran = run(&["serve", "--bind", &url, "demo"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""), "{}", ran.stderr);
    let hint = "\n  hint: end the server that listens there, or choose another path\n";
    assert!(ran.stderr.ends_with(hint) && !ran.stderr.contains("port"), "{}", ran.stderr);
    for (command, hint) in [("call", "there is no such socket"), ("serve", "make the directory")] {
        let url = format!("unix://{}", folder.path("absent/a.sock").display());
        let rest: &[&str] = match command {
            "call" => &[&url, "m"],
            _ => &["--bind", &url, "demo"],
        };
        let ran = run(&[&[command], rest].concat()).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("\n  hint: {hint}")), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn no_time_left() {
    let server = Serving::demo().await;
    for (protocol, option, suffix) in [
        ("jsonrpc", &["--timeout", "0.2"][..], ""),
        ("msgpack", &["--timeout", "0.2"], ""),
        ("jsonrpc", &[], "?timeout=0.2"),
        ("msgpack", &["--timeout", "0.2"], "?timeout=600"),
    ] {
        let url = format!("{}{suffix}", server.url(protocol));
        let ran = run(&[&["call", &url, "sleep", "600"], option].concat()).await;
        let error = "error: no answer within 0.2 s\n  \
                     outcome: unknown, the call may have been executed\n  \
                     hint: --timeout SECONDS waits longer, 0 for ever";
        assert_eq!(ran, Ran::failed(3, error));
    }
}

/// A server that accepts nobody more: its queue is full, and the system drops what comes.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_connection_in_time() {
    let socket = net::TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("it has an address");
    let waiting: Vec<_> = (0..8).map(|_| tokio::spawn(net::TcpStream::connect(address))).collect();
    // Two connections fill the queue, whichever they are.
    let (mut made, mut waiting) = (Vec::new(), waiting);
    while made.len() < 2 {
        let (connection, _, rest) =
            within("a connection", futures_util::future::select_all(waiting)).await;
        made.push(connection.expect("it does not panic").expect("a connection"));
        waiting = rest;
    }
    let url = format!("tcp://{address}");
    let ran = run(&["call", "--timeout", "0.3", &url, "m"]).await;
    let error = format!(
        "error: {url}: no connection within 0.3 s\n  \
         outcome: not executed, a retry is safe\n  \
         hint: is the address right, and reachable from here? --timeout SECONDS waits longer"
    );
    assert_eq!(ran, Ran::failed(3, &error));
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn the_peer_hangs_up() {
    let listener = net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("tcp://{}", listener.local_addr().expect("it has an address"));
    let hang_up = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        // Read, so that the connection ends in order.
        let mut bytes = [0; 1024];
        tokio::io::AsyncReadExt::read(&mut stream, &mut bytes).await.expect("a request");
        stream.shutdown().await.expect("it can be closed");
    });
    let ran = run(&["call", &url, "m"]).await;
    let error = "error: no answer: the peer closed the connection\n  \
                 outcome: unknown, the call may have been executed\n  \
                 hint: did the peer end, or does it speak another protocol? A URL may name it: msgpack+tcp://…";
    assert_eq!(ran, Ran::failed(3, error));
    hang_up.await.expect("it ends");
}

#[tokio::test]
async fn the_peer_speaks_another_protocol() {
    let options = ["--bind", "jsonrpc+tcp://127.0.0.1:0", "--bind", "msgpack+tcp://127.0.0.1:0"];
    let server = Serving::with(&options, 2).await;
    for (url, other) in [(&server.urls[0], "msgpack"), (&server.urls[1], "jsonrpc")] {
        let (_, address) = url.split_once('+').expect("a protocol");
        let ran = run(&["call", &format!("{other}+{address}"), "add", "1", "2"]).await;
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        assert!(ran.stderr.starts_with("error: no answer: "), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("\n  hint: did the peer end, or does it speak another protocol?")
        );
    }
}

/// No id, but whose error could it be.
#[tokio::test]
async fn an_error_that_names_no_call() {
    let server = Serving::demo().await;
    let ran = run(&["call", &server.urls[0], "echo", "\"\\ud800\""]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    let begin = "error: the peer answered with an error that names no call\n  \
                 code: -32700 (parse error)\n  message: half of a surrogate pair in a string";
    assert!(ran.stderr.starts_with(begin), "{}", ran.stderr);
}

#[tokio::test]
async fn a_refusal_was_not_executed() {
    let busy = Dispatcher::new().method("m", || Err::<(), _>(RpcError::refused("too much to do")));
    for protocol in ["jsonrpc", "msgpack"] {
        let (_server, url) = serve(protocol, busy.clone()).await;
        let ran = run(&["call", &url, "m"]).await;
        let error = "error: the peer answered with an error\n  \
                     code: -32010 (refused)\n  message: too much to do\n  data: \"rpc.not_executed\"\n  \
                     outcome: not executed, a retry is safe\n  \
                     hint: the peer has too much to do, or is shutting down: try again later";
        assert_eq!(ran, Ran::failed(1, error));
    }
}

/// Nothing that a peer says moves the cursor of whoever reads it.
#[tokio::test]
async fn hostile_texts_are_escaped() {
    let hostile = Dispatcher::new().method("m", || {
        let error = RpcError::new(Code(1), "\u{1b}[2J\u{9b}31m\r\nerror: \u{202e}fine");
        Err::<(), _>(error.with_data("\u{1b}]0;x\u{7}\u{9b}"))
    });
    for protocol in ["jsonrpc", "msgpack"] {
        let (_server, url) = serve(protocol, hostile.clone()).await;
        let ran = run(&["call", &url, "m"]).await;
        let error = "error: the peer answered with an error\n  code: 1\n  \
                     message: \\u{1b}[2J\\u{9b}31m\\r\\nerror: \\u{202e}fine\n  \
                     data: \"\\u001b]0;x\\u0007\\u009b\"";
        assert_eq!(ran, Ran::failed(1, error));
    }
}

#[tokio::test]
async fn a_call_over_the_limit() {
    // A peer that knows the extension takes it in chunks, and its answer comes in chunks.
    let server = Serving::demo().await;
    let url = format!("{}?max_message=600", server.urls[0]);
    let long = "x".repeat(1000);
    let ran = run(&["call", &url, "echo", &long]).await;
    assert_eq!(ran, Ran::answered(&format!("\"{long}\"")));
    // Over HTTP nobody does.
    let server = Serving::with(&["--bind", "http://127.0.0.1:0"], 1).await;
    let url = format!("{}?max_message=600", server.urls[0]);
    let ran = run(&["call", &url, "echo", &long]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr.starts_with("error: the call is too large: the limit `max_message` of 600 ")
    );
    assert!(ran.stderr.ends_with("raises the limit: ?max_message=BYTES\n"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_result_over_the_limit() {
    const LARGE: &[u8] = &[b'1'; 700];
    let (_server, url) = serve("jsonrpc", Fixed(LARGE)).await;
    let ran = run(&["call", &format!("{url}?max_message=600"), "m"]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    assert!(ran.stderr.contains("limit `max_message` of 600 "), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("raises the limit: ?max_message=BYTES\n"), "{}", ran.stderr);
}
