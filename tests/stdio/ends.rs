//! How connections to programs end: every call at once, and with the reason.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use tinyrpc::{Client, Outcome, transports::exec::ExecConnector};
use tokio::net::TcpListener;

use crate::{
    block_on,
    child::{builder, connect},
};

/// How long calls may go on after the program has ended.
const PROMISED: Duration = Duration::from_millis(100);
/// How often it is tried to keep that promise on a machine with much else to do.
const TRIES: usize = 5;

async fn kill(client: &Client) -> Instant {
    let number: i32 = client.call("number", ()).await.expect("a number");
    let began = Instant::now();
    let number = Pid::from_raw(number).expect("not zero");
    kill_process(number, Signal::KILL).expect("it runs");
    began
}

/// A thousand calls in flight when the program is killed; with `kept`, something that it started
/// holds its output open. How long it took until all had ended.
async fn killed(protocol: &str, kept: bool) -> Duration {
    let client = connect("serve", protocol).await;
    let lives = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    if kept {
        let life = lives.local_addr().expect("it is bound").to_string();
        client.call::<_, u32>("spawn", (life, true)).await.expect("it starts");
        lives.accept().await.expect("it lives");
    }
    let calls = (0..1000).map(|_| client.call::<_, u8>("never", ()));
    let calls = join_all(calls);
    let (errors, began) = futures_util::future::join(calls, kill(&client)).await;
    let took = began.elapsed();
    for error in errors {
        let error = error.expect_err("nobody answers");
        assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
        let words = "has ended: signal: 9 (SIGKILL)";
        assert!(error.to_string().contains(words), "{error}");
    }
    client.closed().await;
    let error = client.call::<_, u8>("never", ()).await.expect_err("it is gone");
    assert_eq!(error.outcome(), Outcome::NotExecuted, "{error}");
    took
}

#[test]
fn a_killed_program_fails_its_calls_at_once() {
    for (protocol, kept) in [("jsonrpc", false), ("msgpack", false), ("jsonrpc", true)] {
        block_on(async {
            let mut took = Vec::new();
            for _ in 0..TRIES {
                took.push(killed(protocol, kept).await);
                if took.last() <= Some(&PROMISED) {
                    return;
                }
            }
            panic!("{protocol} {kept}: {took:?}");
        });
    }
}

#[test]
fn the_reason_is_how_it_ended() {
    block_on(async {
        for (code, words) in [(7, "exit status: 7"), (0, "exit status: 0")] {
            let client = connect("serve", "jsonrpc").await;
            let error = client.call::<_, u8>("exit", (code,)).await.expect_err("it is gone");
            assert_eq!(error.outcome(), Outcome::Unknown);
            assert!(error.to_string().contains(words), "{error}");
        }
        // Before it said anything at all.
        let client = builder(ExecConnector::new("sh").args(["-c", "exit 3"]), "jsonrpc");
        let client = client.connect().await.expect("it starts");
        let error = client.call::<_, u8>("add", (1, 2)).await.expect_err("it is gone");
        client.closed().await;
        let error = match error.to_string().contains("Broken pipe") {
            // Its input was closed before its end was seen.
            true => client.call::<_, u8>("add", (1, 2)).await.expect_err("it is gone"),
            false => error,
        };
        let words = error.to_string();
        assert!(words.contains("exit status: 3") || words.contains("Broken pipe"), "{words}");
    });
}

/// What a program writes before it ends is heard, however much it is.
#[test]
fn last_words_are_heard() {
    block_on(async {
        let answers: String = (1..=2000)
            .map(|id| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":7}}\\n"))
            .collect();
        // It reads one line, and ends when it has written.
        let script = format!("read line; printf '{answers}'");
        for _ in 0..10 {
            let program = ExecConnector::new("sh").args(["-c", &script]);
            let client = builder(program, "jsonrpc").connect().await.expect("it starts");
            let calls = join_all((0..1000).map(|_| client.call::<_, u8>("any", ()))).await;
            let failed = calls.iter().filter(|answer| !matches!(answer, Ok(7))).count();
            assert_eq!(failed, 0, "{:?}", calls.iter().find(|answer| answer.is_err()));
        }
    });
}

/// Its output has ended, so nothing can come any more; it need not have ended itself.
#[test]
fn a_program_that_closes_its_output() {
    block_on(async {
        let program = ExecConnector::new("sh").args(["-c", "exec >&-; cat >/dev/null"]);
        let client = builder(program, "jsonrpc").connect().await.expect("it starts");
        let error = client.call::<_, u8>("never", ()).await.expect_err("nobody answers");
        assert!(error.to_string().contains("closed"), "{error}");
        client.closed().await;
    });
}
