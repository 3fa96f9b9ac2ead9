//! One suite for everything that a call can do, run for each protocol over each transport.
//!
//! A new transport joins by one line in `links!`, a new case by one line in `cases!`.
#![expect(clippy::unwrap_used, reason = "a call that fails where it must not fails its case")]

mod around;
mod auth;
mod callbacks;
mod calls;
mod data;
mod endings;
#[cfg(all(unix, feature = "unix"))]
#[path = "../support/folder.rs"]
mod folder;
mod hooks;
mod many;
mod modes;
mod names;
mod peers;
#[cfg(feature = "tower")]
mod stacks;
mod world;

use world::{Link, World};

macro_rules! cases {
    ($module:ident::{$($case:ident),*}) => {$(
        #[tokio::test]
        async fn $case() {
            let world = world().await;
            // A hang is a failure that says where.
            tokio::time::timeout(world::PATIENCE, super::$module::$case(world))
                .await
                .expect("the case did not end");
        }
    )*};
}
/// Runs every case for one protocol over one link.
macro_rules! links {
    ($($(#[$condition:meta])* $name:ident: $protocol:literal over $link:expr;)*) => {$(
        $(#[$condition])*
        mod $name {
            use super::*;

            pub(super) async fn world() -> World {
                World::new($protocol, $link).await
            }

            cases!(calls::{positional, named, optional, no_params, errors, refusals});
            cases!(calls::{notifications, batches, concurrency, panics, large_values});
            cases!(data::{numbers, binary, structs, text, not_finite, undecoded, extensions});
            cases!(many::{one_call_to_all, different_calls, given_up});
            cases!(names::{nesting, aliases, come_and_go, prefixes});
            cases!(endings::{timeouts, cancelled, limits, shutdown, lost_server, closed_client, connections});
            cases!(around::{validation, hooks, client_errors});
            cases!(modes::{blocking, spawned, busy_pool});
            #[cfg(feature = "tower")]
            cases!(stacks::{time_limit, most_at_once, retries, balance, buffer});
            cases!(callbacks::{server_calls_client, nested_calls});
            cases!(auth::{token_login, strangers, accepted_peers, deadlines, secrets});
            cases!(hooks::{per_connection, closings, hooks_that_panic});
            cases!(peers::{traced, reply_order, broadcast, broadcast_skips});
        }
    )*};
}

links! {
    jsonrpc_memory: "jsonrpc" over Link::Memory;
    jsonrpc1_memory: "jsonrpc1" over Link::Memory;
    msgpack_memory: "msgpack" over Link::Memory;
    jsonrpc_exchange: "jsonrpc" over Link::Exchange;
    jsonrpc1_exchange: "jsonrpc1" over Link::Exchange;
    msgpack_exchange: "msgpack" over Link::Exchange;
    jsonrpc_tcp: "jsonrpc" over Link::Tcp("");
    jsonrpc1_tcp: "jsonrpc1" over Link::Tcp("");
    msgpack_tcp: "msgpack" over Link::Tcp("");
    jsonrpc_tcp_lines: "jsonrpc" over Link::Tcp("?framing=lines");
    jsonrpc_tcp_length: "jsonrpc" over Link::Tcp("?framing=length");
    msgpack_tcp_length: "msgpack" over Link::Tcp("?framing=length");
    jsonrpc_tcp_content_length: "jsonrpc" over Link::Tcp("?framing=content-length");
    msgpack_tcp_content_length: "msgpack" over Link::Tcp("?framing=content-length");
    jsonrpc_tcp_netstring: "jsonrpc" over Link::Tcp("?framing=netstring");
    msgpack_tcp_netstring: "msgpack" over Link::Tcp("?framing=netstring");
    #[cfg(all(unix, feature = "unix"))]
    jsonrpc_unix: "jsonrpc" over Link::Unix;
    #[cfg(all(unix, feature = "unix"))]
    msgpack_unix: "msgpack" over Link::Unix;
    jsonrpc_narrow: "jsonrpc" over Link::Narrow;
    msgpack_narrow: "msgpack" over Link::Narrow;
}
