//! `Served`: a service of ours, reached in one of several ways.

use std::sync::Arc;

use tinyrpc::{
    Dispatcher, Endpoint, Limits, Server,
    protocols::{ContentLength, Framing, JsonRpc, Length, Lines, MsgPackRpc, NetString},
    transports::Shape,
};
use tokio::net::TcpStream;

use crate::{
    bench::{self, Bench},
    raw::Raw,
    wire::{self, Wire},
};

/// How messages reach a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Bytes in, bytes out.
    Endpoint,
    /// Whole messages in memory.
    Messages,
    /// A stream in memory to a server that recognises protocols, in steps of so many bytes.
    Stream(usize),
    /// A stream in memory, one message a line.
    Lines,
    /// A stream in memory, each message behind its length.
    Length,
    /// A stream in memory, each message behind a header with its length.
    ContentLength,
    /// A stream in memory of netstrings.
    NetString,
    /// TCP, to a server that recognises protocols.
    Tcp,
    /// TCP, to a server of the one protocol.
    TcpNamed,
    /// TCP, to a server that recognises messages behind their length.
    TcpLength,
}

pub(crate) enum Served {
    Endpoint(Endpoint),
    Bench(Way, Box<Bench>),
    Tcp(Way, Raw<TcpStream>),
}

impl Way {
    pub(crate) const ALL: [Self; 10] = [
        Self::Endpoint,
        Self::Messages,
        Self::Stream(usize::MAX),
        Self::Stream(1),
        Self::Length,
        Self::ContentLength,
        Self::NetString,
        Self::Tcp,
        Self::TcpNamed,
        Self::TcpLength,
    ];
    /// Where a message ends is told by the transport.
    pub(crate) const FRAMED: [Self; 6] = [
        Self::Endpoint,
        Self::Messages,
        Self::Length,
        Self::ContentLength,
        Self::NetString,
        Self::TcpLength,
    ];
    /// Where a message ends is told by itself.
    pub(crate) const STREAMS: [Self; 4] =
        [Self::Stream(usize::MAX), Self::Stream(1), Self::Tcp, Self::TcpNamed];

    fn on_the_wire(self, wire: Wire, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Endpoint | Self::Messages => message.to_vec(),
            Self::Length | Self::TcpLength => wire::with_length(message),
            Self::ContentLength => wire::with_header(message),
            Self::NetString => wire::as_netstring(message),
            // In JSON outside of texts, all white space is the same.
            Self::Lines => {
                let line = message.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte });
                wire::on_stream(wire, line.collect())
            }
            Self::Stream(_) | Self::Tcp | Self::TcpNamed => wire::on_stream(wire, message.to_vec()),
        }
    }

    /// Serves on a connection of its own. The service has the method `add`.
    pub(crate) async fn serve(self, wire: Wire, service: Dispatcher) -> Served {
        let bench = |shape, framing: Option<Arc<dyn Framing>>| {
            let protocols = vec![bench::protocol(wire)];
            Bench::new(service.clone(), protocols, shape, framing, Limits::default())
        };
        let framed = |framing: Arc<dyn Framing>| {
            Served::Bench(self, Box::new(bench(Shape::Stream, Some(framing))))
        };
        match self {
            Self::Endpoint => Served::Endpoint(match wire {
                Wire::Json => Endpoint::new(service, JsonRpc),
                Wire::MessagePack => Endpoint::new(service, MsgPackRpc),
            }),
            Self::Messages => Served::Bench(self, Box::new(bench(Shape::Messages, None))),
            Self::Stream(_) => Served::Bench(self, Box::new(Bench::stream(service))),
            Self::Lines => framed(Arc::new(Lines)),
            Self::Length => framed(Arc::new(Length)),
            Self::ContentLength => framed(Arc::new(ContentLength)),
            Self::NetString => framed(Arc::new(NetString)),
            Self::Tcp | Self::TcpNamed | Self::TcpLength => {
                let url = match (self, wire) {
                    (Self::TcpNamed, Wire::Json) => "jsonrpc+tcp://127.0.0.1:0",
                    (Self::TcpNamed, Wire::MessagePack) => "msgpack+tcp://127.0.0.1:0",
                    // A bad message must not be the one by which the protocol is recognised.
                    (Self::TcpLength, Wire::Json) => "jsonrpc+tcp://127.0.0.1:0?framing=length",
                    (Self::TcpLength, Wire::MessagePack) => {
                        "msgpack+tcp://127.0.0.1:0?framing=length"
                    }
                    _ => "tcp://127.0.0.1:0",
                };
                let server = Server::new(service).listen(url).await.expect("a free port");
                let address = server.addresses().concat();
                let peer = Raw::connect(&address).await.expect("it listens");
                // The server goes on without its handle.
                Served::Tcp(self, peer)
            }
        }
    }
}

impl Served {
    /// Sends messages, or pieces of one where the way is a stream, and gives what came back, with
    /// whether the connection was closed.
    pub(crate) async fn exchange(&mut self, wire: Wire, sent: &[Vec<u8>]) -> (Vec<Vec<u8>>, bool) {
        match self {
            Self::Endpoint(endpoint) => {
                let mut answers = Vec::new();
                for message in sent {
                    answers.extend(endpoint.dispatch(message.clone()).await.map(Vec::from));
                }
                (answers, false)
            }
            Self::Bench(way, bench) => {
                for message in sent {
                    let bytes = way.on_the_wire(wire, message);
                    match *way {
                        Way::Stream(step) => bench.give_in_steps(&bytes, step),
                        _ => bench.give(&bytes),
                    }
                }
                (bench.take(), bench.is_closed())
            }
            Self::Tcp(way, peer) => {
                let messages = sent.iter().map(|message| way.on_the_wire(wire, message));
                let mut bytes: Vec<u8> = messages.flatten().collect();
                // The answer to this call says that all before it are done.
                bytes.extend(way.on_the_wire(wire, &wire::probe(wire)));
                let probed = |one: &Vec<u8>| wire::is_probed(wire, one);
                let enough = |messages: &[Vec<u8>]| messages.iter().any(probed);
                let mut heard = peer.exchange(&bytes, usize::MAX, enough).await;
                let before = heard.messages.len();
                heard.messages.retain(|one| !probed(one));
                assert!(heard.closed || heard.messages.len() < before, "{way:?}: it hangs");
                (heard.messages, heard.closed)
            }
        }
    }
}
