//! `Mode`: where the handlers of a method run.

/// Where the handlers of a method run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Where requests are received, up to the first point where they wait.
    Inline,
    /// In a task of the runtime for each request.
    Spawned,
    /// On a thread of a [`BlockingPool`](crate::BlockingPool).
    Blocking,
}
