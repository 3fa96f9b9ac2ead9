//! `Service`: who answers requests, whatever their protocol and transport.

use std::{fmt, future::Future, pin::Pin, sync::Arc, task};

use tinyrpc_core::{Payload, ReplyTo, Request, RpcError};

use crate::{Layer, Scope, cancellation::Cancellation};

/// Answers requests. A [`Dispatcher`](crate::Dispatcher) is one, a layer around one is another.
///
/// A service is shared by all connections and called by many of them at the same time. It
/// begins a request and returns at once: either the answer was written into `reply`, or a future
/// goes on and gives it later. It may panic; the engine around it answers for it.
pub trait Service: Send + Sync {
    /// Begins one request or notification.
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started;

    /// True where requests for the method are answered by more than "no such method".
    ///
    /// Asked where several services share a prefix. A service that does not know claims all.
    fn has_method(&self, name: &str) -> bool {
        let _ = name;
        true
    }

    /// Puts a layer around this service. The layer that is added last is the outermost.
    fn layer<L: Layer<Self>>(self, layer: L) -> L::Service
    where
        Self: Sized,
    {
        layer.layer(self)
    }
}

/// One request on its way through layers to its handler.
#[derive(Debug)]
pub struct Invocation<'a, 'w> {
    /// The request as it was received.
    pub request: &'a Request<'a>,
    /// The rest of the method's name: what the dispatchers on the way have not consumed.
    pub method: &'a str,
    /// The connection it came over.
    pub scope: &'a Arc<Scope>,
    /// Wakes the connection; a future that was polled with it and is pending must be returned.
    pub cx: &'a mut task::Context<'w>,
    /// Raised when nobody waits for the answer any more, where the handler's future cannot tell.
    pub(crate) cancellation: Option<&'a Arc<Cancellation>>,
    /// Which request of its connection it is.
    pub(crate) number: u64,
}

impl<'a, 'w> Invocation<'a, 'w> {
    /// A request that came over a connection.
    pub fn new(
        request: &'a Request<'a>,
        scope: &'a Arc<Scope>,
        cx: &'a mut task::Context<'w>,
    ) -> Self {
        Self { request, method: &request.method, scope, cx, cancellation: None, number: 0 }
    }
}

/// How a request began.
pub enum Started {
    /// The answer was written, or there is none to write.
    Done,
    /// The answer will be the output of this future; dropping it cancels the request.
    Pending(PendingReply),
}

/// A request that goes on. For a notification the result is ignored, and an error goes to the log.
pub type PendingReply = Pin<Box<dyn Future<Output = Result<Payload, RpcError>> + Send>>;

impl<S: Service + ?Sized> Service for Arc<S> {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        (**self).start(invocation, reply)
    }

    fn has_method(&self, name: &str) -> bool {
        (**self).has_method(name)
    }
}

impl<S: Service + ?Sized> Service for Box<S> {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        (**self).start(invocation, reply)
    }

    fn has_method(&self, name: &str) -> bool {
        (**self).has_method(name)
    }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Pending(_) => "Pending",
        })
    }
}
