//! Calls through links that are cut, stall, pass one byte at a time or are dead in one direction,
//! and the book that is kept of all of them.
//!
//! Whatever a link does, every call ends exactly once and in time; a call that was answered was
//! executed once, one that was *certainly not executed* never, one whose end is *unknown* at most
//! once; and when a connection is gone nothing of it is left in any table. [`check`] has the
//! promises, [`ledger`] the book.
//!
//! In memory time is virtual, and a seed decides everything: `TINYRPC_CHAOS_SEED=17 cargo test
//! --test chaos NAME` repeats a run call by call. Over sockets a seed repeats the plan and the
//! traffic, and the system decides the rest. `TINYRPC_CHAOS_CALLS` sets how many calls each test
//! makes. Each test prints its seed and what its calls came to, also where it passes.

#[cfg(all(unix, feature = "unix"))]
#[path = "../support/folder.rs"]
mod folder;

mod check;
mod control;
mod direction;
mod era;
mod ledger;
mod life;
mod link;
mod memory;
mod pace;
mod plan;
mod proxied;
mod proxy;
mod scenario;
mod seed;
mod service;
mod traffic;

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tinyrpc::transports::Shape;

use crate::{
    check::Tally,
    link::{Link, Wire},
    memory::Memory,
    proxied::Tcp,
    scenario::Scenario,
    seed::Seed,
};

/// One test for each row: a protocol over a link, and how many calls.
macro_rules! rows {
    ($($name:ident: $wire:ident over $link:expr, $calls:expr;)*) => {$(
        #[test]
        fn $name() {
            let name = stringify!($name);
            run(name, Seed::of(name), Wire::$wire, Arc::new($link), seed::calls($calls));
        }
    )*};
}

rows! {
    jsonrpc_bytes: Json over Memory(Shape::Stream), 200_000;
    msgpack_bytes: MessagePack over Memory(Shape::Stream), 200_000;
    jsonrpc1_bytes: Json1 over Memory(Shape::Stream), 50_000;
    jsonrpc_messages: Json over Memory(Shape::Messages), 200_000;
    msgpack_messages: MessagePack over Memory(Shape::Messages), 200_000;
    jsonrpc_exchanges: Json over Memory(Shape::Exchange), 100_000;
    msgpack_exchanges: MessagePack over Memory(Shape::Exchange), 100_000;
    jsonrpc_tcp: Json over Tcp("tcp"), 50_000;
    msgpack_tcp: MessagePack over Tcp("tcp"), 50_000;
}

#[cfg(all(unix, feature = "unix"))]
rows! {
    jsonrpc_unix: Json over proxied::Unix, 25_000;
    msgpack_unix: MessagePack over proxied::Unix, 25_000;
}

#[cfg(all(unix, feature = "zmq"))]
rows! {
    jsonrpc_zmq: Json over Tcp("zmq"), 5_000;
    msgpack_zmq: MessagePack over Tcp("zmq"), 5_000;
}

#[test]
fn a_seed_repeats_a_run() {
    let seed = Seed::of("a_seed_repeats_a_run");
    for shape in [Shape::Stream, Shape::Messages, Shape::Exchange] {
        let run = || run("a_seed_repeats_a_run", seed, Wire::Json, Arc::new(Memory(shape)), 5000);
        assert_eq!(run(), run(), "{shape:?}, {seed}");
    }
}

/// Runs a row in a thread of its own, so that one that hangs fails by its name.
fn run(name: &'static str, seed: Seed, wire: Wire, link: Arc<dyn Link>, calls: usize) -> Tally {
    let (done, ended) = mpsc::channel();
    let thread = thread::spawn(move || {
        let runtime = match link.pace().real {
            true => {
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
            }
            false => {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                builder.enable_all().start_paused(true).build()
            }
        };
        let runtime = runtime.expect("a runtime");
        let tally = runtime.block_on(Scenario { name, seed, wire, link, calls }.run());
        _ = done.send(());
        tally
    });
    // It ends with an answer, or by a panic.
    let patience = ended.recv_timeout(PATIENCE);
    assert_ne!(patience, Err(mpsc::RecvTimeoutError::Timeout), "{name}: it hangs, {seed}");
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Several times as long as any row takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(300);
