//! `Sender`: values that a thread sends into its call.

use std::{fmt, pin::pin};

use futures_util::FutureExt;
use serde::Serialize;
use tinyrpc_core::{RpcError, Unsent};

use super::{
    park::park_on,
    wait::{Whom, begin},
};

/// Sends values into a call. See [`Caller::upload`](super::Caller::upload) and
/// [`Caller::duplex`](super::Caller::duplex).
///
/// Dropped before [`Sender::close`], it ends the values by an error, so that no handler takes a part
/// for the whole.
#[must_use = "dropping it ends the values by an error"]
pub struct Sender<U> {
    sender: crate::Sender<U>,
    whom: Whom,
}

impl<U: Serialize> Sender<U> {
    pub(super) fn new(sender: crate::Sender<U>, whom: Whom) -> Self {
        Self { sender, whom }
    }

    /// Sends a value; waits until the handler has room for it.
    ///
    /// # Errors
    ///
    /// See [`Unsent`]: the handler reads no more, the call is over, or the value cannot be sent, which
    /// it cannot either where this thread must not wait.
    pub fn send(&self, value: U) -> Result<(), Unsent> {
        let mut sent = pin!(self.sender.send(value));
        if let Some(sent) = sent.as_mut().now_or_never() {
            return sent;
        }
        let _waiting = begin(self.whom).map_err(Unsent::Value)?;
        park_on(None, sent)
    }

    /// Ends the values: the handler sees their end.
    pub fn close(self) {
        self.sender.close();
    }

    /// Ends the values by an error, which the handler finds in place of the next one.
    pub fn fail(self, error: RpcError) {
        self.sender.fail(error);
    }
}

/// Values of a call that was begun elsewhere.
impl<U: Serialize> From<crate::Sender<U>> for Sender<U> {
    fn from(sender: crate::Sender<U>) -> Self {
        Self::new(sender, Whom::Others)
    }
}

impl<U> fmt::Debug for Sender<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sender.fmt(f)
    }
}
