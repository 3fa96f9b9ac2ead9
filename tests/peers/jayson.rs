//! jayson 5.0.0, JSON-RPC 2.0 and 1.0 for Node.js; here over TCP, in lines.
//!
//! | | its client | its server |
//! |---|---|---|
//! | ids | UUIDs as text | echoed, numbers up to 2^53 |
//! | connections | one for each call | any |
//! | params | an array or an object; absent where empty | as they came; checks none itself |
//! | batches | yes | yes, up to a limit where one is set |
//! | errors | code, message and data, not raised | code, message and data |
//! | unknown method | | -32601 with a message that names no method |
//! | notifications | a connection that ends behind it | yes; errors are dropped |
//! | pipelined calls | no | yes, answered as they are ready |
//! | calls to its peer | no | no |
//! | numbers | doubles: no integer beyond 2^53 is exact | the same |
//! | lines | end in LF | one that is no JSON is answered with -32700 and ends the connection |
//! | version 1.0 | no batches | no batches; refuses named params, under no id |

use serde_json::json;
use tinyrpc::connect;

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("jayson")
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for scheme in ["tcp", "jsonrpc+tcp?framing=lines"] {
        let server = our_server(scheme, service()).await;
        their_client(kit.node("client.js"), &server, 9).await;
    }
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.node("server.js")).await;
    for options in ["", "?framing=lines"] {
        let url = server.url("jsonrpc") + options;
        let client = connect(url).await.expect("it listens");
        within(async {
            checks::integers(&client, 53).await;
            checks::texts(&client, 300_000).await;
            checks::values(&client).await;
            checks::mismatch(&client).await;
            checks::error(&client, "fail", json!([]), 17, "it failed").await;
            checks::error(&client, "nosuch", json!([1]), -32601, "not found").await;
            checks::error(&client, "add", json!([1]), -32602, "two numbers").await;
            checks::named(&client).await;
            checks::notifications(&client).await;
            checks::batch(&client).await;
            checks::overtaking(&client).await;
            checks::pipelining(&client, 100_000).await;
            // Beyond 2^53 they answer another number than they were sent.
            let rounded: u64 = client.call("echo", ((1_u64 << 53) + 1,)).await.expect("a number");
            assert_eq!(rounded, 1 << 53);
            checks::alive(&client).await;
        })
        .await;
    }
}

#[tokio::test]
async fn their_old_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    let server = our_server("jsonrpc1+tcp", service()).await;
    let mut command = kit.node("client.js");
    command.arg("old");
    their_client(command, &server, 9).await;
}

#[tokio::test]
async fn our_client_calls_their_old_server() {
    let Some(kit) = kit() else { return };
    let mut command = kit.node("server.js");
    command.arg("old");
    let server = TheirServer::start(command).await;
    let client = connect(server.url("jsonrpc1")).await.expect("it listens");
    within(async {
        checks::integers(&client, 53).await;
        checks::texts(&client, 300_000).await;
        checks::values(&client).await;
        checks::error(&client, "fail", json!([]), 17, "it failed").await;
        checks::error(&client, "nosuch", json!([1]), -32601, "not found").await;
        checks::notifications(&client).await;
        checks::batch(&client).await;
        checks::overtaking(&client).await;
        checks::pipelining(&client, 100_000).await;
    })
    .await;
}
