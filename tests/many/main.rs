//! Clients over several addresses, clients that bind, workers that connect, and what happens when
//! connections are lost and made again: for each protocol over each link.
//!
//! A new link joins by one line in `links!`, a new case by one line in `cases!`.

#[cfg(feature = "blocking")]
mod blocking;
#[cfg(feature = "tls")]
#[path = "../support/certificates.rs"]
mod certificates;
mod cuts;
mod endings;
#[path = "../support/folder.rs"]
mod folder;
mod keepalive;
mod mixed;
#[cfg(feature = "http")]
mod posts;
mod refusals;
mod sharing;
mod storm;
mod swallowed;
mod workers;
mod world;

use world::{Link, World};

macro_rules! cases {
    ($module:ident::{$($case:ident),*}) => {$(
        #[tokio::test]
        async fn $case() {
            // A hang is a failure that says where.
            tokio::time::timeout(world::PATIENCE, super::$module::$case(world()))
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

            fn world() -> World {
                World::new($protocol, $link)
            }

            cases!(sharing::{round_robin, least_loaded, first_alive, batches, notifications});
            cases!(endings::{restart, nobody, lost, rolling, logins, closed, dropped});
            cases!(workers::{even, come_and_go, early, called_back});
            cases!(cuts::{every_call_ends_once});
            cases!(keepalive::{busy});
        }
    )*};
}

links! {
    jsonrpc_tcp: "jsonrpc" over Link::Tcp;
    msgpack_tcp: "msgpack" over Link::Tcp;
    #[cfg(all(unix, feature = "unix"))]
    jsonrpc_unix: "jsonrpc" over Link::Unix;
    #[cfg(all(unix, feature = "unix"))]
    msgpack_unix: "msgpack" over Link::Unix;
    #[cfg(feature = "ws")]
    jsonrpc_ws: "jsonrpc" over Link::Ws;
    #[cfg(feature = "ws")]
    msgpack_ws: "msgpack" over Link::Ws;
    #[cfg(feature = "tls")]
    msgpack_tls: "msgpack" over Link::Tls;
}

/// What the system knows of connections over TCP.
#[cfg(target_os = "linux")]
mod sockets {
    use super::*;

    macro_rules! timers {
        ($($(#[$condition:meta])* $name:ident: $link:expr;)*) => {$(
            $(#[$condition])*
            #[tokio::test]
            async fn $name() {
                keepalive::timers(World::new("msgpack", $link)).await;
            }
        )*};
    }

    timers! {
        tcp: Link::Tcp;
        #[cfg(feature = "ws")]
        ws: Link::Ws;
        #[cfg(feature = "tls")]
        tls: Link::Tls;
        #[cfg(feature = "http")]
        http: Link::Http;
        #[cfg(all(feature = "ws", feature = "tls"))]
        wss: Link::Wss;
    }
}
