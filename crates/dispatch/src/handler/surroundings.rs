//! `Surroundings`: what a handler gets beside its params.

use crate::{Context, Invocation};

/// What a handler gets beside its params.
pub trait Surroundings: 'static {
    /// What it gets.
    type Given: Clone + Send + Unpin + 'static;

    /// Makes it for one request.
    fn give(invocation: &Invocation<'_, '_>) -> Self::Given;

    /// The handler's future was dropped before its end.
    fn cancel(given: &Self::Given);
}

/// Marks handlers that get their params and nothing else.
#[derive(Debug)]
pub struct Bare;
/// Marks handlers whose first parameter is a [`Context`].
#[derive(Debug)]
pub struct WithContext;

impl Surroundings for Bare {
    type Given = ();

    fn give(_: &Invocation<'_, '_>) {}

    fn cancel(_: &()) {}
}

impl Surroundings for WithContext {
    type Given = Context;

    fn give(invocation: &Invocation<'_, '_>) -> Context {
        Context::new(invocation)
    }

    fn cancel(context: &Context) {
        context.cancel();
    }
}
