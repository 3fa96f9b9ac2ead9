//! `Handler`: what can be a method.
//!
//! Any function or closure whose params and result serde knows: plain or async, with or without a
//! [`Context`](crate::Context) as its first parameter, with a value or a `Result` as its result.

mod function;
mod outcome;
mod surroundings;

use std::future::Future;

pub use self::{
    function::Function,
    outcome::{Fallible, Infallible, Outcome},
    surroundings::{Bare, Surroundings, WithContext},
};
use crate::{
    Arguments, Method,
    method::{awaited::Awaited, direct::Direct},
};

/// A function or closure that can be a method.
///
/// | written | as |
/// |---|---|
/// | plain | `fn`, `\|a: i64\| ..` |
/// | async | `async fn`, `async \|a: i64\| ..`, `move \|a: i64\| { let db = db.clone(); async move { .. } }` |
/// | params | 0 to 12, each `DeserializeOwned`; a [`Context`](crate::Context) may come before them |
/// | result | a `Serialize` value, or `Result<T, E>` with a `Serialize` value and `E: Into<RpcError>` |
///
/// Plain functions run where requests are received and must not block, unless their method says
/// [`blocking`](Method::blocking).
///
/// ```
/// use tinyrpc_core::RpcError;
/// use tinyrpc_dispatch::{Context, Dispatcher};
///
/// async fn divide(a: f64, b: f64) -> Result<f64, RpcError> {
///     if b == 0.0 {
///         return Err(RpcError::server("division by zero"));
///     }
///     Ok(a / b)
/// }
///
/// let dispatcher = Dispatcher::new()
///     .method("add", |a: i64, b: i64| a + b)
///     .method("divide", divide)
///     .method("whoami", |context: Context| context.peer_address().to_string());
/// ```
///
/// `Marker` tells apart what a function may be; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a method",
    label = "not a method",
    note = "a method is a function or a closure of 0 to 12 params, with or without a `Context` before them",
    note = "each param is `DeserializeOwned`: `String`, not `&str`",
    note = "the result is `Serialize`, or a `Result` of that and of an error that is `Into<RpcError>`",
    note = "an async one gives a future that is `Send` and owns what it uses: an async closure cannot \
            lend what it captured, so write `move |..| {{ let x = x.clone(); async move {{ .. }} }}`"
)]
pub trait Handler<Marker> {
    /// Makes it a method.
    ///
    /// # Panics
    ///
    /// When a `Result` would be sent as a value, its `Err` as a success.
    #[track_caller]
    fn into_method(self) -> Method;
}

/// Marks handlers that answer at once.
#[derive(Debug)]
pub struct Plain;
/// Marks handlers that give a future.
#[derive(Debug)]
pub struct Async;

#[diagnostic::do_not_recommend]
impl<F, C, K, A> Handler<(Plain, C, K, A)> for F
where
    F: Function<C, A, Output: Outcome<K>>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
{
    fn into_method(self) -> Method {
        F::Output::check();
        Method::from_erased(Direct::new(self))
    }
}

#[diagnostic::do_not_recommend]
impl<F, C, K, A, T> Handler<(Async, C, K, A)> for F
where
    F: Function<C, A, Output: Future<Output = T> + Send + 'static>,
    C: Surroundings,
    K: 'static,
    A: Arguments,
    T: Outcome<K>,
{
    fn into_method(self) -> Method {
        T::check();
        Method::from_erased(Awaited::new(self))
    }
}

#[diagnostic::do_not_recommend]
impl Handler<Self> for Method {
    fn into_method(self) -> Method {
        self
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
