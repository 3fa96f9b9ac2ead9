//! Methods whose result is a stream: `Now` gives it at once, `Later` when its future is done.

use std::{
    future::{Future, ready},
    marker::PhantomData,
};

use tinyrpc_core::ReplyTo;

use super::{relay::relay, target::Target};
use crate::{
    Arguments, Invocation, Source, Started,
    arguments::{Reader, Rules},
    cancels::Cancels,
    fail,
    handler::{Function, Surroundings},
    method::Erased,
};

/// A plain function that gives a stream.
pub(super) struct Now<F, C, K, A> {
    function: F,
    reader: Reader<A>,
    kind: PhantomData<fn() -> (C, K)>,
}

/// An async function that gives one.
pub(super) struct Later<F, C, K, A> {
    now: Now<F, C, K, A>,
}

impl<F, C, K, A: Arguments> Now<F, C, K, A> {
    pub(super) fn new(function: F) -> Self {
        Self { function, reader: Reader::new(), kind: PhantomData }
    }
}

impl<F, C, K, A: Arguments> Later<F, C, K, A> {
    pub(super) fn new(function: F) -> Self {
        Self { now: Now::new(function) }
    }
}

impl<F, C, K, A> Erased for Now<F, C, K, A>
where
    F: Function<C, A, Output: Source<K>>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
{
    fn arity(&self) -> usize {
        A::COUNT
    }

    /// It begins where requests are received, as its stream goes on there.
    fn is_plain(&self) -> bool {
        false
    }

    fn streams(&self) -> bool {
        true
    }

    fn begin(
        &self,
        rules: Rules<'_>,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        let begun = self.reader.read(invocation.request, rules).map(|arguments| {
            let given = C::give(invocation);
            let source = self.function.call(given.clone(), arguments);
            relayed::<C, _, K>(ready(source), given, Target::of(invocation, reply))
        });
        fail::begun(reply, begun)
    }
}

impl<F, C, K, A, T> Erased for Later<F, C, K, A>
where
    F: Function<C, A, Output: Future<Output = T> + Send + 'static>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
    T: Source<K>,
{
    fn arity(&self) -> usize {
        A::COUNT
    }

    fn is_plain(&self) -> bool {
        false
    }

    fn streams(&self) -> bool {
        true
    }

    fn begin(
        &self,
        rules: Rules<'_>,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        let now = &self.now;
        let begun = now.reader.read(invocation.request, rules).map(|arguments| {
            let given = C::give(invocation);
            let source = now.function.call(given.clone(), arguments);
            relayed::<C, _, K>(source, given, Target::of(invocation, reply))
        });
        fail::begun(reply, begun)
    }
}

/// Goes on as the stream that a handler gives, until that ends.
fn relayed<C: Surroundings, T: Source<K>, K>(
    source: impl Future<Output = T> + Send + 'static,
    given: C::Given,
    target: Target,
) -> Started {
    let cancels = Cancels::<C>::new(given);
    Started::Pending(Box::pin(async move {
        let answer = match source.await.into_stream() {
            Ok(stream) => relay::<_, T::Items>(stream, target).await,
            Err(error) => Err(error),
        };
        cancels.disarm();
        answer
    }))
}
