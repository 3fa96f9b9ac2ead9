//! What a large message costs its sender: one copy of it, and a few chunks.
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
use tinyrpc_core::{Id, Message, Shape};

use support::{Identity, Setup, Side};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SIZE: usize = 64 << 20;
/// The queue with two chunks in it, the frame that a transport takes, and a credit.
const A_FEW_CHUNKS: usize = 512 << 10;

/// Bytes in use beyond those at the beginning of the region.
fn in_use(region: &Region<'_, System>) -> isize {
    let change = region.change();
    change.bytes_allocated as isize - change.bytes_deallocated as isize
}

/// Sends what a side has, to a peer that grants what it takes.
#[track_caller]
fn send(side: &mut Side, expected: usize) {
    let mut sent = 0;
    while sent < expected {
        let region = Region::new(ALLOCATOR);
        let before = sent;
        while let Some(frame) = side.pop() {
            sent += frame.bytes.len();
        }
        let amount = (sent - before) as u32;
        assert!(amount > 0, "it stops after {sent} bytes");
        side.receive(Identity::default().frame(&Message::Window(amount)));
        side.turn(0);
        let allocated = region.change().bytes_allocated;
        assert!(allocated <= A_FEW_CHUNKS, "{allocated} bytes for {amount} that were sent");
    }
}

// One test: the allocator counts for the whole process.
#[test]
fn one_copy_of_a_large_message() {
    let setup = Setup::shape(Shape::Messages)
        .protocol(Identity::splitting())
        .limits(|limits| limits.max_split = SIZE + 1024);
    let mut pair = setup.pair();
    let text = "x".repeat(SIZE);
    let caller = pair.client.caller();

    // Params.
    let region = Region::new(ALLOCATOR);
    let mut call = pin!(caller.call::<_, ()>("note", (text.as_str(),)));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    pair.client.turn(0);
    let kept = in_use(&region) - SIZE as isize;
    assert!(kept.unsigned_abs() <= A_FEW_CHUNKS, "{kept} bytes beside the message itself");
    send(&mut pair.client, SIZE);
    let left = in_use(&region);
    assert!(left.unsigned_abs() <= A_FEW_CHUNKS, "{left} bytes are left behind");

    // A result.
    let region = Region::new(ALLOCATOR);
    pair.server.receive(Identity::default().call(Some(Id::Number(1)), "hold", "[]"));
    pair.server.turn(0);
    pair.server.finish(&text);
    pair.server.turn(0);
    let kept = in_use(&region) - SIZE as isize;
    // The buffer of the queue grew by doubling while the value was encoded.
    assert!(kept <= (SIZE + A_FEW_CHUNKS) as isize, "{kept} bytes beside the message itself");
    send(&mut pair.server, SIZE);
    let left = in_use(&region);
    assert!(left.unsigned_abs() <= A_FEW_CHUNKS, "{left} bytes are left behind");
}
