//! Subscriptions: methods whose answer is an id, and the notifications that carry it.
//!
//! They are plain requests and notifications, so they work with any peer of the protocol. A stream
//! is polled by whoever drives its connection, and ends with that: there is no task and no channel.

mod channel;
mod outlet;
mod pump;
mod pumps;
mod queue;
mod source;
mod subscribing;
mod table;
#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;

use std::{future::Future, sync::Arc};

use self::subscribing::{Later, Now};
pub use self::{
    channel::Channel,
    source::{Item, Source},
};
pub(crate) use self::{pumps::Pumps, table::Subscriptions};
use crate::{
    Arguments, Method,
    handler::{Async, Function, Plain, Surroundings},
};

/// A function or closure that can be a subscription: it gives a stream for each subscriber.
///
/// | written | as |
/// |---|---|
/// | params | as those of a [`Handler`](crate::Handler), with a [`Context`](crate::Context) before them or not |
/// | result | a `Stream`, or `Result<Stream, E>` where subscribing may fail; plain or async |
/// | items | `Serialize` values, or `Result<T, E>`: the first error ends the subscription |
///
/// Streams are `Send` and own what they use. They are polled where requests are received, so they
/// must not block; a channel's receiver is a stream for items that come from elsewhere.
///
/// `Marker` tells apart what a function may be; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a subscription",
    label = "not a subscription",
    note = "it is a function or a closure of 0 to 12 params that gives a `Stream + Send + 'static`, or a `Result` of one",
    note = "each item is `Serialize`, or a `Result` of that and of an error that is `Into<RpcError>`"
)]
pub trait Producer<Marker> {
    /// Makes it a method that subscribes.
    #[track_caller]
    fn into_subscribing(self, channel: Arc<Channel>) -> Method;
}

#[diagnostic::do_not_recommend]
impl<F, C, K, A> Producer<(Plain, C, K, A)> for F
where
    F: Function<C, A, Output: Source<K>>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
{
    fn into_subscribing(self, channel: Arc<Channel>) -> Method {
        F::Output::check();
        Method::from_erased(Now::new(self, channel))
    }
}

#[diagnostic::do_not_recommend]
impl<F, C, K, A, T> Producer<(Async, C, K, A)> for F
where
    F: Function<C, A, Output: Future<Output = T> + Send + 'static>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
    T: Source<K>,
{
    fn into_subscribing(self, channel: Arc<Channel>) -> Method {
        T::check();
        Method::from_erased(Later::new(self, channel))
    }
}
