//! What a notification costs the allocator. Alone in its file, because other tests would be counted too.
#![cfg(feature = "json")]

#[expect(dead_code, unused_imports, reason = "only a part of it is needed here")]
mod support;

use std::{
    alloc::System,
    future::Future,
    pin::pin,
    task::{Context, Waker},
};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tinyrpc_core::{Caller, Error, Shape};

use support::Pair;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const MANY: usize = 100;

/// How many allocations it takes to queue many notifications.
fn notify(pair: &mut Pair, caller: &Caller) -> usize {
    // The first rounds make room in the queue, and the thread that waits for this test allocates a
    // little at a time of its own.
    let rounds = (0..6).map(|_| {
        let region = Region::new(ALLOCATOR);
        for _ in 0..MANY {
            let sent = pin!(caller.notify("method", (1, 2)));
            assert!(sent.poll(&mut Context::from_waker(Waker::noop())).is_ready());
        }
        let allocations = region.change().allocations;
        pair.client.turn(0);
        assert_eq!(pair.client.pop_all().len(), MANY);
        allocations
    });
    rounds.min().expect("some rounds")
}

#[test]
fn handles_of_all_kinds_cost_no_allocation() {
    let mut pair = Pair::new(Shape::Messages);
    let plain = pair.client.caller();
    let prefixed = plain.with_prefix("a.").with_prefix("prefix.");
    let mapped = plain.map_error(|_| Error::invalid("never"));
    let expected = notify(&mut pair, &plain);
    for caller in [&prefixed, &mapped, &prefixed.nested()] {
        assert_eq!(notify(&mut pair, caller), expected, "{caller:?}");
    }
    assert!(expected < MANY, "{expected} allocations");
}
