//! `Worker`: a process that takes calls from the queue, a copy of this test in another role.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use tinyrpc::{Dispatcher, Server};

use crate::{book::stamp, store::Store};

/// A worker that runs.
#[derive(Debug)]
pub(crate) struct Worker(Child);

impl Worker {
    /// Starts one and waits until it consumes.
    pub(crate) fn start(url: &str, folder: &Path, number: u32) -> Self {
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args(["worker::worker_process", "--exact", "--nocapture"])
            .env(URL, url)
            .env(FOLDER, folder)
            .env(NUMBER, number.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a copy of this test");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line == READY));
        assert!(ready, "worker {number} does not serve");
        // What else it says is shown.
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| eprintln!("{line}"))
        });
        Self(child)
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("a child");
    }

    /// Lets it finish what it has begun.
    pub(crate) fn stop(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("a child").success(), "a worker failed");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Not a test of its own.
#[test]
fn worker_process() {
    let Ok(url) = env::var(URL) else { return };
    let folder = PathBuf::from(env::var_os(FOLDER).expect("a folder"));
    let number = env::var(NUMBER).expect("a number").parse().expect("a number");
    let store = Arc::new(Store::open(&folder, number));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let server = Server::new(service(&store)).listen(url).await.expect("there is a broker");
        // Its own line: the test harness leaves one unfinished.
        eprintln!("\n{READY}");
        // It ends with its input.
        _ = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await;
        server.shutdown().await;
    });
}

fn service(store: &Arc<Store>) -> Dispatcher {
    let (plain, keyed, noted) = (Arc::clone(store), Arc::clone(store), Arc::clone(store));
    Dispatcher::new()
        .method("work", move |number: u64, attempt: u32, milliseconds: u64| {
            let store = Arc::clone(&plain);
            async move {
                store.begin(number, attempt);
                pause(milliseconds).await;
                store.end(number, attempt);
                stamp(number)
            }
        })
        .method("once", move |number: u64, attempt: u32, milliseconds: u64, key: String| {
            let store = Arc::clone(&keyed);
            async move {
                store.begin(number, attempt);
                pause(milliseconds).await;
                store.effect(&key, number);
                store.end(number, attempt);
                stamp(number)
            }
        })
        .method("note", move |number: u64| {
            noted.begin(number, 0);
            noted.end(number, 0);
        })
}

/// Work that takes its time, so that a death comes in the midst of it.
async fn pause(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

const READY: &str = "ready";
const URL: &str = "TINYRPC_TEST_WORKER_URL";
const FOLDER: &str = "TINYRPC_TEST_WORKER_FOLDER";
const NUMBER: &str = "TINYRPC_TEST_WORKER_NUMBER";
