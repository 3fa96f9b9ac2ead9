//! `Outlet`: where values go into a stream.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use serde::Serialize;

use super::{Duct, duct::Shut};
use crate::{
    Error, Format, Message, Reason, RpcError, StreamEnd, StreamItem, Way, calls::not_extended,
    rope::Rope, scratch,
};

/// The sending end of a stream whose values may have any type.
///
/// Dropped before its end, it ends the values of a caller by an error, so that nobody takes a part
/// for the whole; those of a handler end with its answer.
#[derive(Debug)]
pub struct Outlet {
    duct: Arc<Duct>,
}

/// Why a value was not sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Unsent {
    /// The other side reads no more values of this stream; the call goes on.
    Stopped,
    /// The call is over: answered, cancelled, or its connection is gone.
    Over,
    /// The value cannot be encoded, or is over a limit. The stream goes on.
    Value(Error),
}

impl Outlet {
    pub(crate) fn new(duct: Arc<Duct>) -> Self {
        Self { duct }
    }

    /// How values are encoded.
    pub fn format(&self) -> Option<Format> {
        self.duct.wire().map(|wire| wire.format())
    }

    /// Ready when a value can be sent: the other side has granted it, and the connection does not
    /// have too much to send already.
    ///
    /// # Errors
    ///
    /// [`Unsent::Stopped`] and [`Unsent::Over`].
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Unsent>> {
        match self.duct.may_send(cx.waker()) {
            None => return Poll::Pending,
            Some(Err(Shut::Stopped)) => return Poll::Ready(Err(Unsent::Stopped)),
            Some(Err(Shut::Over)) => return Poll::Ready(Err(Unsent::Over)),
            Some(Ok(())) => {}
        }
        if self.duct.calls().has_stream_room(self.key(), cx.waker()) {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    /// Sends a value, behind an [`Outlet::poll_ready`] that was ready.
    ///
    /// # Errors
    ///
    /// The value cannot be encoded, is over a limit, or the connection is closed.
    pub fn send_now<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Unsent> {
        let Some(wire) = self.duct.wire() else { return Err(Unsent::Over) };
        let (format, mut encoded) = (wire.format(), scratch::take());
        let mut pieces = wire.value_pieces();
        let done = format.encode_in_pieces(value, &mut encoded, &mut pieces);
        let sent = match done {
            Err(error) => Err(Unsent::Value(Error::encode(error))),
            Ok(()) if encoded.len() + pieces.len() >= pieces.least() => {
                // The buffer goes with it.
                let value = pieces.cut(0, &mut encoded).into_iter().collect();
                return self.send_rope(value, format);
            }
            Ok(()) => self.send_encoded(&encoded, format),
        };
        scratch::put(encoded);
        sent
    }

    /// Sends a value that is encoded already, as [`Outlet::send_now`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn send_encoded(&self, value: &[u8], format: Format) -> Result<(), Unsent> {
        self.duct.spend(value.len());
        self.say(&Message::StreamItem(self.item(value, format)), value.len()).map_err(unsent)
    }

    /// Sends a large value from where it is.
    fn send_rope(&self, value: Rope, format: Format) -> Result<(), Unsent> {
        let wire = self.duct.wire().ok_or(Unsent::Over)?;
        self.duct.spend(value.len());
        let item = self.item(format.null(), format);
        self.duct.calls().say_large_item(wire, item, value).map_err(unsent)
    }

    fn item<'v>(&'v self, bytes: &'v [u8], format: Format) -> StreamItem<'v> {
        let value = crate::PayloadRef { bytes, block: None, format };
        StreamItem { id: self.duct.id().clone(), way: self.duct.way(), value, meta: None }
    }

    /// Sends a value as soon as there is room for it.
    ///
    /// # Errors
    ///
    /// See [`Unsent`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is ready sends nothing.
    pub async fn send<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), Unsent> {
        poll_fn(|cx| self.poll_ready(cx)).await?;
        self.send_now(value)
    }

    /// Ends the values of a caller: by their end, or by an error that its handler finds in their
    /// place. The stream of a handler ends with its answer, so there it only means that no more
    /// comes.
    pub fn end(self, outcome: Result<(), RpcError>) {
        self.close(outcome);
    }

    fn close(&self, outcome: Result<(), RpcError>) {
        if !self.duct.end_output() || self.duct.way() == Way::ToCaller {
            return;
        }
        let id = self.duct.id().clone();
        let end = StreamEnd { id, way: Way::ToCallee, outcome, meta: None };
        // Where it cannot be said, there is nobody to be told.
        _ = self.say(&Message::StreamEnd(end), 0);
    }

    fn say(&self, message: &Message<'_>, size: usize) -> Result<(), Error> {
        let wire = self.duct.wire().ok_or_else(not_extended)?;
        self.duct.calls().say_item(wire, self.duct.lane(), message, size)
    }

    /// What this stream waits for room under.
    fn key(&self) -> usize {
        Arc::as_ptr(&self.duct).addr()
    }
}

fn unsent(error: Error) -> Unsent {
    match error {
        Error::NotExecuted(Reason::Closed(_)) => Unsent::Over,
        error => Unsent::Value(error),
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.duct.calls().leave_stream_room(self.key());
        let error = RpcError::new(crate::Code::CANCELLED, "the sender of the values was dropped");
        self.close(Err(error));
    }
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the other side reads no more of this stream"),
            Self::Over => f.write_str("the call is over"),
            Self::Value(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unsent {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Stopped | Self::Over => None,
            Self::Value(error) => Some(error),
        }
    }
}
