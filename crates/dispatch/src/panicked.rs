//! Handlers that panic: their callers get an internal error, and the log learns the rest.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tinyrpc_core::RpcError;

/// Runs code of a handler, which may panic; the error is for its caller.
pub(crate) fn guarded<R>(run: impl FnOnce() -> R) -> Result<R, RpcError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(panicked)
}

/// What the caller of a handler that panicked is told; what it said goes to the log alone.
fn panicked(panic: Box<dyn Any + Send>) -> RpcError {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no words)");
    tracing::error!(panic = words, "a handler panicked");
    // The payload of a panic is a value of the user too.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(second);
    }
    RpcError::internal("a handler panicked")
}
