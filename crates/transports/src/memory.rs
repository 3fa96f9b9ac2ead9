//! Messages between two ends in one process: for tests, and for parts of one program.
//!
//! [`pair`] gives two connected ends; [`network`] a listener and the connector to it.

use std::{
    io,
    task::{Context, Poll},
};

use async_trait::async_trait;
use tinyrpc_core::{
    Accepted, Connection, Connector, Incoming, Listener, Outgoing, PeerAddress, Received, RecvHalf,
    SendHalf, Shape, Taken,
};
use tokio::sync::mpsc;

use crate::pipe::{Item, Pipe};

/// Two connected ends.
pub fn pair() -> (Connection, Connection) {
    let (left_out, right_in) = Pipe::new();
    let (right_out, left_in) = Pipe::new();
    (end(left_in, left_out), end(right_in, right_out))
}

fn end(recv: Pipe, send: Pipe) -> Connection {
    let (recv, send) = (Box::new(MemoryRecv(recv)), Box::new(MemorySend(send)));
    Connection::new(Shape::Messages, PeerAddress::Memory, recv, send)
}

/// A listener and a connector to it.
pub fn network() -> (MemoryListener, MemoryConnector) {
    network_of(pair)
}

/// As [`network`], with another kind of connection: [`crate::exchange::pair`], say, or a pair of
/// byte streams of your own. The first end of each pair is the connector's.
pub fn network_of(dial: fn() -> (Connection, Connection)) -> (MemoryListener, MemoryConnector) {
    let (dialled, accepted) = mpsc::channel(BACKLOG);
    (MemoryListener { accepted }, MemoryConnector { dialled, dial })
}

/// Accepts connections of its [`MemoryConnector`]s; ends when all of them are gone.
#[derive(Debug)]
pub struct MemoryListener {
    accepted: mpsc::Receiver<Connection>,
}

/// Connects to its [`MemoryListener`]. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MemoryConnector {
    dialled: mpsc::Sender<Connection>,
    dial: fn() -> (Connection, Connection),
}

#[async_trait]
impl Listener for MemoryListener {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let ended = || io::Error::new(io::ErrorKind::NotConnected, "all connectors are gone");
        self.accepted.recv().await.map(Accepted::from).ok_or_else(ended)
    }

    fn address(&self) -> String {
        "mem://".into()
    }
}

#[async_trait]
impl Connector for MemoryConnector {
    async fn connect(&self) -> io::Result<Connection> {
        let (ours, theirs) = (self.dial)();
        let refused = |_| io::Error::new(io::ErrorKind::ConnectionRefused, "nobody listens");
        self.dialled.send(theirs).await.map_err(refused)?;
        Ok(ours)
    }

    fn address(&self) -> String {
        "mem://".into()
    }
}

struct MemoryRecv(Pipe);

impl RecvHalf for MemoryRecv {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        self.0.poll_recv(cx, into)
    }
}

struct MemorySend(Pipe);

impl SendHalf for MemorySend {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        while !out.is_empty() {
            match self.0.poll_room(cx)? {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => {}
            }
            if let Some(Taken::Frame(frame)) = out.pop() {
                self.0.push(Item::Frame(frame));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.close();
        Poll::Ready(Ok(()))
    }
}

/// Connections that were dialled and not accepted yet.
const BACKLOG: usize = 128;
