//! `TowerLayer`: layers of `tower` around a service.

use std::{
    error::Error,
    fmt,
    future::poll_fn,
    sync::{Arc, atomic::Ordering},
    task::Poll,
};

use tinyrpc_core::{Payload, ReplyTo, RpcError};

use super::{
    error::{BoxError, Known},
    inner::{InnerService, RpcRequest},
};
use crate::{Invocation, Kept, Layer, Service, Started, fail::fail};

/// A service with layers of `tower` around it. See [`TowerLayer`].
pub struct Towered<T> {
    service: T,
    known: Known,
    /// Asks the service whether it has a method: the layers cannot tell.
    has_method: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl<T> Service for Towered<T>
where
    T: tower_service::Service<RpcRequest, Response = Payload> + Clone + Send + Sync + 'static,
    T::Error: Into<BoxError>,
    T::Future: Send,
{
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        let request = RpcRequest::new(Kept::new(invocation, reply));
        let (format, notification) = (reply.format(), reply.is_notification());
        let (mut service, known) = (self.service.clone(), self.known.clone());
        let mut answer = Box::pin(async move {
            let begun = Arc::clone(request.begun());
            // The very clone that is ready is called: it may hold a place for the call.
            let ready = poll_fn(|cx| service.poll_ready(cx)).await.map_err(Into::into);
            let outcome: Result<Payload, BoxError> = match ready {
                Ok(()) => service.call(request).await.map_err(Into::into),
                Err(error) => Err(error),
            };
            match outcome {
                Ok(payload) if notification || payload.format == format => Ok(payload),
                Ok(_) => Err(RpcError::internal("a layer of tower answered in another format")),
                Err(error) => Err(known.describe(error, begun.load(Ordering::Relaxed))),
            }
        });
        match answer.as_mut().poll(invocation.cx) {
            Poll::Pending => return Started::Pending(answer),
            Poll::Ready(Ok(payload)) => reply.payload(payload.as_ref()),
            Poll::Ready(Err(error)) => fail(reply, &error),
        }
        Started::Done
    }

    fn has_method(&self, name: &str) -> bool {
        (self.has_method)(name)
    }
}

/// Puts layers of `tower` around a service: one of them, a stack, or what a `ServiceBuilder` makes.
///
/// What they make must be `Clone + Send + Sync`, as one service is used by all connections: each
/// call gets a clone, waits until it is ready, and calls it. Layers whose services cannot be
/// cloned, such as a rate limit, stand behind a buffer.
///
/// A call costs a copy of its method's name and an allocation for its answer to come; params are
/// not copied where the transport gave them in a block of their own.
///
/// ```
/// use std::time::Duration;
/// use tinyrpc_core::{Code, RpcError};
/// use tinyrpc_dispatch::{Dispatcher, Service, tower::TowerLayer};
/// use tower::{ServiceBuilder, timeout::error::Elapsed};
///
/// let stack = ServiceBuilder::new()
///     .load_shed()
///     .concurrency_limit(100)
///     .timeout(Duration::from_secs(10))
///     .into_inner();
/// let late = || RpcError::new(Code::DEADLINE, "the call took too long");
/// let service = Dispatcher::new()
///     .method("add", |a: i64, b: i64| a + b)
///     .layer(TowerLayer::new(stack).map_error(move |error| error.is::<Elapsed>().then(late)));
/// # let _: &dyn Service = &service;
/// ```
///
/// # Errors
///
/// - An [`RpcError`], from the service or a layer, is answered as it is.
/// - What [`TowerLayer::map_error`] knows becomes what it says.
/// - Any other error of a layer is told to the log, not to the caller. Where the service had not
///   seen the request yet, as when load is shed, the caller is told that it was certainly not
///   executed ([`Code::REFUSED`](tinyrpc_core::Code::REFUSED) with its mark), else that there was an
///   internal error.
///
/// # Calls that are nested
///
/// A limit of `tower` counts all calls alike. Where a handler waits for a call of its own peer, and
/// that calls back, the second waits for the place that the first one holds: for such services
/// [`ConcurrencyLayer`](crate::layers::ConcurrencyLayer) is the limit to take.
#[derive(Clone, Debug)]
pub struct TowerLayer<L> {
    layer: L,
    known: Known,
}

impl<L> TowerLayer<L> {
    /// A layer of ours, made of one of `tower`.
    pub fn new(layer: L) -> Self {
        Self { layer, known: Known::default() }
    }

    /// Says what callers are told of errors that the program knows; `None` for all others.
    #[must_use]
    pub fn map_error(
        self,
        map: impl Fn(&(dyn Error + Send + Sync + 'static)) -> Option<RpcError> + Send + Sync + 'static,
    ) -> Self {
        Self { known: Known::new(map), ..self }
    }
}

impl<S, L> Layer<S> for TowerLayer<L>
where
    S: Service + 'static,
    L: tower_layer::Layer<InnerService<S>>,
    Towered<L::Service>: Service,
{
    type Service = Towered<L::Service>;

    fn layer(self, inner: S) -> Towered<L::Service> {
        let inner = Arc::new(inner);
        let asked = Arc::clone(&inner);
        Towered {
            service: self.layer.layer(InnerService::new(inner)),
            known: self.known,
            has_method: Arc::new(move |name| asked.has_method(name)),
        }
    }
}

impl<T: Clone> Clone for Towered<T> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            known: self.known.clone(),
            has_method: Arc::clone(&self.has_method),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Towered<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Towered").field("service", &self.service).finish_non_exhaustive()
    }
}
