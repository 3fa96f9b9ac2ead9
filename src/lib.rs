#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod attempt;
mod auth;
mod backoff;
#[cfg(feature = "blocking")]
pub mod blocking;
mod call_all;
mod client;
mod control;
mod driver;
pub mod engine;
mod open;
mod server;
mod setup_error;
mod tokio_runtime;
mod url;

pub use tinyrpc_core::{
    Announcement, Answers, Batch, BatchItem, Blob, Call, Caller, Code, Direction, Error, Ext,
    Format, FormatError, Id, Inlet, Items, LimitReached, Limits, Notify, Outcome, Outlet, Payload,
    PayloadRef, Progress, Reason, ReplyOrder, ReplyTo, Request, RpcError, Runtime, Sender, Sent,
    Slow, Streaming, Subscribe, Subscription, SubscriptionId, Unsent, Unsupported, WireTrace,
};
#[cfg(feature = "tower")]
pub use tinyrpc_dispatch::tower;
pub use tinyrpc_dispatch::{
    BlockingPool, Context, Dispatched, Dispatcher, DispatcherHandle, Dispatching, Endpoint,
    Handler, Identity, Input, Invocation, Layer, Method, Mode, NameTaken, Once, Output,
    PendingReply, PoolLimits, Produced, Producer, Reporter, Scope, Service, Started, Streams,
    Surplus, layers, produce,
};
pub use tinyrpc_protocols as protocols;
pub use tinyrpc_transports as transports;

#[cfg(feature = "http")]
pub use crate::auth::HeaderLogin;
pub use crate::{
    auth::{Attempt, Authenticate, Decision, Token, TokenLogin},
    backoff::Backoff,
    call_all::{CallAll, call_all},
    client::{Address, Balance, Client, ClientBuilder},
    driver::Driver,
    server::{Broadcast, Server, ServerHandle},
    setup_error::SetupError,
    tokio_runtime::TokioRuntime,
    url::{Url, UrlError},
};

/// Serves a service on the address of a URL, until the server is shut down from elsewhere (never,
/// unless the future is dropped).
///
/// # Errors
///
/// The URL is wrong or the address cannot be listened on.
pub async fn serve(
    url: impl AsRef<str>,
    service: impl Service + 'static,
) -> Result<(), SetupError> {
    let server = Server::new(service).listen(url).await?;
    server.stopped().await;
    Ok(())
}

/// Connects to the address of a URL.
///
/// # Errors
///
/// The URL is wrong or nobody listens there.
pub async fn connect(url: impl AsRef<str>) -> Result<Client, SetupError> {
    Client::connect(url).await
}
