//! Calls over the standard streams of a program, both ways.

use futures_util::future::join_all;
use tinyrpc::{Client, Dispatcher, Outcome, transports::exec::ExecConnector};

use crate::{
    block_on,
    child::{builder, connect, program},
};

const PROTOCOLS: [&str; 2] = ["jsonrpc", "msgpack"];

#[test]
fn both_protocols_both_ways() {
    for protocol in PROTOCOLS {
        block_on(async {
            let mine = Dispatcher::new().method("twice", |n: i64| 2 * n);
            let client = builder(program("serve"), protocol).serve(mine).connect().await;
            let client = client.expect("it starts");
            assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5);
            assert_eq!(client.call::<_, i64>("ask", (21,)).await.expect("an answer"), 42);
            let sums = join_all((0..1000).map(|n| client.call::<_, i64>("add", (n, 1)))).await;
            for (n, sum) in (0..).zip(sums) {
                assert_eq!(sum.expect("a sum"), n + 1);
            }
            let error = client.call::<_, i64>("nothing", ()).await.expect_err("no such method");
            assert_eq!(error.outcome(), Outcome::Answered, "{error}");
            client.close().await;
        });
    }
}

/// More than a pipe holds, both ways at the same time.
#[test]
fn large_values() {
    const SIZE: usize = 256 << 10;
    for protocol in PROTOCOLS {
        block_on(async {
            let client = connect("serve", protocol).await;
            let text = "y".repeat(SIZE);
            let calls = (0..3).map(|_| client.call::<_, String>("echo", (&text,)));
            let larges = (0..3).map(|_| client.call::<_, String>("large", (SIZE,)));
            let (echoes, larges) =
                futures_util::future::join(join_all(calls), join_all(larges)).await;
            for echo in echoes {
                assert!(echo.expect("a text") == text);
            }
            for large in larges {
                assert_eq!(large.expect("a text").len(), SIZE);
            }
            client.close().await;
        });
    }
}

/// The server recognises each of them.
#[test]
fn framings() {
    for protocol in PROTOCOLS {
        for framing in ["content-length", "netstring", "length", "self"] {
            block_on(async {
                let client = builder(program("serve"), protocol)
                    .option("framing", framing)
                    .expect("it carries both")
                    .connect()
                    .await
                    .expect("it starts");
                let sum = client.call::<_, i64>("add", (2, 3)).await;
                assert_eq!(sum.expect("a sum"), 5, "{protocol} {framing}");
                client.close().await;
            });
        }
    }
    let error = builder(program("serve"), "msgpack").option("framing", "lines").expect_err("text");
    assert!(error.to_string().contains("lines hold text"), "{error}");
}

/// Each connection is a program of its own.
#[test]
fn two_connections() {
    block_on(async {
        let one = connect("serve", "jsonrpc").await;
        let other = connect("serve", "jsonrpc").await;
        let number =
            async |client: &Client| -> u32 { client.call("number", ()).await.expect("a number") };
        assert_ne!(number(&one).await, number(&other).await);
        one.close().await;
        assert_eq!(other.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5);
        other.close().await;
    });
}

/// Who starts and who calls are different questions.
#[test]
fn the_program_calls_us() {
    block_on(async {
        let (done, sum) = tokio::sync::oneshot::channel();
        let done = std::sync::Mutex::new(Some(done));
        let mine = Dispatcher::new().method("add", |a: i64, b: i64| a + b).method(
            "done",
            move |sum: i64| {
                let done = done.lock().expect("no panic").take().expect("it comes once");
                done.send(sum).expect("it is waited for");
            },
        );
        let client = builder(program("call"), "jsonrpc").serve(mine).connect().await;
        let client = client.expect("it starts");
        assert_eq!(sum.await.expect("it is told"), 42);
        client.closed().await;
    });
}

#[test]
fn what_cannot_be_started() {
    block_on(async {
        let missing = ExecConnector::new("/no/such program").arg("x");
        let error = builder(missing, "jsonrpc").connect().await.expect_err("there is none");
        let expected = "exec:'/no/such program' x: cannot start `/no/such program`: No such file";
        assert!(error.to_string().starts_with(expected), "{error}");
        for line in ["exec:", "exec: ", "exec:'server", "exec:server \"a"] {
            let error = tinyrpc::connect(line).await.expect_err(line);
            let expected =
                format!("`{line}`: expected a line as for a shell, as in exec:python3 server.py");
            assert_eq!(error.to_string(), expected);
        }
        let error = tinyrpc::serve("exec:server", Dispatcher::new()).await.expect_err("it calls");
        let expected =
            "`exec:server` starts a program to call it; to be called by one, listen on stdio:";
        assert_eq!(error.to_string(), expected);
    });
}

#[test]
fn lines_are_read_as_a_shell_does() {
    for (line, expected) in [
        ("server", "exec:server"),
        ("  server  a\tb ", "exec:server a b"),
        ("'my server' \"a b\" c\\ d ''", "exec:'my server' 'a b' 'c d' ''"),
        ("server --a=\"b c\" $HOME *", "exec:server '--a=b c' '$HOME' '*'"),
    ] {
        let connector = ExecConnector::from_line(line).expect(line);
        assert_eq!(connector.to_string(), expected);
        let again = ExecConnector::from_line(&expected["exec:".len()..]).expect(expected);
        assert_eq!(again.to_string(), expected);
    }
    for line in ["", "  ", "'a", "a \"b", "# only a comment"] {
        assert!(ExecConnector::from_line(line).is_none(), "{line}");
    }
}
