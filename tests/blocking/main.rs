//! Clients and servers of threads: what a call can do, for each protocol over each link.
//!
//! There is no async in here but what makes a link.
#![cfg(feature = "blocking")]
#![expect(clippy::unwrap_used, reason = "a call that fails where it must not fails its case")]

mod callbacks;
mod calls;
mod endings;
#[cfg(all(unix, feature = "unix"))]
#[path = "../support/folder.rs"]
mod folder;
mod places;
mod streams;
mod threads;
mod world;

use std::{sync::mpsc, thread, time::Duration};

use world::{Link, World};

/// No case takes longer, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a case on a thread of its own. A hang is a failure that says where.
#[track_caller]
fn within<T: Send + 'static>(case: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, done) = mpsc::channel();
    let running = thread::spawn(move || {
        let output = case();
        _ = sender.send(());
        output
    });
    let ended = done.recv_timeout(PATIENCE) != Err(mpsc::RecvTimeoutError::Timeout);
    assert!(ended, "the case did not end");
    running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

macro_rules! cases {
    ($module:ident::{$($case:ident),*}) => {$(
        #[test]
        fn $case() {
            super::within(|| super::$module::$case(WORLD));
        }
    )*};
}
/// Runs every case for one protocol over one link.
macro_rules! links {
    ($($(#[$only:meta])* $name:ident: $protocol:literal over $link:expr;)*) => {$(
        $(#[$only])*
        mod $name {
            use super::*;

            const WORLD: World = World { protocol: $protocol, link: $link };

            cases!(calls::{positional, named, errors, notifications, batches, panics, large_values});
            cases!(calls::{many_threads, many_in_flight});
            cases!(endings::{timeouts, limits, shutdown, lost_server, closed_client});
            cases!(callbacks::{server_calls_client, both_call, broadcast});
            cases!(callbacks::{nested_in_a_pool_of_one});
            cases!(streams::{down, up, both, given_up_streams});
        }
    )*};
}

links! {
    jsonrpc_memory: "jsonrpc" over Link::Memory;
    msgpack_memory: "msgpack" over Link::Memory;
    jsonrpc_exchange: "jsonrpc" over Link::Exchange;
    msgpack_exchange: "msgpack" over Link::Exchange;
    jsonrpc_tcp: "jsonrpc" over Link::Tcp("");
    msgpack_tcp: "msgpack" over Link::Tcp("");
    jsonrpc_tcp_lines: "jsonrpc" over Link::Tcp("?framing=lines");
    msgpack_tcp_length: "msgpack" over Link::Tcp("?framing=length");
    jsonrpc1_tcp: "jsonrpc1" over Link::Tcp("");
    jsonrpc_tcp_content_length: "jsonrpc" over Link::Tcp("?framing=content-length");
    msgpack_tcp_netstring: "msgpack" over Link::Tcp("?framing=netstring");
    #[cfg(all(unix, feature = "unix"))]
    jsonrpc_unix: "jsonrpc" over Link::Unix;
    #[cfg(all(unix, feature = "unix"))]
    msgpack_unix: "msgpack" over Link::Unix;
    #[cfg(feature = "http")]
    jsonrpc_http: "jsonrpc" over Link::Web("http");
    #[cfg(feature = "http")]
    msgpack_http: "msgpack" over Link::Web("http");
    #[cfg(feature = "ws")]
    jsonrpc_ws: "jsonrpc" over Link::Web("ws");
    #[cfg(feature = "ws")]
    msgpack_ws: "msgpack" over Link::Web("ws");
    jsonrpc_narrow: "jsonrpc" over Link::Narrow;
    msgpack_narrow: "msgpack" over Link::Narrow;
}
