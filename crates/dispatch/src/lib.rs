//! Plain functions as RPC methods, for any protocol and any transport.
//!
//! Who serves over a network wants the crate `tinyrpc`, where all of this is found again. Alone,
//! this crate is for programs with an event loop of their own: an [`Endpoint`] takes messages and
//! gives answers, as bytes.
//!
//! ```
//! use tinyrpc_dispatch::{Dispatched, Dispatcher, Endpoint};
//! use tinyrpc_protocols::JsonRpc;
//!
//! let calc = Dispatcher::new()
//!     .method("add", |a: i64, b: i64| a + b)
//!     .params(["a", "b"])
//!     .method("greet", async |name: String| format!("hello, {name}"));
//!
//! let endpoint = Endpoint::new(calc, JsonRpc);
//! let call = r#"{"jsonrpc":"2.0","id":1,"method":"add","params":{"a":2,"b":3}}"#;
//! let Dispatched::Ready(answer) = endpoint.dispatch_now(call) else { panic!("it goes on") };
//! assert_eq!(answer.unwrap(), r#"{"jsonrpc":"2.0","id":1,"result":5}"#);
//! ```
//!
//! | what | where |
//! |---|---|
//! | what can be a method | [`Handler`], [`Method`], [`Context`] |
//! | what can be a streaming method | [`Streams`], [`Input`], [`produce`] |
//! | what can be a subscription | [`Producer`] |
//! | what a call tells while it goes on | [`Reporter`] |
//! | methods by their names | [`Dispatcher`], [`DispatcherHandle`], [`Surplus`] |
//! | where handlers run | [`Method::blocking`], [`Method::spawned`], [`BlockingPool`] |
//! | once for each idempotency key | [`Once`] |
//! | around all methods | [`Service`], [`Layer`], [`layers`], and those of `tower` |
//! | messages as bytes | [`Endpoint`] |
//! | for authors of drivers | [`Engine`], [`Scope`], [`Waiting`] |
//!
//! A call of a function that is ready at once allocates nothing but what its own values need: the
//! params are decoded straight from the received bytes, and the result is encoded in its place.
//!
//! # Features
//!
//! - `json`, `msgpack` (both by default): the formats that methods understand. Each of them is
//!   compiled for the types of each method.
//! - `tower`: layers of `tower` around services, and callers as its services.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod arguments;
mod blocking_pool;
mod cancellation;
mod cancels;
mod context;
mod dispatcher;
mod endpoint;
mod engine;
mod errand;
mod fail;
pub mod handler;
mod identity;
mod kept;
mod layer;
pub mod layers;
mod method;
mod mode;
mod once;
mod panicked;
mod reporter;
mod scope;
mod service;
mod shown;
mod spawned;
mod streaming;
mod subscriptions;
#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod testing;
#[cfg(feature = "tower")]
pub mod tower;
mod waiting;

pub use crate::{
    arguments::Arguments,
    blocking_pool::{BlockingPool, PoolLimits},
    cancellation::Cancelled,
    context::Context,
    dispatcher::{Dispatcher, DispatcherHandle, NameTaken, Surplus},
    endpoint::{Dispatched, Dispatching, Endpoint},
    engine::Engine,
    handler::Handler,
    identity::Identity,
    kept::{Begun, Kept},
    layer::Layer,
    method::Method,
    mode::Mode,
    once::Once,
    reporter::Reporter,
    scope::Scope,
    service::{Invocation, PendingReply, Service, Started},
    streaming::{Input, Output, Produced, Streams, produce},
    subscriptions::{Channel, Item, Producer, Source},
    waiting::Waiting,
};
