//! `Nest`: what the calls of one handler have in common.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use crate::Runtime;

/// A handler that calls its own peer.
#[derive(Default)]
pub(crate) struct Nest {
    /// How many such calls it waits for.
    pub(crate) waits: AtomicU32,
    /// How many calls its own is nested in.
    pub(crate) depth: u32,
    /// Until when its caller waits, on the session's clock; 0 for ever.
    pub(crate) until: u64,
    /// The session's clock, where there is one.
    pub(crate) clock: Option<Arc<dyn Runtime>>,
}

impl Nest {
    /// How long its caller still waits, where that is known.
    pub(crate) fn left(&self) -> Option<Duration> {
        let clock = self.clock.as_ref().filter(|_| self.until > 0)?;
        Some(Duration::from_micros(self.until.saturating_sub(clock.now())))
    }
}

impl fmt::Debug for Nest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nest")
            .field("waits", &self.waits)
            .field("depth", &self.depth)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}
