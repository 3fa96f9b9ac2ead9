//! `End`: how a call ended, as layers see it.

use tinyrpc_core::RpcError;

/// How a call ended on the side that serves.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum End<'a> {
    /// The answer is a result.
    Answered,
    /// The answer is an error.
    Failed(&'a RpcError),
    /// Nobody waited for the answer any more: the caller gave the call up, its connection is gone
    /// or a layer around this one ran out of patience.
    Dropped,
    /// The handler panicked, which is answered as an internal error.
    Panicked,
}
