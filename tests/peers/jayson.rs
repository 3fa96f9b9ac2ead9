//! jayson 5.0.0, JSON-RPC 2.0 and 1.0 for Node.js; over TCP in lines, HTTP and WebSocket.
//!
//! | | its client | its server |
//! |---|---|---|
//! | ids | UUIDs as text | echoed, numbers up to 2^53 |
//! | connections | TCP: one for each call; HTTP: kept, or not, as Node is told; WebSocket: one | any |
//! | params | an array or an object; absent where empty | as they came; checks none itself |
//! | batches | yes | yes, up to a limit where one is set |
//! | errors | code, message and data, not raised | code, message and data |
//! | unknown method | | -32601 with a message that names no method |
//! | notifications | TCP: a connection that ends behind it | yes; errors are dropped; HTTP: 204 |
//! | pipelined calls | WebSocket | yes, answered as they are ready |
//! | calls to its peer | no | no |
//! | numbers | doubles: no integer beyond 2^53 is exact | the same |
//! | lines | end in LF | one that is no JSON is answered with -32700 and ends the connection |
//! | HTTP | any status but 2xx is an error that holds the body | `application/json` alone, else 415; no JSON is 400 in words |
//! | WebSocket | text frames; no subprotocol; offers compression | agrees to the first subprotocol, whatever it is |
//! | version 1.0 | no batches; over WebSocket takes no answer for one | no batches; refuses named params, under no id |

use serde_json::json;
use tinyrpc::{Caller, connect};
use tokio::process::Command;

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("jayson")
}

fn program(kit: &Kit, script: &str, arguments: &[&str]) -> Command {
    let mut command = kit.node(script);
    command.args(arguments);
    command
}

/// The transports of this build, and the URLs of our servers for each.
fn transports() -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
    let all: [(_, _, &[&str]); 3] = [
        ("tcp", true, &["tcp", "jsonrpc+tcp?framing=lines"]),
        ("http", cfg!(feature = "http"), &["http", "jsonrpc+http", "tcp"]),
        ("ws", cfg!(feature = "ws"), &["ws", "jsonrpc+ws", "tcp"]),
    ];
    all.into_iter().filter(|(_, there, _)| *there).map(|(name, _, schemes)| (name, schemes))
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for (transport, schemes) in transports() {
        for scheme in schemes {
            let server = our_server(scheme, service()).await;
            their_client(program(&kit, "client.js", &[transport]), &server, CHECKS).await;
        }
    }
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    for (transport, _) in transports() {
        let server = TheirServer::start(program(&kit, "server.js", &[transport])).await;
        let options: &[&str] = if transport == "tcp" { &["", "?framing=lines"] } else { &[""] };
        for options in options {
            let url = server.url_over("jsonrpc", transport, options);
            let client = connect(url).await.expect("it listens");
            within(async {
                all(&client, transport).await;
                checks::mismatch(&client).await;
                checks::error(&client, "add", json!([1]), -32602, "two numbers").await;
                checks::named(&client).await;
                // Beyond 2^53 they answer another number than they were sent.
                let sent = (1_u64 << 53) + 1;
                let rounded: u64 = client.call("echo", (sent,)).await.expect("a number");
                assert_eq!(rounded, 1 << 53);
                checks::alive(&client).await;
            })
            .await;
        }
    }
}

#[tokio::test]
async fn their_old_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for (transport, _) in transports().filter(|(transport, _)| *transport != "ws") {
        let server = our_server(&format!("jsonrpc1+{transport}"), service()).await;
        their_client(program(&kit, "client.js", &[transport, "old"]), &server, CHECKS).await;
    }
}

#[tokio::test]
async fn our_client_calls_their_old_server() {
    let Some(kit) = kit() else { return };
    for (transport, _) in transports() {
        let server = TheirServer::start(program(&kit, "server.js", &[transport, "old"])).await;
        let url = server.url_over("jsonrpc1", transport, "");
        let client = connect(url).await.expect("it listens");
        within(all(&client, transport)).await;
    }
}

async fn all(client: &Caller, transport: &str) {
    checks::integers(client, 53).await;
    checks::texts(client, 300_000).await;
    checks::values(client).await;
    checks::error(client, "fail", json!([]), 17, "it failed").await;
    checks::error(client, "nosuch", json!([1]), -32601, "not found").await;
    match transport {
        // Posts overtake each other.
        "http" => checks::notifications_in_any_order(client).await,
        _ => checks::notifications(client).await,
    }
    checks::batch(client).await;
    checks::overtaking(client).await;
    checks::pipelining(client, 100_000).await;
}

/// What their client checks.
const CHECKS: usize = 11;
