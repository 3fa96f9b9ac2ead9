//! `Target`: where the values of a handler go.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use serde::Serialize;
use tinyrpc_core::{Code, Error, Format, Outlet, Payload, ReplyTo, RpcError, Unsent};

use crate::Invocation;

/// Where values go: one by one to a caller that wants a stream, into one array for any other.
pub(super) enum Target {
    Stream {
        outlet: Outlet,
        format: Format,
    },
    Array {
        values: Vec<u8>,
        count: u32,
        most: usize,
        format: Format,
    },
    /// Nobody waits for them.
    Nowhere {
        format: Format,
    },
}

impl Target {
    pub(super) fn of(invocation: &Invocation<'_, '_>, reply: &ReplyTo<'_>) -> Self {
        let format = reply.format();
        let channels = invocation.request.channels.as_ref();
        match channels.and_then(|channels| channels.outlet()) {
            Some(outlet) => Self::Stream { outlet, format },
            None if reply.is_notification() => Self::Nowhere { format },
            None => {
                let most = invocation.scope.caller.limits().max_collected;
                Self::Array { values: Vec::new(), count: 0, most, format }
            }
        }
    }

    /// Ready when there is room for a value.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), RpcError>> {
        match self {
            Self::Stream { outlet, .. } => {
                let ready = ready!(outlet.poll_ready(cx));
                Poll::Ready(ready.map_err(unsent))
            }
            Self::Array { .. } | Self::Nowhere { .. } => Poll::Ready(Ok(())),
        }
    }

    /// Sends a value where there is room for it.
    pub(super) fn send<T: Serialize>(&mut self, value: &T) -> Result<(), RpcError> {
        match self {
            Self::Stream { outlet, .. } => outlet.send_now(value).map_err(unsent),
            Self::Nowhere { .. } => Ok(()),
            Self::Array { values, count, most, format } => {
                if *count > 0 {
                    values.extend_from_slice(format.separator());
                }
                format
                    .encode(value, values)
                    .map_err(|error| unsent(Unsent::Value(Error::encode(error))))?;
                *count += 1;
                if values.len() > *most {
                    let why = format!(
                        "the stream is over the limit `max_collected` of {most} bytes: \
                         call it as a stream"
                    );
                    return Err(RpcError::new(Code::UNSENDABLE, why));
                }
                Ok(())
            }
        }
    }

    /// The answer to the call, behind all values.
    pub(super) fn finish(self) -> Result<Payload, RpcError> {
        match self {
            Self::Stream { format, .. } => {
                Ok(Payload { bytes: Bytes::from_static(format.null()), format })
            }
            Self::Nowhere { format } => Ok(Payload { bytes: Bytes::new(), format }),
            Self::Array { values, count, format, .. } => {
                Ok(Payload { bytes: format.sequence(count, &values).into(), format })
            }
        }
    }
}

fn unsent(unsent: Unsent) -> RpcError {
    match unsent {
        Unsent::Value(error) => RpcError::new(
            Code::UNSENDABLE,
            format!("a value of the stream cannot be sent: {error}"),
        ),
        other => RpcError::new(Code::CANCELLED, other.to_string()),
    }
}
