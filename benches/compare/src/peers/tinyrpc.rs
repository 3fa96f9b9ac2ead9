//! This project: JSON-RPC and MessagePack-RPC over TCP, HTTP, WebSocket, ZeroMQ and AMQP. The server
//! is one port for all of them; over HTTP, WebSocket and ZeroMQ it is bound to that scheme, and AMQP
//! has a queue.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use anyhow::{Context as _, Result, ensure};
use futures_util::stream;
use tinyrpc::{Blob, Client, ClientBuilder, Dispatcher, Limits, Server};

use super::broker;
use crate::{
    book::Book,
    load::{Caller, Peer},
    workload::{BESIDE, VALUE, Way},
};

/// Declares a peer that connects with the scheme `$scheme`.
macro_rules! peer {
    ($(#[$doc:meta])* $peer:ident, $scheme:literal at $bound:literal $(with $options:literal)?) => {
        $(#[$doc])*
        pub(super) struct $peer;

        impl Peer for $peer {
            type Caller = Client;

            async fn serve() -> Result<SocketAddr> {
                serve($bound, concat!($($options)?)).await
            }

            async fn connect(addr: SocketAddr) -> Result<Self::Caller> {
                connect(&format!(concat!($scheme, "://{}" $(, $options)?), addr)).await
            }
        }
    };
}

peer! {
    /// JSON-RPC, newline framed.
    Json, "jsonrpc+tcp" at "tcp"
}
peer! {
    /// MessagePack-RPC.
    Msgpack, "msgpack+tcp" at "tcp"
}
peer! {
    /// JSON-RPC in posts.
    HttpJson, "jsonrpc+http" at "http"
}
peer! {
    /// MessagePack-RPC in posts.
    HttpMsgpack, "msgpack+http" at "http"
}
peer! {
    /// JSON-RPC over WebSocket.
    WsJson, "jsonrpc+ws" at "ws"
}
peer! {
    /// MessagePack-RPC over WebSocket.
    WsMsgpack, "msgpack+ws" at "ws"
}
peer! {
    /// JSON-RPC over ZeroMQ.
    ZmqJson, "jsonrpc+zmq" at "zmq"
}
peer! {
    /// MessagePack-RPC over ZeroMQ.
    ZmqMsgpack, "msgpack+zmq" at "zmq"
}
peer! {
    /// JSON-RPC over ZeroMQ whose threads interrupt nobody.
    ZmqBatchJson, "jsonrpc+zmq" at "zmq" with "?batch"
}
peer! {
    /// MessagePack-RPC over ZeroMQ whose threads interrupt nobody.
    ZmqBatchMsgpack, "msgpack+zmq" at "zmq" with "?batch"
}

/// Declares a peer that calls through a queue.
macro_rules! queue {
    ($(#[$doc:meta])* $peer:ident, $protocol:literal) => {
        $(#[$doc])*
        pub(super) struct $peer;

        impl Peer for $peer {
            type Caller = Client;

            async fn serve() -> Result<SocketAddr> {
                serve_at(&queue($protocol)?).await?;
                broker::address()
            }

            async fn connect(_: SocketAddr) -> Result<Self::Caller> {
                connect(&queue($protocol)?).await
            }
        }
    };
}

queue! {
    /// JSON-RPC over AMQP.
    AmqpJson, "jsonrpc"
}
queue! {
    /// MessagePack-RPC over AMQP.
    AmqpMsgpack, "msgpack"
}

fn queue(protocol: &str) -> Result<String> {
    Ok(format!(
        "{protocol}+{}?queue=compare-{protocol}",
        broker::url()?
    ))
}

impl Caller for Client {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(self.call("add", (a, b)).await?)
    }

    async fn book(&self, book: &Book) -> Result<Book> {
        Ok(self.call("book", (book,)).await?)
    }

    async fn adds(&self, count: usize) -> Result<usize> {
        let mut batch = self.batch();
        let calls = (0..count).map(|_| batch.call("add", (2, 3)));
        let calls = calls.collect::<Result<Vec<_>, _>>()?;
        let mut answers = batch.send().await?;
        let sums = calls.into_iter().map(|call| answers.take::<i64>(call));
        Ok(sums.filter(|sum| matches!(sum, Ok(5))).count())
    }

    async fn transfer(&self, way: Way, bytes: usize, moved: &AtomicU64) -> Result<()> {
        // Nobody says hello unasked, except for a stream.
        self.extend().await?;
        let count = |bytes: usize| moved.fetch_add(bytes as u64, Relaxed);
        match way {
            Way::Stream => {
                let mut values = self.stream::<_, Blob>("values", (bytes / VALUE,)).await?;
                while let Some(value) = values.next().await {
                    count(value?.len());
                }
            }
            Way::Result => _ = count(self.call::<_, Blob>("large", (bytes,)).await?.len()),
            Way::Request => {
                let taken: usize = self.call("take", (filled(bytes),)).await?;
                ensure!(taken == bytes, "only {taken} bytes were taken");
                count(taken);
            }
        }
        Ok(())
    }

    async fn tick(&self) -> Result<()> {
        Ok(self.notify("tick", (2, 3)).await?)
    }

    async fn ticks(&self) -> Result<u64> {
        Ok(self.call("ticks", ()).await?)
    }
}

/// So many bytes, made afresh, all of them resident.
fn filled(bytes: usize) -> Blob {
    Blob::from(vec![b'x'; bytes])
}

/// As the defaults, except that what moves beside calls is larger than they allow.
fn limits() -> Limits {
    Limits {
        max_message: 2 * BESIDE,
        max_split: 4 * BESIDE,
        ..Limits::default()
    }
}

async fn connect(url: &str) -> Result<Client> {
    let builder = ClientBuilder::from_url(url)?.limits(limits());
    Ok(builder.connect().await?)
}

async fn serve(scheme: &str, options: &str) -> Result<SocketAddr> {
    let address = serve_at(&format!("{scheme}://127.0.0.1:0{options}")).await?;
    let (_, address) = address.split_once("://").context("a URL")?;
    Ok(address.parse()?)
}

/// Serves at a URL, and gives the one that others reach it at.
async fn serve_at(url: &str) -> Result<String> {
    let ticked = Arc::new(AtomicU64::new(0));
    let ticks = Arc::clone(&ticked);
    let service = Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("book", |book: Book| book)
        .method("tick", move |_: i64, _: i64| {
            ticked.fetch_add(1, Relaxed);
        })
        .method("ticks", move || ticks.load(Relaxed))
        .stream("values", |count: usize| {
            let value = filled(VALUE);
            stream::iter((0..count).map(move |_| value.clone()))
        })
        .method("large", filled)
        .method("take", |blob: Blob| blob.len());
    // The fan-in workload opens 64 connections, the widest one has 1,024 calls in flight.
    let server = Server::new(service).limits(limits()).listen(url).await?;
    Ok(server.addresses().concat())
}
