//! `Draft`: one call or notification before it is made.

use std::sync::Arc;

use crate::{
    Allowance,
    streams::{Duct, Nest},
};

/// What a caller wants said; its params are encoded already.
#[derive(Clone, Copy)]
pub(crate) struct Draft<'a> {
    pub(crate) method: &'a str,
    pub(crate) params: &'a [u8],
    /// False where the protocol was not known, so that nothing could be encoded.
    pub(crate) encoded: bool,
    /// Microseconds; 0 for none.
    pub(crate) timeout: u64,
    pub(crate) nested: Option<&'a Arc<Nest>>,
    /// Its params are not shown to a trace.
    pub(crate) concealed: bool,
    /// Of a call that streams.
    pub(crate) opening: Option<Opening<'a>>,
}

/// What a call that streams has beside its params.
#[derive(Clone, Copy)]
pub(crate) struct Opening<'a> {
    pub(crate) duct: &'a Arc<Duct>,
    /// It wants the result as a stream, and takes this much at first.
    pub(crate) stream: Option<Allowance>,
    /// It will send values of its own.
    pub(crate) sends: bool,
}
