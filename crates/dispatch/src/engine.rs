//! `Engine`: a session and the service that answers its requests.
//!
//! For authors of drivers and for foreign event loops. It begins each request inline, keeps those
//! that go on, and answers for handlers that panic: the caller gets an internal error, the
//! connection lives.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::stream::{AbortHandle, Abortable, FuturesUnordered, StreamExt};
use tinyrpc_core::{
    Incoming, Payload, Reason, ReplyTo, Request, RpcError, Serve, Session, Settings, Ticket, Turn,
};

use crate::{
    Invocation, PendingReply, Scope, Service, Started, fail::fail, panicked::guarded,
    subscriptions::Pumps, waiting,
};

/// One connection's session, its service and the requests that go on.
///
/// It fits into any event loop: bytes in, bytes out, and time as a number.
///
/// 1. What was received is appended to [`Incoming::buffer`], or pushed as messages; while
///    [`Session::is_paused`], nothing should be. [`Session::end`] says that no more will come.
/// 2. [`Engine::turn`] handles it, and says when it wants its next turn.
/// 3. What [`Session::outgoing`] holds is sent as far as that goes, and [`Engine::sent`] says so.
/// 4. The loop sleeps until the socket is ready or that time has come, unless the waker was woken
///    meanwhile; it closes the connection when [`Session::wants_close`].
///
/// Calls that this side makes, by the [`Caller`](tinyrpc_core::Caller) of the scope, are futures
/// like any other: whoever polls them writes into the engine's queue, and has its waker woken.
///
/// ```
/// use std::{pin::pin, sync::Arc, task::{Context, Poll, Waker}};
/// use tinyrpc_core::{Incoming, Protocol, Role, Settings, Shape};
/// use tinyrpc_dispatch::{Dispatcher, Engine};
/// use tinyrpc_protocols::JsonRpc;
///
/// let open = |role, service| {
///     let protocols: Vec<Arc<dyn Protocol>> = vec![Arc::new(JsonRpc)];
///     (Engine::open(Settings::new(role, Shape::Stream, protocols), service), Incoming::new())
/// };
/// let calc = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
/// let mut server = open(Role::Server, calc);
/// let mut client = open(Role::Client, Dispatcher::new());
///
/// // Here bytes are moved from one to the other; elsewhere a socket is between them.
/// let mut cx = Context::from_waker(Waker::noop());
/// let mut move_bytes = |from: &mut (Engine, Incoming), to: &mut (Engine, Incoming)| {
///     from.0.turn(&mut from.1, 0, &mut cx);
///     let outgoing = from.0.session().outgoing();
///     let count = outgoing.bytes().len();
///     to.1.buffer().extend_from_slice(outgoing.bytes());
///     outgoing.advance(count);
///     from.0.sent(&mut cx);
/// };
/// let caller = client.0.scope().caller.clone();
/// let mut call = pin!(caller.call::<_, i64>("add", (2, 3)));
/// let five = loop {
///     if let Poll::Ready(answer) = call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
///         break answer?;
///     }
///     move_bytes(&mut client, &mut server);
///     move_bytes(&mut server, &mut client);
///     client.0.turn(&mut client.1, 0, &mut Context::from_waker(Waker::noop()));
/// };
/// assert_eq!(five, 5);
/// # Ok::<_, tinyrpc_core::Error>(())
/// ```
pub struct Engine {
    session: Session,
    service: Arc<dyn Service>,
    scope: Arc<Scope>,
    jobs: Jobs,
    /// The number of the last request.
    number: u64,
    pumps: Pumps,
}

/// The requests that go on, each with the handle that ends it early.
#[derive(Default)]
struct Jobs {
    running: FuturesUnordered<Abortable<Job>>,
    aborts: Vec<Option<(u64, AbortHandle)>>,
}

/// One request that goes on.
struct Job {
    ticket: Ticket,
    number: u64,
    reply: Option<PendingReply>,
}

impl Engine {
    /// Joins a session and a service.
    pub fn new(session: Session, service: Arc<dyn Service>, scope: Arc<Scope>) -> Self {
        let pumps = Pumps::new(Arc::clone(&scope.subscriptions));
        Self { session, service, scope, jobs: Jobs::default(), number: 0, pumps }
    }

    /// One end of a connection that is driven without a runtime, with a session and a scope of its
    /// own.
    pub fn open(settings: Settings, service: impl Service + 'static) -> Self {
        let peer = settings.peer.clone();
        let session = Session::new(settings);
        let scope = Scope::new(peer, session.caller(), None);
        Self::new(session, Arc::new(service), Arc::new(scope))
    }

    /// A whole turn between receiving and sending: handles what came, goes on with what goes on,
    /// and collects what callers wrote.
    ///
    /// It gives the time by which it wants another turn, where it wants one, on the scale of `now`:
    /// microseconds since any fixed moment. Where it wants one at once, it wakes the waker.
    pub fn turn(&mut self, incoming: &mut Incoming, now: u64, cx: &mut Context<'_>) -> Option<u64> {
        let handled = self.handle(incoming, cx);
        let answered = self.poll_running(cx);
        let next = self.session.turn(now, cx.waker());
        if handled == Turn::More || answered && self.session.can_start() {
            cx.waker().wake_by_ref();
        }
        next
    }

