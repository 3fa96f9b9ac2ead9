//! `Far`: a client of ours, and the peer that it calls: bytes, written by hand.

use tinyrpc::{Client, ClientBuilder};
use tokio::{
    io::DuplexStream,
    net::{TcpListener, TcpStream},
};

use crate::{
    raw::{self, Raw, RawMessages, soon},
    wire::{self, Wire},
};

/// What carries a client's calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Link {
    Messages,
    /// A stream in memory that holds so many bytes.
    Bytes(usize),
    Tcp,
}

pub(crate) enum Far {
    Messages(RawMessages),
    Bytes(Raw<DuplexStream>),
    Tcp(Raw<TcpStream>),
}

impl Link {
    pub(crate) const ALL: [Self; 4] =
        [Self::Messages, Self::Bytes(4096), Self::Bytes(1), Self::Tcp];

    pub(crate) async fn connect(self, wire: Wire) -> (Client, Far) {
        match self {
            Self::Messages => {
                let (connection, far) = raw::message_pair();
                (raw::client(connection, wire, |builder| builder).await, Far::Messages(far))
            }
            Self::Bytes(room) => {
                let (connection, far) = raw::byte_pair(room);
                (raw::client(connection, wire, |builder| builder).await, Far::Bytes(far))
            }
            Self::Tcp => {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                let address = listener.local_addr().expect("it is bound");
                let name = match wire {
                    Wire::Json => "jsonrpc",
                    Wire::MessagePack => "msgpack",
                };
                let builder = ClientBuilder::from_url(format!("{name}+tcp://{address}"));
                let connect = builder.expect("a good URL").connect();
                let (client, accepted) = tokio::join!(connect, listener.accept());
                let far = Raw::new(accepted.expect("a connection").0);
                (client.expect("a connection"), Far::Tcp(far))
            }
        }
    }
}

impl Far {
    /// The next message of the client.
    pub(crate) async fn message(&mut self) -> Vec<u8> {
        let message = match self {
            Self::Messages(far) => soon(far.message()).await,
            Self::Bytes(far) => soon(far.message()).await,
            Self::Tcp(far) => soon(far.message()).await,
        };
        message.expect("the client is there")
    }

    pub(crate) async fn send(&mut self, wire: Wire, message: Vec<u8>) {
        match self {
            Self::Messages(far) => far.send(&message).await,
            Self::Bytes(far) => {
                far.send(&wire::on_stream(wire, message)).await.expect("the client is there");
            }
            Self::Tcp(far) => {
                far.send(&wire::on_stream(wire, message)).await.expect("the client is there");
            }
        }
    }
}
