//! Streams at length: how much memory they take, and what is left of those that were given up.
//!
//! The short forms run with all tests. The full ones:
//!
//! ```sh
//! cargo test --release --features unix,ws,zmq --test streams -- --ignored
//! ```
#![cfg(all(target_os = "linux", feature = "msgpack", feature = "tcp"))]

#[path = "../support/folder.rs"]
mod folder;

mod cancel;
mod child;
mod contents;
mod gigabyte;
mod throttled;

use std::{future::Future, time::Duration};

/// Nothing takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// Runs what needs a runtime, but not for ever.
#[track_caller]
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.expect("a runtime").block_on(async {
        // The future is made inside of the runtime that it needs.
        tokio::time::timeout(PATIENCE, future).await
    });
    done.expect("it hangs")
}
