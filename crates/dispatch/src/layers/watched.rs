//! `Watched`: a call whose end somebody wants to know, however it ends.

use std::{
    cell::RefCell,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use tinyrpc_core::{Payload, ReplyTo, RpcError};

use super::End;
use crate::{PendingReply, Started};

/// Watches one call. What it does costs nothing but itself where the call is ready.
pub(super) trait Watch {
    /// The same, free of the frame that the call came in.
    type Kept: Watch + Send + Unpin + 'static;

    /// For a call that goes on.
    fn keep(self) -> Self::Kept;

    /// Runs a part of the call.
    fn within<R>(&self, part: impl FnOnce() -> R) -> R {
        part()
    }

    /// What is answered in place of an error.
    fn map(&self, error: RpcError) -> RpcError {
        error
    }

    /// The call is over.
    fn end(&self, end: End<'_>);
}

/// Begins a call that is watched.
pub(super) fn watch<W: Watch>(
    watch: W,
    reply: &mut ReplyTo<'_>,
    begin: impl FnOnce(&mut ReplyTo<'_>) -> Started,
) -> Started {
    let seen = RefCell::new(None);
    let note = |error| {
        let error = watch.map(error);
        seen.replace(Some(error.clone()));
        error
    };
    let begun = catch_unwind(AssertUnwindSafe(|| {
        watch.within(|| reply.map_errors(&note, |reply| begin(reply)))
    }));
    match begun {
        Ok(Started::Pending(pending)) => {
            Started::Pending(Box::pin(Watched { pending, watch: Some(watch.keep()) }))
        }
        Ok(Started::Done) => {
            match (reply.error_code(), seen.take()) {
                (None, _) if !reply.is_answered() && !reply.is_notification() => {
                    // The connection answers for a service that forgot to.
                    watch.end(End::Failed(&RpcError::internal("no answer")));
                }
                (None, _) => watch.end(End::Answered),
                (Some(code), Some(error)) if error.code == code => watch.end(End::Failed(&error)),
                // The connection could not take what was answered.
                (Some(code), _) => {
                    let error = RpcError::new(code, "the answer is over a limit");
                    watch.end(End::Failed(&error));
                }
            }
            Started::Done
        }
        Err(panic) => {
            watch.end(End::Panicked);
            resume_unwind(panic)
        }
    }
}

/// A call that goes on and is watched.
struct Watched<W: Watch> {
    pending: PendingReply,
    /// Taken when it is over.
    watch: Option<W>,
}

impl<W: Watch + Unpin> Future for Watched<W> {
    type Output = Result<Payload, RpcError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { pending, watch } = &mut *self;
        let Some(watching) = watch else { return pending.as_mut().poll(cx) };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let polled = watching.within(|| pending.as_mut().poll(cx));
            polled.map_err(|error| watching.map(error))
        }));
        let outcome = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => Ok(outcome),
            Err(panic) => Err(panic),
        };
        // Taken before anything of the program runs, which may panic too.
        let watching = watch.take();
        let end = match &outcome {
            Ok(Ok(_)) => End::Answered,
            Ok(Err(error)) => End::Failed(error),
            Err(_) => End::Panicked,
        };
        if let Some(watching) = watching {
            watching.end(end);
        }
        Poll::Ready(outcome.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

impl<W: Watch> Drop for Watched<W> {
    fn drop(&mut self) {
        let Some(watch) = self.watch.take() else { return };
        // It may be dropped because something around it panicked: two panics would end the program.
        let told = catch_unwind(AssertUnwindSafe(|| watch.end(End::Dropped)));
        if told.is_err() {
            tracing::error!("a watcher of calls panicked");
        }
    }
}
