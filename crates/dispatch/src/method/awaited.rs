//! `Awaited`: an async function, which is polled once at once and goes on only if it must.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tinyrpc_core::{Format, Payload, ReplyTo, RpcError};

use super::{
    Erased,
    pool::{Place, Pool},
};
use crate::{
    Arguments, Invocation, Started,
    arguments::{Reader, Rules},
    fail::fail,
    handler::{Function, Outcome, Surroundings},
};

/// An async function, how its params are read, and places for its futures.
pub(crate) struct Awaited<F, C, K, A>
where
    F: Function<C, A>,
    C: Surroundings,
{
    function: F,
    reader: Reader<A>,
    pool: Arc<Pool<F::Output>>,
    kind: PhantomData<fn() -> (C, K)>,
}

impl<F, C, K, A> Awaited<F, C, K, A>
where
    F: Function<C, A>,
    C: Surroundings,
    A: Arguments,
{
    pub(crate) fn new(function: F) -> Self {
        Self { function, reader: Reader::new(), pool: Arc::default(), kind: PhantomData }
    }
}

impl<F, C, K, A, T> Erased for Awaited<F, C, K, A>
where
    F: Function<C, A, Output: Future<Output = T> + Send + 'static>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
    T: Outcome<K>,
{
    fn arity(&self) -> usize {
        A::COUNT
    }

    fn is_plain(&self) -> bool {
        false
    }

    fn begin(
        &self,
        rules: Rules<'_>,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        let arguments = match self.reader.read(invocation.request, rules) {
            Ok(arguments) => arguments,
            Err(error) => {
                fail(reply, &error);
                return Started::Done;
            }
        };
        let given = C::give(invocation);
        let future = self.function.call(given.clone(), arguments);
        let mut place = self.pool.take();
        match place.fill(future).poll(invocation.cx) {
            Poll::Ready(outcome) => {
                self.pool.put(place);
                outcome.answer(reply);
                Started::Done
            }
            Poll::Pending => Started::Pending(Box::pin(Running::<_, C, K> {
                place: Some(place),
                pool: Arc::clone(&self.pool),
                given,
                format: reply.format(),
                notification: reply.is_notification(),
                kind: PhantomData,
            })),
        }
    }
}

/// The future of a handler that goes on.
struct Running<Fut, C: Surroundings, K> {
    /// Taken when the future is done.
    place: Option<Place<Fut>>,
    pool: Arc<Pool<Fut>>,
    given: C::Given,
    /// How the caller wants the result.
    format: Format,
    /// Nobody waits for it.
    notification: bool,
    kind: PhantomData<fn() -> K>,
}

impl<Fut, C, K> Future for Running<Fut, C, K>
where
    Fut: Future<Output: Outcome<K>>,
    C: Surroundings,
{
    type Output = Result<Payload, RpcError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = self.place.as_mut().and_then(Place::future) else {
            return Poll::Ready(Err(RpcError::internal("polled after its end")));
        };
        let Poll::Ready(outcome) = future.poll(cx) else { return Poll::Pending };
        if let Some(place) = self.place.take() {
            self.pool.put(place);
        }
        Poll::Ready(match self.notification {
            false => outcome.encode(self.format),
            true => match outcome.into_error() {
                None => Ok(Payload { bytes: Bytes::new(), format: self.format }),
                Some(error) => Err(error),
            },
        })
    }
}

impl<Fut, C: Surroundings, K> Drop for Running<Fut, C, K> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            C::cancel(&self.given);
            self.pool.put(place);
        }
    }
}
