//! README, "Several addresses and workers": calls to whoever is there, and to workers that come.

use std::net::TcpListener;

use tokio::process::{Child, Command};

use crate::support::{
    command::{Ran, Serving, finish, run, tinyrpc},
    files::Files,
    folder::Folder,
};

/// A port at which nobody listens.
fn dead_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has an address").port()
}

/// A worker of the demo that connects to some addresses. It is killed when this is dropped.
fn worker(options: &[&str]) -> Child {
    let args = [&["serve"], options, &["demo"]].concat();
    let mut command: Command = tinyrpc(&args);
    command.spawn().expect("it starts")
}

/// An answer, behind the addresses where the call listened.
fn answered(stdout: &str, listening: &[&str]) -> Ran {
    let lines = listening.iter().map(|url| format!("listening on {url}\n"));
    Ran { stderr: lines.collect(), ..Ran::answered(stdout) }
}

#[tokio::test]
async fn servers() {
    for protocol in ["jsonrpc", "msgpack"] {
        let (first, mut second) = (Serving::demo().await, Serving::demo().await);
        let (one, two) = (first.url(protocol), second.url(protocol));
        let dead = format!("{protocol}+tcp://127.0.0.1:{}", dead_port());
        for urls in [[&one, &two], [&dead, &two], [&one, &dead]] {
            let servers = ["--connect", urls[0], "--connect", urls[1]];
            let args = [&["call"], &servers[..], &["add", "-2", "44"]].concat();
            assert_eq!(run(&args).await, Ran::answered("42"), "{args:?}");
            let args = [&["notify"], &servers[..], &["add", "-2", "44"]].concat();
            assert_eq!(run(&args).await.code, Some(0), "{args:?}");
            // Options may stand anywhere.
            let args = [&["call", "echo", "--", "-x"], &[][..]].concat();
            let args = [&args[..1], &servers[..], &args[1..]].concat();
            assert_eq!(run(&args).await, Ran::answered("\"-x\""), "{args:?}");
        }
        second.signal(rustix::process::Signal::TERM);
        assert_eq!(second.ended().await, Some(0));
        drop(first);
        let args = ["call", "--connect", &two, "--connect", &dead, "add", "1", "2"];
        let ran = run(&args).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(3), ""), "{ran:?}");
        assert!(ran.stderr.contains("outcome: not executed, a retry is safe"), "{ran:?}");
    }
}

#[tokio::test]
async fn workers() {
    let folder = Folder::new();
    let socket = folder.path("a.sock");
    let tcp = |scheme: &str| format!("{scheme}://127.0.0.1:{}", dead_port());
    for (bind, connect) in [
        (tcp("tcp"), None),
        (tcp("msgpack+tcp"), None),
        (tcp("jsonrpc+tcp"), None),
        (tcp("msgpack+ws"), None),
        (tcp("msgpack+zmq"), None),
        (format!("msgpack+unix://{}", socket.display()), None),
        (tcp("msgpack+tcp") + "?framing=netstring", None),
    ] {
        let connect = connect.unwrap_or_else(|| bind.clone());
        let _worker = worker(&["--connect", &connect]);
        // One call after the other: the worker comes back each time.
        for number in ["40", "41"] {
            let ran = run(&["call", "--bind", &bind, "add", "2", number]).await;
            let sum = if number == "40" { "42" } else { "43" };
            assert_eq!(ran, answered(sum, &[&bind]), "{bind}");
        }
        let ran = run(&["notify", "--bind", &bind, "add", "2", "40"]).await;
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
}

#[tokio::test]
async fn servers_that_work_and_calls_that_do_both() {
    let (a, b) = (dead_port(), dead_port());
    let url = |port| format!("tcp://127.0.0.1:{port}");
    let options = ["--bind", "tcp://127.0.0.1:0", "--connect", &url(a), "--connect", &url(b)];
    let mut server = Serving::with(&options, 1).await;
    for port in [a, b] {
        let line = server.stdout.next_line().await.expect("it is text");
        assert_eq!(line, Some(format!("connecting to {}", url(port))));
    }
    let listening = server.urls[0].clone();
    assert_eq!(run(&["call", &listening, "add", "1", "1"]).await, Ran::answered("2"));
    // Nobody listens at the first address, and the worker comes to the last.
    let dead = url(dead_port());
    let args = ["call", "--connect", &dead, "--bind", &url(b), "--bind", &url(a), "add", "1", "1"];
    let ran = run(&args).await;
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "2\n"), "{ran:?}");
    server.signal(rustix::process::Signal::TERM);
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn over_tls() {
    let files = Files::certificates();
    let url = format!("msgpack+tls://localhost:{}", dead_port());
    let (ca, cert, key) = (files.path("ca"), files.path("localhost"), files.path("localhost.key"));
    let (client, client_key) = (files.path("client"), files.path("client.key"));
    let own = ["--cert", &client, "--key", &client_key];
    let _worker = worker(&[&["--connect", &url, "--ca", &ca], &own[..]].concat());
    let bound = ["call", "--bind", &url, "--cert", &cert, "--key", &key];
    for options in [&[][..], &["--ca", &ca]] {
        let args = [&bound[..], options, &["add", "2", "40"]].concat();
        let ran = finish(tinyrpc(&args).spawn().expect("it starts"), &args).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(0), "42\n"), "{ran:?}");
    }
}

#[tokio::test]
async fn nobody() {
    let args = ["call", "--timeout", "0.2", "--bind", "tcp://127.0.0.1:0", "add", "1", "2"];
    let ran = run(&args).await;
    assert_eq!((ran.code, &*ran.stdout), (Some(3), ""));
    let (listening, error) = ran.stderr.split_once('\n').expect("two lines");
    assert!(listening.starts_with("listening on tcp://127.0.0.1:") && !listening.ends_with(":0"));
    let expected = "error: no worker connected within 0.2 s\n  \
                    outcome: not executed, a retry is safe\n  hint: does a worker connect here";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn usage() {
    let any = "tcp://127.0.0.1:0";
    for (args, why) in [
        (&["call", "--bind", any][..], "arguments were not provided:\n  <METHOD>\n"),
        (&["call", "--connect", "tcp://127.0.0.1:1"], "not provided:\n  <METHOD>\n"),
        (
            &["call", "--bind", any, "--params", "[1]", "add", "2"],
            "error: the argument '--params <JSON>' cannot be used with '[ARG]...'\n",
        ),
        (&["call", "--allow-remote", any, "m"], "not provided:\n  --bind <URL>\n"),
        (
            &["call", "--bind", "tcp://0:0", "m"],
            "error: tcp://0:0 is reachable from other machines",
        ),
        (&["call", "--bind", "tls://127.0.0.1:0", "m"], "needs a certificate and its key\n"),
        (
            &["call", "--bind", any, "--header", "A: b", "m"],
            "error: who listens sends no headers\n",
        ),
        (
            &["call", "--connect", "tcp://h:1", "--connect", "msgpack+tcp://h:1", "m"],
            "error: the URLs have protocols of different formats\n",
        ),
        (&["call", "--bind", "http://127.0.0.1:0", "m"], "bind over ws or wss\n"),
        (&["serve", "--connect", "http://127.0.0.1:1", "demo"], "use ws or wss, or listen\n"),
        (&["serve", "--connect", "nonsense", "demo"], "error: `nonsense` is not a URL"),
        (
            &["serve", "--bind", any, "--ca", "x", "demo"],
            "error: --ca wants certificates of clients",
        ),
    ] {
        let ran = run(args).await;
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(why), "{args:?}: {}", ran.stderr);
    }
}
