//! Two peers that call each other as fast as they can, through a pipe that holds 4 KiB.

use std::time::Duration;

use futures_util::future::join_all;
use tinyrpc::{Caller, Client, Context, Dispatcher, Error, Limits, RpcError, Server};

use crate::{
    BOTH, beside, block_on,
    raw::{self, Ready},
    wire::Wire,
};

/// Root calls of each side.
const CALLS: u32 = 10_000;

/// `down(n)` calls `down(n - 1)` of whoever called it, and so on until 0: it counts the steps.
fn service() -> Dispatcher {
    Dispatcher::new().method("down", down).method("ever", ever)
}

async fn down(context: Context, n: u32) -> Result<u32, RpcError> {
    if n == 0 {
        return Ok(0);
    }
    let below: Result<u32, _> = context.peer().call("down", (n - 1,)).await;
    below.map(|below| below + 1).map_err(|error| RpcError::server(error.to_string()))
}

/// Recursion that nobody ends.
async fn ever(context: Context) -> Result<(), RpcError> {
    let below: Result<(), Error> = context.peer().call("ever", ()).await;
    below.map_err(|error| RpcError::server(error.to_string()))
}

/// Our client and our server, each with the service, and the server's means to call.
async fn peers(wire: Wire, limits: Limits) -> (Client, Caller) {
    let (left, right) = tokio::io::duplex(4096);
    let memory = tinyrpc::transports::PeerAddress::Memory;
    let right = tinyrpc::transports::stream::connection(right, memory.clone());
    let left = tinyrpc::transports::stream::connection(left, memory);
    let server = Server::new(service()).limits(limits.clone()).listen_on(Ready::new(right));
    let client = raw::client(left, wire, |builder| builder.serve(service()).limits(limits)).await;
    // The server learns the protocol by the first bytes.
    assert_eq!(client.call::<_, u32>("down", (0,)).await.expect("it is served"), 0);
    let caller = server.peers()[0].caller.clone();
    (client, caller)
}

async fn flood(caller: Caller, calls: u32) {
    // Whoever waits for thousands of others does so for long.
    let caller = &caller.with_timeout(Duration::ZERO);
    let calls = (0..calls).map(|n| async move {
        let depth = n % 4;
        assert_eq!(caller.call::<_, u32>("down", (depth,)).await.expect("an answer"), depth);
    });
    join_all(calls).await;
}

fn both_flood(wire: Wire, limits: Limits) {
    beside(|| {
        block_on(async {
            let (client, caller) = peers(wire, limits).await;
            let ours = (*client).clone();
            tokio::join!(flood(ours, CALLS), flood(caller.clone(), CALLS));
            assert_eq!((client.in_flight(), caller.in_flight()), (0, 0));
            assert!(Caller::closed(&client).is_none() && caller.closed().is_none());
        });
    });
}

#[test]
fn jsonrpc_at_the_smallest_limits() {
    both_flood(Wire::Json, Limits::smallest());
}

#[test]
fn msgpack_at_the_smallest_limits() {
    both_flood(Wire::MessagePack, Limits::smallest());
}

#[test]
fn jsonrpc_at_the_default_limits() {
    both_flood(Wire::Json, Limits::default());
}

#[test]
fn msgpack_at_the_default_limits() {
    both_flood(Wire::MessagePack, Limits::default());
}

/// On several threads: callers, handlers and drivers really at the same time.
#[test]
fn on_several_threads() {
    beside(|| {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(4).enable_all().build();
        runtime.expect("a runtime").block_on(raw::soon(async {
            for wire in BOTH {
                let limits = Limits { max_calls: 3, max_requests: 3, ..Limits::smallest() };
                let (client, caller) = peers(wire, limits).await;
                let mut tasks = Vec::new();
                for _ in 0..8 {
                    tasks.push(tokio::spawn(flood((*client).clone(), CALLS / 16)));
                    tasks.push(tokio::spawn(flood(caller.clone(), CALLS / 16)));
                }
                for task in tasks {
                    task.await.expect("no call fails");
                }
            }
        }));
    });
}

/// Endless recursion ends with an error, and the connection lives.
#[test]
fn endless_recursion_ends() {
    beside(|| {
        block_on(async {
            for (wire, limits) in BOTH.into_iter().flat_map(|wire| {
                let few = Limits { max_calls: 8, max_requests: 8, ..Limits::default() };
                [(wire, Limits::smallest()), (wire, few)]
            }) {
                let (client, caller) = peers(wire, limits).await;
                let error = client.call::<_, ()>("ever", ()).await.expect_err("it has no end");
                let rpc = error.as_rpc().unwrap_or_else(|| panic!("it is answered: {error}"));
                assert_eq!(rpc.code.0, -32000, "{error}");
                assert_eq!(client.call::<_, u32>("down", (3,)).await.expect("it lives"), 3);
                assert_eq!((client.in_flight(), caller.in_flight()), (0, 0));
            }
        });
    });
}
