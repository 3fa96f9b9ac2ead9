//! `Errand`: a request to one method that begins away from its connection.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Waker},
};

use tinyrpc_core::{Payload, ReplyTo, RpcError};

use crate::{
    Begun, Invocation, Kept, Method, Service, Started,
    cancellation::Cancellation,
    dispatcher::{Policy, Shared},
    panicked::guarded,
};

/// A request that was kept, its method, and how it learns that nobody waits for it.
///
/// The params are decoded where the handler runs. That costs a copy of small ones, and what is
/// large is decoded where it holds up no other request; the values need not be `Send`, and what
/// they are refused for is found in the one way that there is.
pub(crate) struct Errand {
    kept: Kept,
    dispatcher: Arc<Shared>,
    method: Arc<Method>,
    cancellation: Arc<Cancellation>,
}

impl Errand {
    pub(crate) fn new(
        dispatcher: &Arc<Shared>,
        method: &Arc<Method>,
        invocation: &Invocation<'_, '_>,
        reply: &ReplyTo<'_>,
    ) -> Self {
        let cancellation = Arc::<Cancellation>::default();
        Self {
            kept: Kept::new(invocation, reply).cancelled_by(Arc::clone(&cancellation)),
            dispatcher: Arc::clone(dispatcher),
            method: Arc::clone(method),
            cancellation,
        }
    }

    /// How many bytes its params keep.
    pub(crate) fn size(&self) -> usize {
        self.kept.size()
    }

    /// Decodes the params and calls the handler, whose panic is an internal error. A future that it
    /// gives has been polled once, with a waker that does nothing.
    pub(crate) fn start(&self) -> Begun {
        let mut cx = Context::from_waker(Waker::noop());
        match guarded(|| {
            self.kept
                .start(&Here { policy: self.dispatcher.policy(), method: &self.method }, &mut cx)
        }) {
            Ok(begun) => begun,
            Err(error) => Begun::Ready(Err(error)),
        }
    }

    /// The same for a plain function, which answers before it returns.
    pub(crate) fn run(&self) -> Result<Payload, RpcError> {
        match self.start() {
            Begun::Ready(answer) => answer,
            Begun::Pending(_) => Err(RpcError::internal("an async function has no place here")),
        }
    }

    /// Tells the handler that nobody waits for its answer any more.
    pub(crate) fn cancel(&self) {
        self.cancellation.cancel();
    }
}

/// A method as a service that begins it where it is asked.
struct Here<'a> {
    policy: &'a Policy,
    method: &'a Method,
}

impl Service for Here<'_> {
    fn start(&self, invocation: &mut Invocation<'_, '_>, reply: &mut ReplyTo<'_>) -> Started {
        self.method.start(self.policy, invocation, reply)
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand").field("kept", &self.kept).finish_non_exhaustive()
    }
}
