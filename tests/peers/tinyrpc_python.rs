//! tinyrpc 1.1.7 for Python, JSON-RPC 2.0 and MessagePack-RPC over HTTP, WebSocket, ZeroMQ
//! and RabbitMQ; not this project.
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
//! | RabbitMQ | one call at a time; of notifications it forgets at once | its own queue, not durable; one message at a time, as it forgets the others of several |
//! | notifications over RabbitMQ | yes, with a place for an answer; our server runs each once. Its own runs one for ever and then nothing else | run again and again, so none is sent in these tests |
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
#[cfg(all(unix, feature = "amqp"))]
use crate::{process::their_client_as_told, queue::Queue};

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

#[cfg(all(unix, feature = "amqp"))]
#[tokio::test]
async fn their_client_calls_our_server_over_rabbitmq() {
    let Some(kit) = kit() else { return };
    let Some(queue) = Queue::get("tinyrpc-python-client").await else { return };
    for protocol in ["jsonrpc", "msgpack"] {
        // It finds out what they speak, or is told.
        for spoken in ["", protocol] {
            let server = queue.serve(spoken).await;
            let mut client = program(&kit, "client.py", protocol, "amqp");
            client.arg(queue.url(""));
            their_client_as_told(client, 10).await;
            within(server.shutdown()).await;
        }
    }
}

#[cfg(all(unix, feature = "amqp"))]
#[tokio::test]
async fn our_client_calls_their_server_over_rabbitmq() {
    let Some(kit) = kit() else { return };
    for protocol in ["jsonrpc", "msgpack"] {
        let name = format!("tinyrpc-python-{protocol}-server");
        let Some(queue) = Queue::get(&name).await else { return };
        let mut command = program(&kit, "server.py", protocol, "amqp");
        command.arg(queue.url(""));
        let _server = TheirServer::start(command).await;
        let client = connect(queue.url(protocol)).await.expect("there is a broker");
        within(all(&client, protocol, "amqp")).await;
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
    if !matches!(transport, "ws" | "amqp") {
        checks::overtaking(client).await;
        // They are never answered, which keeps nothing else from being called.
        checks::notifications_in_any_order(client).await;
    }
    checks::alive(client).await;
}
