//! jsonrpsee: JSON-RPC over WebSocket and HTTP, its own server and clients.
//!
//! Its server never calls a handler for a notification, so it has no `notify` figure.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Result;
use jsonrpsee::{
    RpcModule,
    core::{client::ClientT, params::BatchRequestBuilder},
    rpc_params,
    server::{ServerBuilder, ServerConfig},
    types::ErrorObjectOwned,
};
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee_ws_client::{WsClient, WsClientBuilder};

use crate::{
    book::Book,
    load::{Caller, Peer},
};

/// More than any workload has in flight on one connection.
const IN_FLIGHT: u32 = 4096;
/// More than any workload opens.
const CONNECTIONS: u32 = 256;

/// The peer over WebSocket.
pub(super) struct Jsonrpsee;

/// The peer over HTTP.
pub(super) struct OverHttp;

impl Peer for Jsonrpsee {
    type Caller = Arc<WsClient>;

    async fn serve() -> Result<SocketAddr> {
        serve().await
    }

    async fn connect(addr: SocketAddr) -> Result<Self::Caller> {
        let client = WsClientBuilder::default()
            .max_concurrent_requests(IN_FLIGHT as usize)
            .build(format!("ws://{addr}"))
            .await?;
        Ok(Arc::new(client))
    }
}

impl Peer for OverHttp {
    type Caller = Arc<HttpClient>;

    async fn serve() -> Result<SocketAddr> {
        serve().await
    }

    async fn connect(addr: SocketAddr) -> Result<Self::Caller> {
        let client = HttpClientBuilder::default()
            .max_concurrent_requests(IN_FLIGHT as usize)
            .build(format!("http://{addr}"))?;
        Ok(Arc::new(client))
    }
}

/// Serves both.
async fn serve() -> Result<SocketAddr> {
    let config = ServerConfig::builder()
        .max_connections(CONNECTIONS)
        .set_message_buffer_capacity(IN_FLIGHT)
        .build();
    let server = ServerBuilder::with_config(config)
        .build((Ipv4Addr::LOCALHOST, 0))
        .await?;
    let addr = server.local_addr()?;
    let mut module = RpcModule::new(());
    module.register_method("add", |params, _, _| {
        let (a, b): (i64, i64) = params.parse()?;
        Ok::<_, ErrorObjectOwned>(a + b)
    })?;
    module.register_method("book", |params, _, _| params.one::<Book>())?;
    // The server stops when its last handle is dropped.
    tokio::spawn(server.start(module).stopped());
    Ok(addr)
}

impl<C: ClientT + Send + Sync + 'static> Caller for Arc<C> {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(self.request("add", rpc_params![a, b]).await?)
    }

    async fn book(&self, book: &Book) -> Result<Book> {
        Ok(self.request("book", rpc_params![book]).await?)
    }

    async fn adds(&self, count: usize) -> Result<usize> {
        let mut batch = BatchRequestBuilder::new();
        for _ in 0..count {
            batch.insert("add", rpc_params![2, 3])?;
        }
        let answers = self.batch_request::<i64>(batch).await?;
        Ok(answers
            .into_iter()
            .flatten()
            .filter(|sum| *sum == 5)
            .count())
    }
}
