//! `Draft`: one call or notification before it is made.

use std::sync::{Arc, atomic::AtomicU32};

/// What a caller wants said; its params are encoded already.
pub(crate) struct Draft<'a> {
    pub(crate) method: &'a str,
    pub(crate) params: &'a [u8],
    /// False where the protocol was not known, so that nothing could be encoded.
    pub(crate) encoded: bool,
    /// Microseconds; 0 for none.
    pub(crate) timeout: u64,
    pub(crate) nested: Option<&'a Arc<AtomicU32>>,
    /// Its params are not shown to a trace.
    pub(crate) concealed: bool,
}
