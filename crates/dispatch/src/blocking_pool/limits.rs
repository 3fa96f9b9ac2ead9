//! `PoolLimits`: the bounds of a pool.

/// The bounds of a [`BlockingPool`](crate::BlockingPool), each with its unit, default and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Handlers that run at a time. Default 64: they mostly wait, for disks and databases, so
    /// there may be more of them than CPUs.
    pub max_running: usize,
    /// Threads, those included whose handlers wait for their own peers. Default 256: half of what
    /// a tokio runtime has for blocking work by default. Where it is reached, a handler cannot wait
    /// for its peer: such calls fail at once, as not executed. INVARIANT: above `max_running`, so
    /// that there is always a thread for what such a call leads to.
    pub max_threads: usize,
    /// Requests that wait for a place. Default 1,024: as many as one connection may have in
    /// execution. Further ones are refused as not executed.
    pub max_queue: usize,
    /// Bytes of params of requests that wait for a place. Default 16 MiB: four messages of the
    /// largest size.
    pub max_queue_bytes: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { max_running: 64, max_threads: 256, max_queue: 1024, max_queue_bytes: 16 << 20 }
    }
}

impl PoolLimits {
    /// The same bounds with every field raised to what a pool needs to work at all.
    pub fn checked(mut self) -> Self {
        self.max_running = self.max_running.max(1);
        self.max_threads = self.max_threads.max(self.max_running.saturating_add(1));
        self
    }
}
