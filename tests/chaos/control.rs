//! `Control`: how late the machine itself is, so that a call is not blamed for it.
//!
//! A few tasks do nothing but sleep for a moment, again and again, and note where they were woken
//! late. On an idle machine that is never; on one that is busy with something else, a call may be
//! as late as they were while it waited, and no later.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// When the runtime was late, and by how much.
#[derive(Debug, Default)]
pub(crate) struct Control {
    late: Arc<Mutex<Vec<(Duration, Duration)>>>,
    tasks: JoinSet<()>,
}

impl Control {
    /// Nothing is ever late on a clock of our own.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Watches until it is dropped; times count from `start`.
    pub(crate) fn watch(start: Instant) -> Self {
        let mut control = Self::default();
        for _ in 0..TASKS {
            let late = Arc::clone(&control.late);
            control.tasks.spawn(async move {
                loop {
                    let due = Instant::now() + STEP;
                    sleep_until(due).await;
                    let lateness = due.elapsed();
                    if lateness > STEP {
                        let mut late = late.lock().unwrap_or_else(PoisonError::into_inner);
                        late.push((start.elapsed(), lateness));
                    }
                }
            });
        }
        control
    }

    /// How late the runtime was between two moments, in all.
    ///
    /// Of the tasks that were late at the same time one is as good as another, so the sum of
    /// all is divided by their number; a single one that was held up counts in full.
    pub(crate) fn lateness(&self, from: Duration, to: Duration) -> Duration {
        let late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        let within = late.iter().filter(|(at, late)| *at > from && at.saturating_sub(*late) < to);
        let (mut sum, mut most) = (Duration::ZERO, Duration::ZERO);
        for (_, lateness) in within {
            sum += *lateness;
            most = most.max(*lateness);
        }
        most.max(sum / TASKS)
    }
}

/// More than the runtime has threads, so that each of them has one now and then.
const TASKS: u32 = 4;
/// Half of what is called late at all.
const STEP: Duration = Duration::from_millis(5);
