//! A recycled buffer for each thread: params are encoded into it before any lock is taken, and
//! small results change places with it on their way to the caller.

use std::cell::Cell;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, empty. A nested use gets a fresh one.
pub(crate) fn take() -> Vec<u8> {
    let mut scratch = SCRATCH.take();
    scratch.clear();
    scratch
}

/// Gives the buffer back, unless it grew too large to be kept by every thread.
pub(crate) fn put(scratch: Vec<u8>) {
    if scratch.capacity() <= KEPT {
        SCRATCH.set(scratch);
    }
}

/// As much as one small message.
const KEPT: usize = 64 << 10;
