//! `Kept`: a request that is begun later than it came.
//!
//! For layers that wait for something before they begin a request. All others begin it at once,
//! in the place where it was received, and copy nothing.

use std::{fmt, sync::Arc, task};

use tinyrpc_core::{
    Channels, Format, Id, Lane, Meta, Payload, PayloadRef, ReplyTo, Request, RpcError,
};

use crate::{Invocation, PendingReply, Scope, Service, Started, cancellation::Cancellation};

/// A request of one's own, free of the frame it came in.
#[derive(Clone)]
pub struct Kept {
    id: Option<Id<'static>>,
    method: Box<str>,
    /// What the dispatchers on the way have not consumed of the name.
    rest: Box<str>,
    params: Payload,
    named: Option<Payload>,
    meta: Option<Box<Meta>>,
    lane: Lane,
    channels: Option<Channels>,
    scope: Arc<Scope>,
    format: Format,
    cancellation: Option<Arc<Cancellation>>,
    number: u64,
}

/// How a kept request began.
pub enum Begun {
    /// The answer is known. For a notification it is ignored.
    Ready(Result<Payload, RpcError>),
    /// The answer will be the output of this future.
    Pending(PendingReply),
}

impl Kept {
    /// Keeps a request for later. `reply` stays unanswered: return a future that begins it.
    pub fn new(invocation: &Invocation<'_, '_>, reply: &ReplyTo<'_>) -> Self {
        let request = invocation.request;
        Self {
            id: request.id.clone().map(Id::into_owned),
            method: request.method.as_ref().into(),
            rest: invocation.method.into(),
            params: request.params.to_payload(),
            named: request.named.map(PayloadRef::to_payload),
            meta: request.meta.clone(),
            lane: request.lane,
            channels: request.channels.clone(),
            scope: Arc::clone(invocation.scope),
            format: reply.format(),
            cancellation: invocation.cancellation.cloned(),
            number: invocation.number,
        }
    }

    /// The full name under which the method was called.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The params as they were received.
    pub fn params(&self) -> PayloadRef<'_> {
        self.params.as_ref()
    }

    /// Named params beside positional ones, where the protocol has both.
    pub fn named(&self) -> Option<PayloadRef<'_>> {
        self.named.as_ref().map(Payload::as_ref)
    }

    /// What was said about the call beside its params, if anything.
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_deref()
    }

    /// The connection that it came over.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// The format in which the caller wants the answer.
    pub fn format(&self) -> Format {
        self.format
    }

    /// True when nobody waits for an answer.
    pub fn is_notification(&self) -> bool {
        self.id.is_none()
    }

    /// Has the handler's context say that the call is cancelled when `cancellation` is raised.
    pub(crate) fn cancelled_by(self, cancellation: Arc<Cancellation>) -> Self {
        Self { cancellation: Some(cancellation), ..self }
    }

    /// How many bytes its params keep.
    pub(crate) fn size(&self) -> usize {
        self.params.bytes.len() + self.named.as_ref().map_or(0, |named| named.bytes.len())
    }

    /// Begins the request now.
    pub fn start(&self, service: &dyn Service, cx: &mut task::Context<'_>) -> Begun {
        let request = Request {
            id: self.id.clone(),
            method: (&*self.method).into(),
            params: self.params.as_ref(),
            named: self.named.as_ref().map(Payload::as_ref),
            meta: self.meta.clone(),
            lane: self.lane,
            channels: self.channels.clone(),
        };
        let mut started = Started::Done;
        let answer = ReplyTo::capture(self.format, self.id.as_ref(), |reply| {
            let mut invocation = Invocation {
                method: &self.rest,
                cancellation: self.cancellation.as_ref(),
                number: self.number,
                ..Invocation::new(&request, &self.scope, cx)
            };
            started = service.start(&mut invocation, reply);
        });
        match started {
            Started::Done => Begun::Ready(answer),
            Started::Pending(pending) => Begun::Pending(pending),
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(outcome) => f.debug_tuple("Ready").field(outcome).finish(),
            Self::Pending(_) => f.write_str("Pending"),
        }
    }
}
