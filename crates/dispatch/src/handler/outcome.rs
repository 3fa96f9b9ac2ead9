//! `Outcome`: what a handler returns, and how that becomes an answer.

use std::any::type_name;

use serde::Serialize;
use tinyrpc_core::{Code, Format, Payload, ReplyTo, RpcError};

use crate::fail::fail;

/// What a handler may return: a value, or a `Result` whose error can travel.
pub trait Outcome<Kind> {
    /// Refuses, when a method is registered, what the compiler cannot refuse.
    #[track_caller]
    fn check();

    /// Answers in place.
    fn answer(self, reply: &mut ReplyTo<'_>);

    /// The answer as a value, for later.
    ///
    /// # Errors
    ///
    /// The error of the handler, or a result that cannot be encoded.
    fn encode(self, format: Format) -> Result<Payload, RpcError>;

    /// The error of the handler, for those who do not wait for a result.
    fn into_error(self) -> Option<RpcError>;
}

/// Marks outcomes that are results themselves.
#[derive(Debug)]
pub struct Infallible;
/// Marks outcomes that may be errors.
#[derive(Debug)]
pub struct Fallible;

impl<T: Serialize> Outcome<Infallible> for T {
    fn check() {
        let name = type_name::<T>();
        // `Result` is Serialize where its error is, and would be sent as `{"Err": ..}`.
        assert!(
            !name.starts_with("core::result::Result<"),
            "a method that returns `{name}` would send its errors as results: \
             write `impl From<YourError> for RpcError`, or return `Result<_, RpcError>`",
        );
    }

    #[inline]
    fn answer(self, reply: &mut ReplyTo<'_>) {
        reply.result(&self);
    }

    fn encode(self, format: Format) -> Result<Payload, RpcError> {
        Payload::encode(&self, format).map_err(|error| {
            let why = format!("the result cannot be encoded: {error}");
            RpcError::new(Code::UNSENDABLE, why)
        })
    }

    fn into_error(self) -> Option<RpcError> {
        None
    }
}

impl<T: Serialize, E: Into<RpcError>> Outcome<Fallible> for Result<T, E> {
    fn check() {}

    #[inline]
    fn answer(self, reply: &mut ReplyTo<'_>) {
        match self {
            Ok(value) => reply.result(&value),
            Err(error) => fail(reply, &error.into()),
        }
    }

    fn encode(self, format: Format) -> Result<Payload, RpcError> {
        match self {
            Ok(value) => value.encode(format),
            Err(error) => Err(error.into()),
        }
    }

    fn into_error(self) -> Option<RpcError> {
        self.err().map(Into::into)
    }
}
