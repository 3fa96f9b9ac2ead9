//! `Layer`: something around a service, for all of its methods.

use crate::Service;

/// Makes one service of another, such as one with a time limit.
///
/// A layer sees requests before they are decoded. It begins them at once and costs those that are
/// answered at once no allocation; what it does about those that go on is done by the future that
/// it returns. See [`layers`](crate::layers) for those that are here, and the source of
/// [`Timeout`](crate::layers::Timeout) as a model for your own.
///
/// ```
/// use std::time::Duration;
/// use tinyrpc_dispatch::{Dispatcher, Service, layers::{ConcurrencyLayer, TimeoutLayer}};
///
/// let service = Dispatcher::new()
///     .method("add", |a: i64, b: i64| a + b)
///     .layer(ConcurrencyLayer::new(100))
///     .layer(TimeoutLayer::new(Duration::from_secs(10)));
/// # let _: &dyn Service = &service;
/// ```
pub trait Layer<S> {
    /// What it makes.
    type Service: Service;

    /// Puts itself around `inner`.
    fn layer(self, inner: S) -> Self::Service;
}
