//! This project: JSON-RPC and MessagePack-RPC over TCP. A slot: its two peers only say that they are not there yet.

use std::net::SocketAddr;

use anyhow::{Result, bail};

use crate::{
    book::Book,
    load::{Caller, Peer},
};

/// One client connection.
#[derive(Clone)]
pub(super) struct Client;

/// Declares a peer that connects with the scheme `$scheme`.
macro_rules! peer {
    ($(#[$doc:meta])* $peer:ident, $scheme:literal) => {
        $(#[$doc])*
        pub(super) struct $peer;

        impl Peer for $peer {
            type Caller = Client;

            async fn serve() -> Result<SocketAddr> {
                bail!("the server of this project is not in the benchmark yet")
            }

            async fn connect(addr: SocketAddr) -> Result<Self::Caller> {
                bail!("no client for {}://{addr} in the benchmark yet", $scheme)
            }
        }
    };
}

peer! {
    /// JSON-RPC, newline framed.
    Json, "jsonrpc+tcp"
}
peer! {
    /// MessagePack-RPC.
    Msgpack, "msgpackrpc+tcp"
}

impl Caller for Client {
    async fn add(&self, _: i64, _: i64) -> Result<i64> {
        bail!("no `add` yet")
    }

    async fn book(&self, _: &Book) -> Result<Book> {
        bail!("no `book` yet")
    }
}
