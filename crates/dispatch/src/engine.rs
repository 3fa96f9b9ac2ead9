//! `Engine`: a session and the service that answers its requests.
//!
//! For authors of drivers. It begins each request inline, keeps those that go on, and answers for
//! handlers that panic: the caller gets an internal error, the connection lives.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::stream::{AbortHandle, Abortable, FuturesUnordered, StreamExt};
use tinyrpc_core::{Incoming, Payload, ReplyTo, Request, RpcError, Serve, Session, Ticket, Turn};

use crate::{
    Invocation, PendingReply, Scope, Service, Started, fail::fail, panicked::guarded, waiting,
};

/// One connection's session, its service and the requests that go on.
pub struct Engine {
    session: Session,
    service: Arc<dyn Service>,
    scope: Arc<Scope>,
    jobs: Jobs,
}

/// The requests that go on, each with the handle that ends it early.
#[derive(Default)]
struct Jobs {
    running: FuturesUnordered<Abortable<Job>>,
    aborts: Vec<Option<AbortHandle>>,
}

/// One request that goes on.
struct Job {
    ticket: Ticket,
    reply: Option<PendingReply>,
}

impl Engine {
    /// Joins a session and a service.
    pub fn new(session: Session, service: Arc<dyn Service>, scope: Arc<Scope>) -> Self {
        Self { session, service, scope, jobs: Jobs::default() }
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
        let Self { session, service, scope, jobs } = self;
        session.handle(incoming, &mut Starter { service: &**service, scope, jobs, cx })
    }

    /// From now on another service answers.
    pub fn serve_by(&mut self, service: Arc<dyn Service>) {
        self.service = service;
    }

    /// Begins a request that [`Session::ask`] showed, with what is known about who made it.
    pub fn begin_asked(&mut self, number: u64, scope: &Arc<Scope>, cx: &mut Context<'_>) {
        let Self { session, service, jobs, .. } = self;
        session.begin_asked(number, &mut Starter { service: &**service, scope, jobs, cx });
    }

    /// Goes on with what goes on, and answers what is done; true when something was.
    pub fn poll_running(&mut self, cx: &mut Context<'_>) -> bool {
        let _driving = waiting::driving();
        let mut answered = false;
        while let Poll::Ready(Some(done)) = self.jobs.running.poll_next_unpin(cx) {
            let Ok((ticket, outcome)) = done else { continue };
            answered = true;
            self.jobs.forget(ticket);
            self.session.finish(ticket, |reply| match outcome {
                Ok(payload) => reply.payload(payload.as_ref()),
                Err(error) => fail(reply, &error),
            });
        }
        answered
    }

    /// Drops every request that goes on.
    pub fn abort_all(&mut self) {
        self.jobs.aborts.drain(..).flatten().for_each(|abort| abort.abort());
        self.jobs.running.clear();
    }
}

/// Lends the engine's parts to the session for one turn.
struct Starter<'e, 'w> {
    service: &'e dyn Service,
    scope: &'e Arc<Scope>,
    jobs: &'e mut Jobs,
    cx: &'e mut Context<'w>,
}

impl Serve for Starter<'_, '_> {
    type Pending = PendingReply;

    fn start(&mut self, request: &Request<'_>, reply: &mut ReplyTo<'_>) -> Option<PendingReply> {
        let started = guarded(|| {
            let mut invocation = Invocation::new(request, self.scope, self.cx);
            self.service.start(&mut invocation, reply)
        });
        match started {
            Ok(Started::Done) => None,
            Ok(Started::Pending(pending)) => Some(pending),
            Err(error) => {
                reply.error(&error);
                None
            }
        }
    }

    fn pending(&mut self, ticket: Ticket, pending: PendingReply) {
        self.jobs.push(ticket, pending);
    }

    fn cancelled(&mut self, ticket: Ticket) {
        self.jobs.abort(ticket);
    }
}

impl Jobs {
    fn push(&mut self, ticket: Ticket, reply: PendingReply) {
        let (abort, registration) = AbortHandle::new_pair();
        self.running.push(Abortable::new(Job { ticket, reply: Some(reply) }, registration));
        let index = ticket.index();
        if self.aborts.len() <= index {
            self.aborts.resize_with(index + 1, || None);
        }
        if let Some(place) = self.aborts.get_mut(index) {
            *place = Some(abort);
        }
    }

    fn abort(&mut self, ticket: Ticket) {
        if let Some(abort) = self.aborts.get_mut(ticket.index()).and_then(Option::take) {
            abort.abort();
        }
    }

    fn forget(&mut self, ticket: Ticket) {
        if let Some(place) = self.aborts.get_mut(ticket.index()) {
            *place = None;
        }
    }
}

impl Future for Job {
    type Output = (Ticket, Result<Payload, RpcError>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ticket = self.ticket;
        let Some(reply) = &mut self.reply else {
            return Poll::Ready((ticket, Err(RpcError::internal("polled after its end"))));
        };
        let outcome = match guarded(|| reply.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(error) => Err(error),
        };
        self.release();
        Poll::Ready((ticket, outcome))
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

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("session", &self.session)
            .field("running", &self.jobs.running.len())
            .finish_non_exhaustive()
    }
}
