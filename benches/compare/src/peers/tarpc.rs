//! tarpc over TCP, once for each of three codecs.
//!
//! It is used as its own examples use it: one task per request on the server.
//! Its limits on requests in flight are raised so that the widest workload fits.

use std::net::SocketAddr;

use anyhow::Result;
use futures_util::StreamExt as _;
use tarpc::{
    ClientMessage, Response, Transport, client, context, serde_transport,
    server::{self, BaseChannel, Channel as _},
};
use tokio::net::TcpStream;
use tokio_serde::formats;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use super::{dial, listen};
use crate::{
    book::Book,
    load::{Caller, Peer},
};

/// More than any workload has in flight on one connection.
const IN_FLIGHT: usize = 4096;

#[tarpc::service]
pub(crate) trait Compare {
    async fn add(a: i64, b: i64) -> i64;
    async fn book(book: Book) -> Book;
}

#[derive(Clone)]
struct Handlers;

impl Compare for Handlers {
    async fn add(self, _: context::Context, a: i64, b: i64) -> i64 {
        a + b
    }

    async fn book(self, _: context::Context, book: Book) -> Book {
        book
    }
}

/// Declares a peer that speaks `$codec`.
macro_rules! peer {
    ($(#[$doc:meta])* $peer:ident, $codec:ident) => {
        $(#[$doc])*
        pub(super) struct $peer;

        impl Peer for $peer {
            type Caller = CompareClient;

            async fn serve() -> Result<SocketAddr> {
                listen(|stream| {
                    let codec = formats::$codec::default();
                    requests(serde_transport::new(framed(stream), codec))
                })
                .await
            }

            async fn connect(addr: SocketAddr) -> Result<Self::Caller> {
                let codec = formats::$codec::default();
                let transport = serde_transport::new(framed(dial(addr).await?), codec);
                let mut config = client::Config::default();
                config.max_in_flight_requests = IN_FLIGHT;
                config.pending_request_buffer = IN_FLIGHT;
                Ok(CompareClient::new(config, transport).spawn())
            }
        }
    };
}

peer! {
    /// JSON.
    Json, Json
}
peer! {
    /// bincode, the codec of tarpc's own examples.
    Bincode, Bincode
}
peer! {
    /// MessagePack.
    Msgpack, MessagePack
}

impl Caller for CompareClient {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(Self::add(self, context::current(), a, b).await?)
    }

    async fn book(&self, book: &Book) -> Result<Book> {
        Ok(Self::book(self, context::current(), book.clone()).await?)
    }
}

fn framed(stream: TcpStream) -> Framed<TcpStream, LengthDelimitedCodec> {
    Framed::new(stream, LengthDelimitedCodec::new())
}

/// Answers the requests of one connection.
async fn requests<T>(transport: T)
where
    T: Transport<Response<CompareResponse>, ClientMessage<CompareRequest>> + Send + 'static,
{
    let config = server::Config {
        pending_response_buffer: IN_FLIGHT,
    };
    BaseChannel::new(config, transport)
        .execute(Handlers.serve())
        .for_each(|response| async move {
            tokio::spawn(response);
        })
        .await;
}
