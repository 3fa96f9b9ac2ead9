//! `Pumps`: the streams of a connection's subscriptions, as its engine drives them.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{
    future::{AbortRegistration, Abortable},
    stream::{FuturesUnordered, StreamExt},
};
use tinyrpc_core::{ReplyTo, Session};

use super::{
    Subscriptions,
    table::{Fresh, Work},
};
use crate::panicked::guarded;

/// What sends the items of one connection's subscriptions.
pub(crate) struct Pumps {
    subscriptions: Arc<Subscriptions>,
    /// Those whose subscribers do not know their ids yet.
    waiting: Vec<Waiting>,
    running: FuturesUnordered<Abortable<Pump>>,
}

/// A subscription whose request is not answered, or whose answer has not left.
struct Waiting {
    number: u64,
    pump: Pump,
    abort: AbortRegistration,
    answered: bool,
}

/// The work of one subscription. It is code of a user, which may panic.
struct Pump(Option<Work>);

impl Pumps {
    pub(crate) fn new(subscriptions: Arc<Subscriptions>) -> Self {
        Self { subscriptions, waiting: Vec::new(), running: FuturesUnordered::new() }
    }

    /// A request was answered: what it subscribed begins when the answer has left, unless it was
    /// answered with an error.
    #[inline]
    pub(crate) fn answered(&mut self, number: u64, reply: &mut ReplyTo<'_>) {
        self.take_fresh();
        if !self.waiting.is_empty() {
            self.follow(number, reply);
        }
    }

    #[cold]
    fn follow(&mut self, number: u64, reply: &mut ReplyTo<'_>) {
        if reply.error_code().is_some() {
            // Nobody learns the id.
            return self.waiting.retain(|waiting| waiting.number != number);
        }
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.number == number) {
            waiting.answered = true;
            reply.follow(number);
        }
    }

    /// Goes on with all of them; `is_running` says whether the request of a number is.
    pub(crate) fn poll(
        &mut self,
        session: &mut Session,
        is_running: impl Fn(u64) -> bool,
        cx: &mut Context<'_>,
    ) {
        self.take_fresh();
        if !self.waiting.is_empty() {
            self.begin(session, is_running);
        }
        while let Poll::Ready(Some(_)) = self.running.poll_next_unpin(cx) {}
    }

    #[cold]
    fn begin(&mut self, session: &mut Session, is_running: impl Fn(u64) -> bool) {
        while let Some((number, left)) = session.poll_followed() {
            let begins = self.waiting.extract_if(.., |waiting| waiting.number == number);
            for Waiting { pump, abort, .. } in begins.filter(|_| left) {
                self.running.push(Abortable::new(pump, abort));
            }
        }
        // Requests that were given up have no answer.
        self.waiting.retain(|waiting| waiting.answered || is_running(waiting.number));
    }

    #[inline]
    fn take_fresh(&mut self) {
        let fresh = self.subscriptions.take_fresh();
        self.waiting.extend(fresh.into_iter().map(|Fresh { number, work, abort }| Waiting {
            number,
            pump: Pump(Some(work)),
            abort,
            answered: false,
        }));
    }

    /// Drops all of them, and whatever would come.
    pub(crate) fn end(&mut self) {
        for Fresh { work, .. } in self.subscriptions.close() {
            drop(Pump(Some(work)));
        }
        self.waiting.clear();
        self.running.clear();
    }
}

impl Future for Pump {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(work) = &mut self.0 else { return Poll::Ready(()) };
        match guarded(|| work.as_mut().poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) | Err(_) => {
                self.release();
                Poll::Ready(())
            }
        }
    }
}

impl Pump {
    fn release(&mut self) {
        let work = self.0.take();
        _ = guarded(|| drop(work));
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.release();
    }
}

impl fmt::Debug for Pumps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pumps")
            .field("waiting", &self.waiting.len())
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}
