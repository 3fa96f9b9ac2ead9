//! Plain functions as RPC methods, for any protocol and any transport.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod arguments;
mod cancellation;
mod capture;
mod context;
mod dispatcher;
mod endpoint;
mod engine;
pub mod handler;
mod kept;
mod layer;
pub mod layers;
mod method;
mod scope;
mod service;
mod shown;
#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod testing;

pub use crate::{
    arguments::Arguments,
    cancellation::Cancelled,
    context::Context,
    dispatcher::{Dispatcher, DispatcherHandle, NameTaken},
    endpoint::{Dispatched, Dispatching, Endpoint},
    engine::Engine,
    handler::Handler,
    kept::{Begun, Kept},
    layer::Layer,
    method::Method,
    scope::Scope,
    service::{Invocation, PendingReply, Service, Started},
};
