//! A peer of JSON-RPC, a message a line, written by hand.

use std::{future::Future, time::Duration};

use tinyrpc::{Client, connect};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// One end of a connection.
pub(crate) struct Node {
    stream: BufReader<TcpStream>,
}

impl Node {
    /// A client of ours, and the peer that it is connected to.
    pub(crate) async fn serving() -> (Client, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("jsonrpc+tcp://{}", listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(connect(url), listener.accept());
        (client.unwrap(), Self::over(accepted.unwrap().0))
    }

    /// The other end of a connection.
    pub(crate) fn over(stream: TcpStream) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    /// A peer that is connected to a server of ours.
    pub(crate) async fn calling(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("tcp://")).await.unwrap();
        Self::over(stream)
    }

    /// Sends all lines in one packet.
    pub(crate) async fn say(&mut self, lines: &[&str]) {
        self.stream.get_mut().write_all((lines.join("\n") + "\n").as_bytes()).await.unwrap();
    }

    /// The next line that comes.
    pub(crate) async fn hear(&mut self) -> String {
        let mut line = String::new();
        within(self.stream.read_line(&mut line)).await.unwrap();
        line.trim_end().to_owned()
    }
}

/// A hang is a failure that says where.
#[track_caller]
pub(crate) fn within<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let place = std::panic::Location::caller();
    async move {
        let ended = tokio::time::timeout(Duration::from_secs(20), future).await;
        ended.unwrap_or_else(|_| panic!("it did not end: {place}"))
    }
}
