//! `Shop`: a server whose sales are counted, and requests to it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tinyrpc::{Dispatcher, Server, ServerHandle};
use tokio::net::TcpStream;

use crate::{
    raw::Raw,
    wire::{self, Wire},
};

/// Counts how often its method `buy` was executed.
pub(crate) struct Shop {
    pub(crate) server: ServerHandle,
    /// `HOST:PORT`.
    pub(crate) address: String,
    executed: Arc<AtomicUsize>,
}

impl Shop {
    pub(crate) async fn open(url: &str, build: impl FnOnce(Server) -> Server) -> Self {
        let executed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&executed);
        let service = Dispatcher::new()
            .method("buy", move || count.fetch_add(1, SeqCst))
            .method("add", |a: i64, b: i64| a + b);
        let server = build(Server::new(service)).listen(url).await.expect("a free port");
        let bound = server.addresses().concat();
        let address = bound.split_once("://").expect("a URL").1.to_owned();
        Self { server, address, executed }
    }

    pub(crate) fn port(&self) -> &str {
        self.address.rsplit_once(':').expect("a port").1
    }

    /// How often something was bought since the last time.
    pub(crate) fn sold(&self) -> usize {
        self.executed.swap(0, SeqCst)
    }

    pub(crate) async fn visit(&self) -> Raw<TcpStream> {
        Raw::connect(&self.address).await.expect("it listens")
    }

    /// Sends one request on a connection of its own; gives the answer to it.
    pub(crate) async fn ask(&self, request: &[u8]) -> Reply {
        let mut peer = self.visit().await;
        peer.send(request).await.expect("it listens");
        next(&mut peer).await.expect("an answer")
    }
}

/// The next response on a connection; `None` when it is closed.
pub(crate) async fn next(peer: &mut Raw<TcpStream>) -> Option<Reply> {
    peer.message().await.map(|bytes| Reply::new(&bytes))
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The lines behind the first one, their names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&bytes[..end]).expect("text");
        let mut lines = head.split("\r\n");
        let first = lines.next().expect("a status line");
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self {
            status: status.expect("a status"),
            headers: headers.collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// A call that is counted.
pub(crate) fn buy(wire: Wire) -> Vec<u8> {
    wire::call(wire, Some(1), "buy", &[])
}

/// A post to `/`, with its length; headers are whole lines.
pub(crate) fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The header of a body of JSON.
pub(crate) const JSON: &str = "Content-Type: application/json\r\n";
/// The header of a body of MessagePack.
pub(crate) const MSGPACK: &str = "Content-Type: application/msgpack\r\n";
