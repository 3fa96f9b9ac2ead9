//! `relay`: from a handler's stream to its caller.

use std::{future::poll_fn, pin::pin, task::Poll};

use futures_core::Stream;
use tinyrpc_core::{Payload, RpcError};

use super::target::Target;
use crate::Item;

/// Sends what a stream gives, and ends with the answer to the call.
///
/// Nothing is asked of the stream before there is room for it: a caller that does not read stops
/// its producer.
pub(super) async fn relay<S, K>(stream: S, mut target: Target) -> Result<Payload, RpcError>
where
    S: Stream<Item: Item<K>>,
{
    let mut stream = pin!(stream);
    let mut in_a_row = 0;
    poll_fn(|cx| {
        loop {
            if target.poll_ready(cx)?.is_pending() {
                return Poll::Pending;
            }
            let Poll::Ready(item) = stream.as_mut().poll_next(cx) else { return Poll::Pending };
            let Some(item) = item else { return Poll::Ready(Ok::<_, RpcError>(())) };
            target.send(&item.into_value()?)?;
            in_a_row += 1;
            if in_a_row == AT_ONCE {
                in_a_row = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    })
    .await?;
    target.finish()
}

/// Values sent before others have their turn.
const AT_ONCE: u32 = 256;
