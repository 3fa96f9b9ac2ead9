//! `Pings`: how many pings a peer may send.

use std::time::Duration;

use tokio::time::Instant;

/// Counts pings in windows of a second. Each costs an answer, so there is a bound.
#[derive(Debug, Default)]
pub(crate) struct Pings {
    since: Option<Instant>,
    count: u32,
}

impl Pings {
    /// Counts one; false where it is one too many.
    pub(crate) fn admit(&mut self) -> bool {
        let now = Instant::now();
        if self.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            self.since = Some(now);
            self.count = 0;
        }
        self.count += 1;
        self.count <= MOST
    }
}

const WINDOW: Duration = Duration::from_secs(1);
/// No honest peer asks more often.
const MOST: u32 = 10;
