//! `Source` and `Item`: what a handler that subscribes gives, and what its stream does.

use std::any::type_name;

use futures_core::Stream;
use serde::Serialize;
use tinyrpc_core::RpcError;

use crate::handler::{Fallible, Infallible};

/// What a handler that subscribes may return: a stream, or a `Result` of one.
pub trait Source<Kind>: Send + 'static {
    /// The stream.
    type Stream: Stream<Item: Item<Self::Items>> + Send + 'static;
    /// What its items are.
    type Items: 'static;

    /// Refuses, when a method is registered, what the compiler cannot refuse.
    #[track_caller]
    fn check() {
        <Self::Stream as Stream>::Item::check();
    }

    /// The stream, or why there is none.
    ///
    /// # Errors
    ///
    /// The error of the handler.
    fn into_stream(self) -> Result<Self::Stream, RpcError>;
}

/// An item of a stream: a value, or a `Result` whose error ends the subscription.
pub trait Item<Kind>: Send {
    /// What is sent.
    type Value: Serialize + Send + Sync + 'static;

    /// Refuses, when a method is registered, what the compiler cannot refuse.
    #[track_caller]
    fn check();

    /// What is sent, or the error in place of it.
    ///
    /// # Errors
    ///
    /// That of the stream.
    fn into_value(self) -> Result<Self::Value, RpcError>;
}

impl<S, K> Source<(Infallible, K)> for S
where
    S: Stream<Item: Item<K>> + Send + 'static,
    K: 'static,
{
    type Stream = S;
    type Items = K;

    fn into_stream(self) -> Result<S, RpcError> {
        Ok(self)
    }
}

impl<S, E, K> Source<(Fallible, K)> for Result<S, E>
where
    S: Stream<Item: Item<K>> + Send + 'static,
    E: Into<RpcError> + Send + 'static,
    K: 'static,
{
    type Stream = S;
    type Items = K;

    fn into_stream(self) -> Result<S, RpcError> {
        self.map_err(Into::into)
    }
}

impl<T: Serialize + Send + Sync + 'static> Item<Infallible> for T {
    type Value = T;

    fn check() {
        let name = type_name::<T>();
        assert!(
            !name.starts_with("core::result::Result<"),
            "a subscription whose items are `{name}` would send its errors as items: \
             write `impl From<YourError> for RpcError`, or give `Result<_, RpcError>`",
        );
    }

    fn into_value(self) -> Result<T, RpcError> {
        Ok(self)
    }
}

impl<T, E> Item<Fallible> for Result<T, E>
where
    T: Serialize + Send + Sync + 'static,
    E: Into<RpcError> + Send,
{
    type Value = T;

    fn check() {}

    fn into_value(self) -> Result<T, RpcError> {
        self.map_err(Into::into)
    }
}
