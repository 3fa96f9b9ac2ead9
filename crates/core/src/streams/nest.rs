//! `Nest`: what the calls of one handler have in common.

use std::sync::atomic::AtomicU32;

/// A handler that calls its own peer.
#[derive(Debug, Default)]
pub(crate) struct Nest {
    /// How many such calls it waits for.
    pub(crate) waits: AtomicU32,
    /// How many calls its own is nested in.
    pub(crate) depth: u32,
    /// Until when its caller waits, on the session's clock; 0 for ever.
    pub(crate) until: u64,
}
