//! One suite for everything that a call can do, run for each protocol over each transport.
//!
//! A new transport joins by one line in `links!`, a new case by one line in `cases!`.
#![expect(clippy::unwrap_used, reason = "a call that fails where it must not fails its case")]

mod around;
mod auth;
#[cfg(all(unix, feature = "amqp"))]
#[path = "../support/broker.rs"]
mod broker;
mod callbacks;
mod calls;
#[cfg(feature = "tls")]
#[path = "../support/certificates.rs"]
mod certificates;
mod data;
mod endings;
#[path = "../support/folder.rs"]
mod folder;
mod hooks;
mod many;
mod modes;
mod names;
mod peers;
#[cfg(feature = "tower")]
mod stacks;
mod streams;
mod subscriptions;
mod world;

use world::{Link, World};

macro_rules! cases {
    ($module:ident::{$($case:ident),*}) => {$(
        #[tokio::test]
        async fn $case() {
            // Where there is something that it cannot be without.
            let Some(world) = Option::<World>::from(world().await) else { return };
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
            cases!(subscriptions::{items, failures, departures, ends, limited, own_service, slow_subscriber});
            cases!(streams::{down, up, both, collected, slow_readers, given_up_streams, stream_failures, large_streams});
            cases!(streams::{nested_streams, time_left});
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
    jsonrpc_mutual: "jsonrpc" over Link::Mutual;
    jsonrpc1_mutual: "jsonrpc1" over Link::Mutual;
    msgpack_mutual: "msgpack" over Link::Mutual;
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
    #[cfg(unix)]
    jsonrpc_pipes: "jsonrpc" over Link::Pipes;
    #[cfg(unix)]
    msgpack_pipes: "msgpack" over Link::Pipes;
    #[cfg(feature = "http")]
    jsonrpc_http: "jsonrpc" over Link::Web("http");
    #[cfg(feature = "http")]
    msgpack_http: "msgpack" over Link::Web("http");
    #[cfg(feature = "ws")]
    jsonrpc_ws: "jsonrpc" over Link::Web("ws");
    #[cfg(feature = "ws")]
    msgpack_ws: "msgpack" over Link::Web("ws");
    #[cfg(feature = "tls")]
    jsonrpc_tls: "jsonrpc" over Link::Tls;
    #[cfg(feature = "tls")]
    msgpack_tls: "msgpack" over Link::Tls;
    #[cfg(all(feature = "http", feature = "tls"))]
    jsonrpc_https: "jsonrpc" over Link::Web("https");
    #[cfg(all(feature = "ws", feature = "tls"))]
    msgpack_wss: "msgpack" over Link::Web("wss");
    #[cfg(feature = "http")]
    jsonrpc_http_of_a_port: "jsonrpc" over Link::Port("http");
    #[cfg(feature = "ws")]
    jsonrpc_ws_of_a_port: "jsonrpc" over Link::Port("ws");
    #[cfg(all(feature = "http", feature = "tls"))]
    msgpack_https_of_a_port: "msgpack" over Link::Port("https");
    #[cfg(all(feature = "ws", feature = "tls"))]
    jsonrpc_wss_of_a_port: "jsonrpc" over Link::Port("wss");
    #[cfg(all(feature = "http", feature = "tls"))]
    jsonrpc_tls_of_a_port: "jsonrpc" over Link::Port("tls");
    #[cfg(feature = "ws")]
    msgpack_ws_mounted: "msgpack" over Link::Mounted("ws");
    #[cfg(all(unix, feature = "zmq"))]
    jsonrpc_zmq: "jsonrpc" over Link::Zmq("zmq");
    #[cfg(all(unix, feature = "zmq"))]
    msgpack_zmq: "msgpack" over Link::Zmq("zmq");
    #[cfg(all(unix, feature = "zmq"))]
    jsonrpc_zmq_ipc: "jsonrpc" over Link::Zmq("zmq-ipc");
    #[cfg(all(unix, feature = "zmq"))]
    msgpack_zmq_ipc: "msgpack" over Link::Zmq("zmq-ipc");
    #[cfg(all(unix, feature = "zmq"))]
    jsonrpc_zmq_inproc: "jsonrpc" over Link::Zmq("zmq-inproc");
    #[cfg(all(unix, feature = "zmq"))]
    msgpack_zmq_inproc: "msgpack" over Link::Zmq("zmq-inproc");
    jsonrpc_narrow: "jsonrpc" over Link::Narrow;
    msgpack_narrow: "msgpack" over Link::Narrow;
}

/// Each post is a connection of its own there, so what is said of connections is not for it.
#[cfg(feature = "http")]
mod jsonrpc_http_mounted {
    use super::*;

    async fn world() -> World {
        World::new("jsonrpc", Link::Mounted("http")).await
    }

    cases!(calls::{positional, named, optional, no_params, errors, refusals});
    cases!(calls::{notifications, batches, concurrency, panics, large_values});
    cases!(data::{numbers, binary, structs, text, not_finite, undecoded, extensions});
    cases!(many::{one_call_to_all, different_calls, given_up});
    cases!(names::{nesting, aliases, come_and_go, prefixes});
    cases!(endings::{timeouts, cancelled, limits, shutdown, lost_server, closed_client});
    cases!(around::{validation, hooks, client_errors});
    cases!(modes::{blocking, spawned, busy_pool});
    cases!(auth::{token_login, accepted_peers, deadlines, secrets});
    cases!(subscriptions::{items});
    cases!(peers::{traced, reply_order});
}

/// A server that closes ends each exchange before its connection, so a call that is made in between
/// may have been executed: `lost_server` is not for it.
#[cfg(all(unix, feature = "zmq"))]
mod msgpack_zmq_envelopes {
    use super::*;

    async fn world() -> World {
        World::new("msgpack", Link::ZmqEnvelopes).await
    }

    cases!(calls::{positional, named, optional, no_params, errors, refusals});
    cases!(calls::{notifications, batches, concurrency, panics, large_values});
    cases!(data::{numbers, binary, structs, text, not_finite, undecoded, extensions});
    cases!(many::{one_call_to_all, different_calls, given_up});
    cases!(names::{nesting, aliases, come_and_go, prefixes});
    cases!(endings::{timeouts, cancelled, limits, shutdown, closed_client, connections});
    cases!(around::{validation, hooks, client_errors});
    cases!(modes::{blocking, spawned, busy_pool});
    cases!(auth::{token_login, strangers, accepted_peers, deadlines, secrets});
    cases!(hooks::{per_connection, closings, hooks_that_panic});
    cases!(subscriptions::{items});
    cases!(peers::{traced, reply_order});
}

/// Calls wait in the queue while there is no worker, or go to another one, and neither side is told
/// when the other goes; so what is said of the ends of connections is not for it.
#[cfg(all(unix, feature = "amqp"))]
macro_rules! queues {
    ($($name:ident: $protocol:literal over $link:expr;)*) => {$(
        mod $name {
            use super::*;

            async fn world() -> Option<World> {
                broker::Broker::shared()?;
                Some(World::new($protocol, $link).await)
            }

            cases!(calls::{positional, named, optional, no_params, errors, refusals});
            cases!(calls::{notifications, batches, concurrency, panics, large_values});
            cases!(data::{numbers, binary, structs, text, not_finite, undecoded, extensions});
            cases!(many::{one_call_to_all, different_calls, given_up});
            cases!(names::{nesting, aliases, come_and_go, prefixes});
            cases!(endings::{timeouts, cancelled, limits});
            cases!(around::{validation, client_errors});
            cases!(modes::{blocking, spawned});
            #[cfg(feature = "tower")]
            cases!(stacks::{time_limit, most_at_once, retries, balance, buffer});
            cases!(callbacks::{server_calls_client, nested_calls});
            cases!(subscriptions::{items, failures, departures, ends, limited, own_service, slow_subscriber});
            cases!(streams::{down, up, both, collected, slow_readers, given_up_streams, stream_failures, large_streams});
            cases!(streams::{nested_streams, time_left});
            cases!(auth::{token_login, accepted_peers, deadlines, secrets});
            cases!(hooks::{per_connection});
            cases!(peers::{traced, reply_order, broadcast, broadcast_skips});
        }
    )*};
}

#[cfg(all(unix, feature = "amqp"))]
queues! {
    jsonrpc_amqp: "jsonrpc" over Link::Amqp("");
    msgpack_amqp: "msgpack" over Link::Amqp("");
    msgpack_amqp_direct: "msgpack" over Link::Amqp("&reply=direct");
}

/// Neither side sees the other go, and some cases have values that no datagram can carry.
#[cfg(feature = "udp")]
macro_rules! datagrams {
    ($($name:ident: $protocol:literal;)*) => {$(
        mod $name {
            use super::*;

            async fn world() -> World {
                World::new($protocol, Link::Udp).await
            }

            cases!(calls::{positional, named, optional, no_params, errors, refusals});
            cases!(calls::{notifications, batches, concurrency, panics});
            cases!(data::{numbers, binary, structs, not_finite, extensions});
            cases!(many::{one_call_to_all, different_calls, given_up});
            cases!(names::{nesting, aliases, come_and_go, prefixes});
            cases!(endings::{timeouts, cancelled, limits});
            cases!(around::{validation, client_errors});
            cases!(modes::{blocking, spawned});
            #[cfg(feature = "tower")]
            cases!(stacks::{time_limit, most_at_once, retries, balance, buffer});
            cases!(callbacks::{server_calls_client, nested_calls});
            cases!(subscriptions::{items, failures, departures, ends, limited, own_service, slow_subscriber});
            cases!(auth::{token_login, accepted_peers, deadlines, secrets});
            cases!(hooks::{per_connection});
            cases!(peers::{traced, reply_order, broadcast, broadcast_skips});
        }
    )*};
}

#[cfg(feature = "udp")]
datagrams! {
    jsonrpc_udp: "jsonrpc";
    msgpack_udp: "msgpack";
}
