//! `Endpoint`: one message in, no or one message out, without any transport or runtime.
//!
//! For programs that have an event loop of their own, and for tests. It is a session of one
//! exchange, with everything that a session does: limits, batches, panics that are answered.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use tinyrpc_core::{
    Frame, Hint, Incoming, Lane, Limits, PeerAddress, Protocol, Role, Session, Settings, Shape,
    Taken, Turn,
};

use crate::{Engine, Scope, Service};

/// Answers messages as bytes. Cheap to clone; many messages may be in work at the same time.
#[derive(Clone)]
pub struct Endpoint {
    shared: Arc<Shared>,
}

struct Shared {
    service: Arc<dyn Service>,
    protocol: Arc<dyn Protocol>,
    limits: Arc<Limits>,
    /// Engines whose exchange is over.
    #[expect(clippy::vec_box, reason = "an engine is large, and is boxed where it is in work")]
    idle: Mutex<Vec<Box<Engine>>>,
}

/// What became of a message at once. See [`Endpoint::dispatch_now`].
#[derive(Debug)]
pub enum Dispatched {
    /// It is done; `None` where there is nothing to send, as for notifications.
    Ready(Option<Bytes>),
    /// A handler goes on; the answer comes from this future.
    Pending(Dispatching),
}

/// A message in work; the output is the answer, or `None` where there is nothing to send.
///
/// Dropping it cancels the handlers of the message.
#[must_use = "handlers go on only while it is polled"]
pub struct Dispatching {
    shared: Arc<Shared>,
    engine: Option<Box<Engine>>,
}

impl Endpoint {
    /// Answers messages of one protocol by a service.
    pub fn new(service: impl Service + 'static, protocol: impl Protocol + 'static) -> Self {
        Self::with_limits(service, protocol, Limits::default())
    }

    /// The same with limits of your own.
    pub fn with_limits(
        service: impl Service + 'static,
        protocol: impl Protocol + 'static,
        limits: Limits,
    ) -> Self {
        let shared = Shared {
            service: Arc::new(service),
            protocol: Arc::new(protocol),
            limits: Arc::new(limits),
            idle: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Answers one message.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the handlers of the message.
    pub async fn dispatch(&self, message: impl Into<Bytes>) -> Option<Bytes> {
        match self.dispatch_now(message) {
            Dispatched::Ready(answer) => answer,
            Dispatched::Pending(dispatching) => dispatching.await,
        }
    }

    /// Answers one message as far as that goes without waiting.
    pub fn dispatch_now(&self, message: impl Into<Bytes>) -> Dispatched {
        let mut engine = self.shared.engine();
        let mut incoming = Incoming::new();
        incoming.push(Frame { lane: LANE, bytes: message.into(), hint: Hint::None });
        let mut cx = Context::from_waker(Waker::noop());
        while engine.handle(&mut incoming, &mut cx) == Turn::More {}
        let mut dispatching =
            Dispatching { shared: Arc::clone(&self.shared), engine: Some(engine) };
        match dispatching.poll_answer(&mut cx) {
            Poll::Ready(answer) => Dispatched::Ready(answer),
            Poll::Pending => Dispatched::Pending(dispatching),
        }
    }
}

impl Shared {
    fn engine(&self) -> Box<Engine> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| {
            let protocols = vec![Arc::clone(&self.protocol)];
            let session = Session::new(Settings {
                limits: Arc::clone(&self.limits),
                ..Settings::new(Role::Server, Shape::Exchange, protocols)
            });
            let scope = Scope::new(PeerAddress::Memory, session.caller(), None);
            Box::new(Engine::new(session, Arc::clone(&self.service), Arc::new(scope)))
        })
    }

    fn give_back(&self, engine: Box<Engine>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(engine);
        }
    }
}

impl Dispatching {
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(engine) = &mut self.engine else { return Poll::Ready(None) };
        if engine.session().running() > 0 {
            engine.poll_running(cx);
        }
        let mut answer = None;
        while let Some(taken) = engine.session().outgoing().pop() {
            match taken {
                Taken::Frame(frame) => answer = Some(frame.bytes),
                Taken::Ended(..) => {
                    if let Some(engine) =
                        self.engine.take_if(|engine| !engine.session().is_closing())
                    {
                        self.shared.give_back(engine);
                    }
                    self.engine = None;
                    return Poll::Ready(answer);
                }
            }
        }
        Poll::Pending
    }
}

impl Future for Dispatching {
    type Output = Option<Bytes>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().poll_answer(cx)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("protocol", &self.shared.protocol).finish_non_exhaustive()
    }
}

impl fmt::Debug for Dispatching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatching").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// Every engine serves one exchange at a time.
const LANE: Lane = Lane(1);
/// Engines that are kept; more are only needed while many messages are in work.
const MOST_IDLE: usize = 64;
