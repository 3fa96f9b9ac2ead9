//! Errors that are answered, and those that nobody waits for.

use tinyrpc_core::{ReplyTo, RpcError};

use crate::Started;

/// Answers with an error. Where nobody waits for an answer, only the log learns of it.
#[cold]
pub(crate) fn fail(reply: &mut ReplyTo<'_>, error: &RpcError) {
    if reply.is_notification() {
        tracing::debug!(code = error.code.0, error = %error.message, "a notification failed");
    }
    reply.error(error);
}

/// Answers with the error where a handler could not even begin.
pub(crate) fn begun(reply: &mut ReplyTo<'_>, begun: Result<Started, RpcError>) -> Started {
    begun.unwrap_or_else(|error| {
        fail(reply, &error);
        Started::Done
    })
}
