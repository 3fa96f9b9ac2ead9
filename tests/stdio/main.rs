//! Programs that are started, and those that speak on their own standard streams.
#![cfg(all(unix, feature = "stdio"))]

#[path = "../support/folder.rs"]
mod folder;

mod calls;
mod child;
mod ends;
mod environment;
mod output;
mod plain;
mod python;
mod tree;

use std::{future::Future, time::Duration};

/// Nothing takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

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
