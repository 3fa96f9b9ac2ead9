//! `Sender`: values that a caller sends into its call.

use std::{
    fmt,
    marker::PhantomData,
    task::{Context, Poll},
};

use serde::Serialize;

use crate::{Outlet, RpcError, Unsent};

/// Sends values into a call. See [`Caller::upload`](super::Caller::upload) and
/// [`Caller::duplex`](super::Caller::duplex).
///
/// Dropped before [`Sender::close`], it ends the values by an error, so that no handler takes a part
/// for the whole.
#[must_use = "dropping it ends the values by an error"]
pub struct Sender<U> {
    outlet: Outlet,
    item: PhantomData<fn(U)>,
}

impl<U: Serialize> Sender<U> {
    pub(super) fn new(outlet: Outlet) -> Self {
        Self { outlet, item: PhantomData }
    }

    /// Sends a value as soon as the handler has room for it.
    ///
    /// # Errors
    ///
    /// See [`Unsent`]: the handler reads no more, the call is over, or the value cannot be sent.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready sends nothing.
    pub async fn send(&self, value: U) -> Result<(), Unsent> {
        self.outlet.send(&value).await
    }

    /// Ready when a value can be sent by [`Sender::send_now`].
    ///
    /// # Errors
    ///
    /// The handler reads no more, or the call is over.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Unsent>> {
        self.outlet.poll_ready(cx)
    }

    /// Sends a value, behind a [`Sender::poll_ready`] that was ready.
    ///
    /// # Errors
    ///
    /// See [`Unsent`].
    pub fn send_now(&self, value: &U) -> Result<(), Unsent> {
        self.outlet.send_now(value)
    }

    /// Ends the values: the handler sees their end.
    pub fn close(self) {
        self.outlet.end(Ok(()));
    }

    /// Ends the values by an error, which the handler finds in place of the next one.
    pub fn fail(self, error: RpcError) {
        self.outlet.end(Err(error));
    }

    /// The same end for values of any type.
    pub fn into_outlet(self) -> Outlet {
        self.outlet
    }
}

impl<U> fmt::Debug for Sender<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
