//! What attacks and accidents must not do: bombs, floods, panics, late and wrong answers, pages of
//! the web that post calls, and too few descriptors.
//!
//! Memory is measured by counting what is allocated, so a test that measures runs [`alone`].

#[path = "../support/answer.rs"]
mod answer;
#[path = "../support/bench.rs"]
mod bench;
#[path = "../support/raw.rs"]
mod raw;
#[path = "../support/value.rs"]
mod value;
#[path = "../support/wire.rs"]
mod wire;

mod bombs;
mod crumbs;
mod cuts;
mod deadlock;
mod descriptors;
mod exts;
mod farewells;
mod floods;
mod hellos;
mod ids;
mod meter;
mod nesting;
mod numbers;
mod opening;
mod panics;
mod pieces;
mod stalls;
mod web_pages;

use std::{
    alloc::System,
    sync::{PoisonError, RwLock},
};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use wire::Wire;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

static RUNNING: RwLock<()> = RwLock::new(());

const BOTH: [Wire; 2] = [Wire::Json, Wire::MessagePack];

/// Runs a test while no other one runs.
fn alone<R>(test: impl FnOnce() -> R) -> R {
    let _guard = RUNNING.write().unwrap_or_else(PoisonError::into_inner);
    test()
}

/// Runs a test that measures nothing.
fn beside<R>(test: impl FnOnce() -> R) -> R {
    let _guard = RUNNING.read().unwrap_or_else(PoisonError::into_inner);
    test()
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(raw::soon(future))
}
