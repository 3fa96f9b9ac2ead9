//! `Serve`: who executes the requests that a session hands out.

use crate::{ReplyTo, Request, Ticket};

/// Executes requests. The engine of `tinyrpc-dispatch` is one; a foreign loop may bring its own.
pub trait Serve {
    /// A request that was begun and is not finished.
    type Pending;

    /// Begins a request. Either it is answered through `reply` at once (`None`), or it goes on
    /// and the session is told by [`Session::finish`](crate::Session::finish).
    ///
    /// It must not panic: what user code does is caught in here.
    fn start(&mut self, request: &Request<'_>, reply: &mut ReplyTo<'_>) -> Option<Self::Pending>;

    /// The request that was just begun goes by this ticket.
    fn pending(&mut self, ticket: Ticket, pending: Self::Pending);

    /// Nobody waits for the answer any more: the request is to be dropped.
    fn cancelled(&mut self, ticket: Ticket);
}
