//! tinyrpc 1.1.7 for Python, JSON-RPC 2.0 and MessagePack-RPC over HTTP, WebSocket and ZeroMQ; not
//! this project.
//!
//! | | its client | its server |
//! |---|---|---|
//! | ids | numbers from 1 | echoed; null is not answered |
//! | params, JSON-RPC | an array or an object; absent where empty | the same |
//! | params, MessagePack-RPC | an array | an array |
//! | batches, JSON-RPC | yes, matched by ids | yes; one wrong member and nothing is answered |
//! | errors, JSON-RPC | code, message and data, raised | code, message and data |
//! | errors, MessagePack-RPC | `[code, message]`; any other value, as one with data, becomes a text | `[code, message]`; wrong params are -32000 without words |
//! | unknown method | | -32601 with a message that names no method |
//! | calls to its peer | no | no |
//! | HTTP | no `Content-Type`; a connection for each call | `Content-Type: application/json` whatever it is; 4096 bytes of request unless told |
//! | notifications over HTTP | yes | run, but the post is never answered |
//! | WebSocket | text frames, so MessagePack-RPC needs a socket of its own kind; one call at a time | under `/ws`, no subprotocol; answers in binary frames; one message at a time |
//! | notifications over WebSocket | waits for an answer | run, but the connection serves nothing more |
//! | ZeroMQ | a REQ: one call at a time, answered in its envelope | a ROUTER: with an envelope or without, calls overtake each other |
//! | notifications over ZeroMQ | waits for an answer, which our server gives: an empty one. Its own gives none, and the client is stuck | run, and nothing comes back |
//!
//! Both sides of its WebSockets need a line each to work with the libraries of today.

use serde_json::json;
use tinyrpc::{Caller, connect};
use tokio::process::Command;

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

#[cfg(all(unix, feature = "zmq"))]
const TRANSPORTS: &[&str] = &["http", "ws", "zmq"];
#[cfg(not(all(unix, feature = "zmq")))]
const TRANSPORTS: &[&str] = &["http", "ws"];

fn kit() -> Option<Kit> {
    Kit::get("tinyrpc-python")
}

fn program(kit: &Kit, script: &str, protocol: &str, transport: &str) -> Command {
    let mut command = kit.python(script);
    command.args([protocol, transport]);
    command
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for &transport in TRANSPORTS {
        for protocol in ["jsonrpc", "msgpack"] {
            let own = format!("{protocol}+{transport}");
            let mut schemes = vec![transport, &own];
            if matches!(transport, "http" | "ws") {
                // It finds out what they speak.
                schemes.push("tcp");
            }
            for scheme in schemes {
                let server = our_server(scheme, service()).await;
                let client = program(&kit, "client.py", protocol, transport);
                their_client(client, &server, 10).await;
            }
        }
    }
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    for &transport in TRANSPORTS {
        let paths: &[&str] = match transport {
            "http" => &["/"],
            "ws" => &["/ws"],
            // As a DEALER, and as many REQs.
            _ => &["", "?envelope"],
        };
        for protocol in ["jsonrpc", "msgpack"] {
            let command = program(&kit, "server.py", protocol, transport);
            let server = TheirServer::start(command).await;
            for path in paths {
                let url = server.url_over(protocol, transport, path);
                let client = connect(url).await.expect("it listens");
                within(all(&client, protocol, transport)).await;
            }
        }
    }
}

async fn all(client: &Caller, protocol: &str, transport: &str) {
    checks::integers(client, 63).await;
    checks::texts(client, 300_000).await;
    checks::values(client).await;
    checks::echo(client, json!(u64::MAX)).await;
    checks::mismatch(client).await;
    checks::error(client, "fail", json!([]), 17, "it failed").await;
    checks::error(client, "nosuch", json!([1]), -32601, "").await;
    checks::error(client, "add", json!([1, "two"]), -32000, "unsupported operand").await;
    if protocol == "jsonrpc" {
        checks::error(client, "add", json!([1]), -32602, "").await;
        checks::named(client).await;
        checks::batch(client).await;
    } else {
        checks::error(client, "add", json!([1]), -32000, "").await;
    }
    checks::pipelining(client, 100_000).await;
    if transport != "ws" {
        checks::overtaking(client).await;
        // They are never answered, which keeps nothing else from being called.
        checks::notifications_in_any_order(client).await;
    }
    checks::alive(client).await;
}
