//! Methods that stream: their result is a stream of values, or values are sent into them.
//!
//! A stream is polled by whoever drives its connection, and only as far as the caller has granted
//! it room: there is no task and no channel. A caller that knows no streams gets all values as one
//! array.

mod input;
mod produce;
mod relay;
mod streams;
mod target;

use std::future::Future;

use self::streams::{Later, Now};
pub use self::{
    input::Input,
    produce::{Output, Produced, produce},
};
use crate::{
    Arguments, Method, Source,
    handler::{Async, Function, Plain, Surroundings},
};

/// A function or closure that can be a streaming method.
///
/// | written | as |
/// |---|---|
/// | params | as those of a [`Handler`](crate::Handler), with a [`Context`](crate::Context) before them or not |
/// | result | a `Stream`, or `Result<Stream, E>` where beginning may fail; plain or async |
/// | values | `Serialize`, or `Result<T, E>`: the first error ends the stream and the call |
///
/// Streams are `Send` and own what they use. They are polled where requests are received, so they
/// must not block; iterators are streams by `futures_util::stream::iter`, and [`produce`] makes one of
/// an async block that writes to an [`Output`].
///
/// `Marker` tells apart what a function may be; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a streaming method",
    label = "not a streaming method",
    note = "it is a function or a closure of 0 to 12 params that gives a `Stream + Send + 'static`, or a `Result` of one",
    note = "each value is `Serialize`, or a `Result` of that and of an error that is `Into<RpcError>`"
)]
pub trait Streams<Marker> {
    /// Makes it a method.
    #[track_caller]
    fn into_streaming(self) -> Method;
}

#[diagnostic::do_not_recommend]
impl<F, C, K, A> Streams<(Plain, C, K, A)> for F
where
    F: Function<C, A, Output: Source<K>>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
{
    fn into_streaming(self) -> Method {
        F::Output::check();
        Method::from_erased(Now::new(self))
    }
}

#[diagnostic::do_not_recommend]
impl<F, C, K, A, T> Streams<(Async, C, K, A)> for F
where
    F: Function<C, A, Output: Future<Output = T> + Send + 'static>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
    T: Source<K>,
{
    fn into_streaming(self) -> Method {
        T::check();
        Method::from_erased(Later::new(self))
    }
}
