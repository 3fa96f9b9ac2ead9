//! `Input`: what a caller sends into its call.

use std::{
    fmt,
    future::poll_fn,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use serde::de::DeserializeOwned;
use tinyrpc_core::{Inlet, Payload, RpcError};

/// The values that a caller sends into its call. See [`Context::input`](crate::Context::input).
///
/// It is a [`Stream`] of `Result<T, RpcError>`: an error is the one by which the caller ended its
/// values, or a value of another type, behind which the next may be right again. A caller that sends
/// none has none: the end comes at once. Reading a value grants the caller another one. Dropped
/// before the end, it tells the caller that no more is wanted; the call goes on.
pub struct Input<T> {
    inlet: Option<Inlet>,
    item: PhantomData<fn() -> T>,
}

impl<T> Input<T> {
    pub(crate) fn new(inlet: Option<Inlet>) -> Self {
        Self { inlet, item: PhantomData }
    }

    /// The next value as it came, not decoded.
    ///
    /// # Errors
    ///
    /// The error by which the caller ended its values.
    pub fn poll_payload(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Payload, RpcError>>> {
        match &mut self.inlet {
            Some(inlet) => inlet.poll_next(cx),
            None => Poll::Ready(None),
        }
    }
}

impl<T: DeserializeOwned> Input<T> {
    /// The next value; `None` at the end.
    ///
    /// # Errors
    ///
    /// The error by which the caller ended its values, or a value of another type.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, RpcError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl<T: DeserializeOwned> Stream for Input<T> {
    type Item = Result<T, RpcError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let decode = |value: Payload| {
            value.decode().map_err(|error| {
                RpcError::invalid_params(format!("a value that was sent: {error}"))
            })
        };
        let next = self.get_mut().poll_payload(cx);
        next.map(|next| next.map(|value| value.and_then(decode)))
    }
}

impl<T> fmt::Debug for Input<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("inlet", &self.inlet).finish()
    }
}
