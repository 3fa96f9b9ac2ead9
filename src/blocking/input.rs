//! `Input`: what a caller sends into its call, for a handler that waits for it.

use std::fmt;

use serde::de::DeserializeOwned;
use tinyrpc_core::RpcError;

use super::{each::Each, wait::Whom};
use crate::Context;

/// The values that the caller sends into the call which this thread handles, once; see
/// [`Context::input`].
///
/// For plain functions on a thread of a pool, as [`peer`](super::peer).
///
/// ```
/// use tinyrpc::{Context, Dispatcher, RpcError, blocking};
///
/// let service = Dispatcher::new().method("sum", |context: Context| {
///     blocking::input::<i64>(&context).sum::<Result<i64, RpcError>>()
/// });
/// ```
pub fn input<T>(context: &Context) -> Input<T> {
    Input { input: context.input(), each: Each::new(Whom::Peer, None) }
}

/// What a caller sends into its call: an iterator that waits for each value. See
/// [`tinyrpc::Input`](crate::Input) for what its errors mean.
///
/// Dropped before the end, it tells the caller that no more is wanted; the call goes on.
pub struct Input<T> {
    input: crate::Input<T>,
    each: Each,
}

impl<T: DeserializeOwned> Iterator for Input<T> {
    type Item = Result<T, RpcError>;

    fn next(&mut self) -> Option<Result<T, RpcError>> {
        self.each.next(self.input.next())
    }
}

impl<T> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.input.fmt(f)
    }
}
