//! From a stream to notifications.

use std::{future::poll_fn, pin::pin, task::Poll};

use futures_core::Stream;

use super::{
    Item,
    outlet::{Outlet, Over},
    queue::{AT_ONCE, Queue},
    table::Place,
};

/// Sends the items of a stream, in their order, until it ends or nobody is there any more; then
/// the place is free.
pub(super) async fn pump<S, K>(stream: S, outlet: Outlet, place: Place)
where
    S: Stream<Item: Item<K>>,
{
    let _place = place;
    let (slow, most) = outlet.slow();
    let mut queue = Queue::new(stream, slow, most);
    let mut turns = 0;
    loop {
        let item = match poll_fn(|cx| queue.poll_next(cx)).await {
            Ok(item) => item,
            Err(end) => {
                drop(queue);
                return outlet.close(&end).await;
            }
        };
        let mut sending = pin!(outlet.send(&item));
        let sent = poll_fn(|cx| {
            let sent = sending.as_mut().poll(cx);
            if sent.is_pending() {
                queue.fill(cx);
            }
            sent
        });
        if let Err(Over) = sent.await {
            return;
        }
        turns += 1;
        if turns % AT_ONCE == 0 {
            give_way().await;
        }
    }
}

/// Lets others have their turn.
async fn give_way() {
    let mut gave_way = false;
    poll_fn(|cx| match std::mem::replace(&mut gave_way, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
