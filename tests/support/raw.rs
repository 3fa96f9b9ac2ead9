//! `Raw`: the far end of a connection as bytes, and the means to connect it to a server or client.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{future::Future, io, time::Duration};

use tinyrpc::{
    Client, ClientBuilder,
    protocols::{JsonRpc, MsgPackRpc},
    transports::{
        Accepted, Bytes, Connection, Connector, Listener, PeerAddress, async_trait,
        custom::{self, Receiver, Sender},
        stream,
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    net::TcpStream,
    sync::mpsc,
};

use super::wire::{self, Wire};

/// Nothing takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long an answer may take that may not come at all.
const SHORT_PATIENCE: Duration = Duration::from_secs(10);

/// Waits, but not for ever.
#[track_caller]
pub(crate) fn soon<F: Future>(what: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        let done = tokio::time::timeout(PATIENCE, what).await;
        done.unwrap_or_else(|_| panic!("{caller}: it hangs"))
    }
}

/// One end of a stream of bytes.
#[derive(Debug)]
pub(crate) struct Raw<S> {
    pub(crate) stream: S,
    received: Vec<u8>,
}

/// The answers to what was sent, and whether the connection was closed behind them.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) closed: bool,
}

impl Raw<TcpStream> {
    /// Connects to an address such as those of a `ServerHandle`.
    pub(crate) async fn connect(address: &str) -> io::Result<Self> {
        let address = address.trim_start_matches("tcp://");
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self::new(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next whole message; `None` when the connection is closed.
    pub(crate) async fn message(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some((range, consumed)) = wire::first_message(&self.received) {
                let message = self.received[range].to_vec();
                self.received.drain(..consumed);
                return Some(message);
            }
            // A reset is an end like another; what came before it was received.
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) | Err(_) => {
                    assert!(self.received.is_empty(), "half a message: {:x?}", self.received);
                    return None;
                }
                Ok(_) => {}
            }
        }
    }

    /// Sends in steps while it reads, until `enough` says so of what came, or the connection ends,
    /// or neither happens for long.
    pub(crate) async fn exchange(
        &mut self,
        bytes: &[u8],
        step: usize,
        mut enough: impl FnMut(&[Vec<u8>]) -> bool,
    ) -> Heard {
        let (mut reader, mut writer) = tokio::io::split(&mut self.stream);
        let write = async {
            for chunk in bytes.chunks(step) {
                // The server may have closed before the end of a bad input.
                if writer.write_all(chunk).await.is_err() || writer.flush().await.is_err() {
                    break;
                }
            }
        };
        let received = &mut self.received;
        let mut heard = Heard { messages: Vec::new(), closed: false };
        let read = async {
            loop {
                heard.messages.extend(wire::take_messages(received));
                if enough(&heard.messages) {
                    return;
                }
                if !matches!(reader.read_buf(received).await, Ok(1..)) {
                    heard.closed = true;
                    return;
                }
            }
        };
        _ = tokio::time::timeout(SHORT_PATIENCE, async { tokio::join!(write, read) }).await;
        heard
    }
}

/// A connection in memory and its far end, a stream of bytes that holds `room` of them.
pub(crate) fn byte_pair(room: usize) -> (Connection, Raw<DuplexStream>) {
    let (ours, theirs) = tokio::io::duplex(room);
    (stream::connection(ours, PeerAddress::Memory), Raw::new(theirs))
}

/// A connection of whole messages, and its far end.
pub(crate) fn message_pair() -> (Connection, RawMessages) {
    let (ours, sent) = mpsc::channel(1024);
    let (give, theirs) = mpsc::channel(1024);
    let connection = custom::connection(ours_to(ours), theirs_from(theirs), PeerAddress::Memory);
    (connection, RawMessages { give, sent })
}

/// The far end of a connection of messages.
#[derive(Debug)]
pub(crate) struct RawMessages {
    give: mpsc::Sender<Bytes>,
    sent: mpsc::Receiver<Bytes>,
}

impl RawMessages {
    pub(crate) async fn send(&mut self, message: &[u8]) {
        self.give.send(Bytes::copy_from_slice(message)).await.expect("the other end is there");
    }

    pub(crate) async fn message(&mut self) -> Option<Vec<u8>> {
        self.sent.recv().await.map(Vec::from)
    }
}

struct Ours(mpsc::Sender<Bytes>);
struct Theirs(mpsc::Receiver<Bytes>);

fn ours_to(sender: mpsc::Sender<Bytes>) -> impl Sender {
    Ours(sender)
}

fn theirs_from(receiver: mpsc::Receiver<Bytes>) -> impl Receiver {
    Theirs(receiver)
}

#[async_trait]
impl Sender for Ours {
    async fn send(&mut self, message: Bytes) -> io::Result<()> {
        self.0.send(message).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

#[async_trait]
impl Receiver for Theirs {
    async fn recv(&mut self) -> io::Result<Option<Bytes>> {
        Ok(self.0.recv().await)
    }
}

/// A listener and connector of connections that exist already.
#[derive(Debug)]
pub(crate) struct Ready(tokio::sync::Mutex<Option<Connection>>);

impl Ready {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(tokio::sync::Mutex::new(Some(connection)))
    }
}

#[async_trait]
impl Listener for Ready {
    async fn accept(&mut self) -> io::Result<Accepted> {
        let connection = self.0.get_mut().take();
        connection.map(Accepted::from).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn address(&self) -> String {
        "mem://".into()
    }
}

#[async_trait]
impl Connector for Ready {
    async fn connect(&self) -> io::Result<Connection> {
        self.0.lock().await.take().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn address(&self) -> String {
        "mem://".into()
    }
}

/// A client of a connection that exists already.
pub(crate) async fn client(
    connection: Connection,
    wire: Wire,
    build: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Client {
    let connector = Ready::new(connection);
    let builder = match wire {
        Wire::Json => Client::builder(connector, JsonRpc),
        Wire::MessagePack => Client::builder(connector, MsgPackRpc),
    };
    build(builder).connect().await.expect("it is connected")
}
