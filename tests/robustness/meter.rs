//! `Meter`: what was allocated since it was made, by the whole process.

use std::{fs, thread};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

#[derive(Debug)]
pub(crate) struct Meter {
    region: Region<'static, std::alloc::System>,
}

impl Meter {
    pub(crate) fn new() -> Self {
        Self { region: Region::new(&INSTRUMENTED_SYSTEM) }
    }

    /// All bytes that were asked for, given back or not: the peak was never higher.
    pub(crate) fn total(&self) -> usize {
        self.region.change().bytes_allocated
    }

    /// The bytes that are held now and were not before.
    pub(crate) fn held(&self) -> usize {
        let change = self.region.change();
        change.bytes_allocated.saturating_sub(change.bytes_deallocated)
    }
}

/// Nanoseconds for which this thread has had a processor; those in which it waited for one do not
/// count. `None` where the system does not tell.
pub(crate) fn processor_time() -> Option<u64> {
    // The system brings the figure up to date when the thread gives way.
    thread::yield_now();
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
