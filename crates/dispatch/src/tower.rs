//! `tower` on both sides: its layers around our services, and our callers as its services.
//!
//! | what | where |
//! |---|---|
//! | a layer of `tower` around all methods, such as a time limit or load shedding | [`TowerLayer`] |
//! | a peer to call as a service of `tower`, to be retried, balanced or buffered | [`CallService`] |
//!
//! Only the traits of `tower` are known here. Its layers bring their own needs along: most of them
//! want a connection that is driven by tokio.

mod call;
mod error;
mod inner;
mod layer;

pub use self::{
    call::{CallRequest, CallService},
    error::BoxError,
    inner::{InnerFuture, InnerService, RpcRequest},
    layer::{TowerLayer, Towered},
};

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