    /// Says that the transport took what it could, behind a [`Engine::turn`]. Where there was no
    /// room for something until then, it wakes the waker.
    pub fn sent(&mut self, cx: &mut Context<'_>) {
        self.session.sent();
        if self.session.can_start() || self.session.has_more() {
            cx.waker().wake_by_ref();
        }
    }

    /// The session, to send from and to end its turns.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The connection as its handlers see it.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// Handles what came: answers requests that are ready, keeps those that go on.
    pub fn handle(&mut self, incoming: &mut Incoming, cx: &mut Context<'_>) -> Turn {
        let _driving = waiting::driving();
        let Self { session, service, scope, jobs, number, pumps } = self;
        let service = &**service;
        session.handle(incoming, &mut Starter { service, scope, jobs, number, pumps, cx })
    }

    /// From now on another service answers.
    pub fn serve_by(&mut self, service: Arc<dyn Service>) {
        self.service = service;
    }

    /// Begins a request that [`Session::ask`] showed, with what is known about who made it.
    pub fn begin_asked(&mut self, number: u64, scope: &Arc<Scope>, cx: &mut Context<'_>) {
        let Self { session, service, jobs, pumps, number: last, .. } = self;
        let service = &**service;
        let mut starter = Starter { service, scope, jobs, number: last, pumps, cx };
        session.begin_asked(number, &mut starter);
    }

    /// Goes on with what goes on, subscriptions included, and answers what is done; true when
    /// something was.
    pub fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        let _driving = waiting::driving();
        let mut answered = false;
        while let Poll::Ready(Some(done)) = self.jobs.running.poll_next_unpin(cx) {
            let Ok((ticket, number, outcome)) = done else { continue };
            answered = true;
            self.jobs.forget(ticket);
            self.session.finish(ticket, |reply| {
                match outcome {
                    Ok(payload) => reply.payload(payload.as_ref()),
                    Err(error) => fail(reply, &error),
                }
                self.pumps.answered(number, reply);
            });
        }
        let jobs = &self.jobs;
        self.pumps.poll(&mut self.session, |number| jobs.is_running(number), cx);
        answered
    }

    /// Drops every request that goes on, and every subscription; there will be no more of those.
    pub fn abort_all(&mut self) {
        self.jobs.aborts.drain(..).flatten().for_each(|(_, abort)| abort.abort());
        self.jobs.running.clear();
        self.pumps.end();
    }
}

/// Lends the engine's parts to the session for one turn.
struct Starter<'e, 'w> {
    service: &'e dyn Service,
    scope: &'e Arc<Scope>,
    jobs: &'e mut Jobs,
    number: &'e mut u64,
    pumps: &'e mut Pumps,
    cx: &'e mut Context<'w>,
}

impl Serve for Starter<'_, '_> {
    type Pending = PendingReply;

    fn start(&mut self, request: &Request<'_>, reply: &mut ReplyTo<'_>) -> Option<PendingReply> {
        *self.number += 1;
        let number = *self.number;
        let started = guarded(|| {
            let mut invocation =
                Invocation { number, ..Invocation::new(request, self.scope, self.cx) };
            self.service.start(&mut invocation, reply)
        });
        match started {
            Ok(Started::Done) => {
                self.pumps.answered(number, reply);
                None
            }
            Ok(Started::Pending(pending)) => Some(pending),
            Err(error) => {
                reply.error(&error);
                None
            }
        }
    }

    fn pending(&mut self, ticket: Ticket, pending: PendingReply) {
        self.jobs.push(ticket, *self.number, pending);
    }

    fn cancelled(&mut self, ticket: Ticket) {
        self.jobs.abort(ticket);
    }
}

impl Jobs {
    fn push(&mut self, ticket: Ticket, number: u64, reply: PendingReply) {
        let (abort, registration) = AbortHandle::new_pair();
        self.running.push(Abortable::new(Job { ticket, number, reply: Some(reply) }, registration));
        let index = ticket.index();
        if self.aborts.len() <= index {
            self.aborts.resize_with(index + 1, || None);
        }
        if let Some(place) = self.aborts.get_mut(index) {
            *place = Some((number, abort));
        }
    }

    fn abort(&mut self, ticket: Ticket) {
        if let Some((_, abort)) = self.aborts.get_mut(ticket.index()).and_then(Option::take) {
            abort.abort();
        }
    }

    fn forget(&mut self, ticket: Ticket) {
        if let Some(place) = self.aborts.get_mut(ticket.index()) {
            *place = None;
        }
    }
}

impl Jobs {
    /// True while the request of this number has no answer.
    fn is_running(&self, number: u64) -> bool {
        self.aborts.iter().flatten().any(|(running, _)| *running == number)
    }
}

impl Future for Job {
    type Output = (Ticket, u64, Result<Payload, RpcError>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (ticket, number) = (self.ticket, self.number);
        let Some(reply) = &mut self.reply else {
            return Poll::Ready((ticket, number, Err(RpcError::internal("polled after its end"))));
        };
        let outcome = match guarded(|| reply.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(error) => Err(error),
        };
        self.release();
        Poll::Ready((ticket, number, outcome))
    }
}

impl Job {
    /// Drops the handler's future, which may panic too.
    fn release(&mut self) {
        let reply = self.reply.take();
        // Its caller has been answered, or is gone.
        _ = guarded(|| drop(reply));
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.release();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // However a connection ends, no caller is left waiting, and no stream is left alive.
        self.pumps.end();
        self.session.lose(Reason::Closed("the connection was dropped".into()));
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("session", &self.session)
            .field("running", &self.jobs.running.len())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
