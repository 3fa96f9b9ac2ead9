//! A server that is killed, and the next one in its place.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
};

use tinyrpc::{Client, Dispatcher, Outcome, Server};

use crate::{block_on, files::names, folder::Folder};

/// Says to a copy of this test where it is to listen.
const LISTEN: &str = "TINYRPC_TEST_UNIX_LISTEN";

#[test]
fn server_process() {
    let Some(url) = env::var_os(LISTEN) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let service = Dispatcher::new()
            .method("add", |a: i64, b: i64| a + b)
            .method("never", std::future::pending::<u8>);
        let url = url.into_string().expect("text");
        let _server = Server::new(service).listen(url).await.expect("it is free");
        // Its own line: the test harness leaves one unfinished.
        eprintln!("\nready");
        // Whoever started it is gone when this ends.
        let ended = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0]));
        _ = ended.await;
    });
}

fn start(url: &str) -> Child {
    let mut child = Command::new(env::current_exe().expect("this test"))
        .args(["killed::server_process", "--exact", "--nocapture"])
        .env(LISTEN, url)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a copy of this test");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line == "ready")), "it does not listen");
    child
}

#[test]
fn the_next_server_takes_its_place() {
    let folder = Folder::new();
    let url = format!("unix://{}", folder.path("socket").display());
    block_on(async {
        for _ in 0..3 {
            let mut child = start(&url);
            let client = Client::connect(&url).await.expect("it listens");
            assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("a sum"), 5);
            let call = client.call::<_, u8>("never", ()).send().await.expect("it is sent");
            // What was sent before an answer was taken.
            client.call::<_, i64>("add", (2, 3)).await.expect("a sum");
            child.kill().expect("it runs");
            child.wait().expect("a child");
            let error = call.await.expect_err("it was killed");
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
            assert_eq!(names(&folder), ["socket", "socket.lock"].map(String::from).into());
            let error = Client::connect(&url).await.expect_err("nobody listens");
            assert!(error.to_string().contains("refused"), "{error}");
        }
        let mut child = start(&url);
        drop(child.stdin.take());
        assert!(child.wait().expect("a child").success());
        assert!(names(&folder).is_empty(), "a server that ends leaves nothing behind");
    });
}
