//! Processes of peers: servers, which say where they listen, and clients, which say what they
//! checked.

use std::{process::Stdio, time::Duration};

use tinyrpc::{Server, ServerHandle, Service};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Starting Python or Node takes a second; the rest is for a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process of theirs that serves, until this value is dropped.
pub(crate) struct TheirServer {
    /// What it said when it was ready.
    pub(crate) said: String,
    _process: Child,
}

impl TheirServer {
    /// Starts it and waits until it says `ready` and something more, usually its port.
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut process = command.spawn().expect("it starts");
        let stdout = process.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines();
        let line = within(lines.next_line()).await.expect("it is text").expect("it does not end");
        let said = line.strip_prefix("ready ").unwrap_or_else(|| panic!("it says {line}"));
        // What else it says is of no interest, but somebody has to read it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { said: said.to_owned(), _process: process }
    }

    /// The URL of its port.
    pub(crate) fn url(&self, protocol: &str) -> String {
        self.url_over(protocol, "tcp", "")
    }

    /// The URL of its port over another transport.
    pub(crate) fn url_over(&self, protocol: &str, transport: &str, path: &str) -> String {
        format!("{protocol}+{transport}://127.0.0.1:{}{path}", self.said)
    }
}

/// Runs a client of theirs, which is told a port, until it has made all its checks.
pub(crate) async fn their_client(mut command: Command, server: &ServerHandle, checks: usize) {
    command.arg(port_of(server));
    their_client_as_told(command, checks).await;
}

/// Runs a client of theirs that knows already whom it calls.
pub(crate) async fn their_client_as_told(mut command: Command, checks: usize) {
    command.stderr(Stdio::piped());
    let output = within(command.output()).await.expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let erred = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{erred}");
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), checks, "{said}");
}

/// Serves at a URL without a port.
pub(crate) async fn our_server(scheme: &str, service: impl Service + 'static) -> ServerHandle {
    let url = match scheme.split_once('?') {
        Some((scheme, options)) => format!("{scheme}://127.0.0.1:0?{options}"),
        None => format!("{scheme}://127.0.0.1:0"),
    };
    Server::new(service).listen(url).await.expect("a free port")
}

/// The port that a server got.
pub(crate) fn port_of(server: &ServerHandle) -> String {
    let address = server.addresses().concat();
    let behind = address.rsplit(':').next().expect("a port");
    behind.chars().take_while(char::is_ascii_digit).collect()
}

/// What takes longer hangs.
#[track_caller]
pub(crate) fn within<F: Future>(what: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move { timeout(PATIENCE, what).await.unwrap_or_else(|_| panic!("{place} hangs")) }
}
