//! `Inlet`: where the values that a caller sends into its call come out.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::Duct;
use crate::{Message, Payload, RpcError};

/// The receiving end of what a caller sends into its call, not decoded.
///
/// Dropped before the end, it tells the caller that no more is wanted; the call goes on.
#[derive(Debug)]
pub struct Inlet {
    duct: Arc<Duct>,
    is_over: bool,
}

impl Inlet {
    pub(crate) fn new(duct: Arc<Duct>) -> Self {
        Self { duct, is_over: false }
    }

    /// The next value; `None` at the end of them, and when the call is over.
    ///
    /// Reading a value grants the caller another one, so a reader that stops stops its sender.
    ///
    /// # Errors
    ///
    /// The error by which the caller ended its values; the end comes behind it.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Payload, RpcError>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        match self.duct.read(cx.waker()) {
            None => Poll::Pending,
            Some(Ok(Some(value))) => Poll::Ready(Some(Ok(value))),
            Some(Ok(None)) => {
                self.is_over = true;
                Poll::Ready(None)
            }
            Some(Err(error)) => {
                self.is_over = true;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

impl Drop for Inlet {
    fn drop(&mut self) {
        if self.duct.leave_unread() {
            self.duct.say(&Message::Stop(self.duct.id().clone()));
        }
    }
}
