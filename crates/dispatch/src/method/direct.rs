//! `Direct`: a plain function, which answers before it returns.

use std::marker::PhantomData;

use tinyrpc_core::ReplyTo;

use super::Erased;
use crate::{
    Arguments, Invocation, Started,
    arguments::{Reader, Rules},
    fail::fail,
    handler::{Function, Outcome, Surroundings},
};

/// A plain function and how its params are read.
pub(crate) struct Direct<F, C, K, A> {
    function: F,
    reader: Reader<A>,
    kind: PhantomData<fn() -> (C, K)>,
}

impl<F, C, K, A: Arguments> Direct<F, C, K, A> {
    pub(crate) fn new(function: F) -> Self {
        Self { function, reader: Reader::new(), kind: PhantomData }
    }
}

impl<F, C, K, A> Erased for Direct<F, C, K, A>
where
    F: Function<C, A, Output: Outcome<K>>,
    C: Surroundings,
    A: Arguments,
{
    fn arity(&self) -> usize {
        A::COUNT
    }

    fn is_plain(&self) -> bool {
        true
    }

    fn begin(
        &self,
        rules: Rules<'_>,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        match self.reader.read(invocation.request, rules) {
            Ok(arguments) => self.function.call(C::give(invocation), arguments).answer(reply),
            Err(error) => fail(reply, &error),
        }
        Started::Done
    }
}
