//! `Function`: a function or closure, called with its params as one tuple.

use super::{Bare, Surroundings, WithContext};
use crate::{Arguments, Context};

/// A function whose params are `A`, given as one tuple.
pub trait Function<C: Surroundings, A>: Send + Sync + 'static {
    /// What it returns: a value or a future.
    type Output;

    /// Calls it.
    fn call(&self, given: C::Given, arguments: A) -> Self::Output;
}

macro_rules! function {
    ($($type:ident $index:tt)*) => {
        impl<Fun, Out, $($type),*> Function<Bare, ($($type,)*)> for Fun
        where
            Fun: Fn($($type),*) -> Out + Send + Sync + 'static,
            ($($type,)*): Arguments,
        {
            type Output = Out;

            #[inline]
            fn call(&self, (): (), _arguments: ($($type,)*)) -> Out {
                self($(_arguments.$index),*)
            }
        }

        impl<Fun, Out, $($type),*> Function<WithContext, ($($type,)*)> for Fun
        where
            Fun: Fn(Context, $($type),*) -> Out + Send + Sync + 'static,
            ($($type,)*): Arguments,
        {
            type Output = Out;

            #[inline]
            fn call(&self, context: Context, _arguments: ($($type,)*)) -> Out {
                self(context, $(_arguments.$index),*)
            }
        }
    };
}

function!();
function!(A 0);
function!(A 0 B 1);
function!(A 0 B 1 C 2);
function!(A 0 B 1 C 2 D 3);
function!(A 0 B 1 C 2 D 3 E 4);
function!(A 0 B 1 C 2 D 3 E 4 F 5);
function!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
function!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
function!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
function!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
function!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
function!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);
