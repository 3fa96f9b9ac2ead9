//! vscode-jsonrpc 10.0.0, JSON-RPC 2.0 behind `Content-Length`, for Node.js: what editors speak with
//! language servers. Both sides of a connection are the same.
//!
//! | | |
//! |---|---|
//! | ids | numbers from 0; echoed |
//! | params | an array, or an object where its user gives one object and nothing else; absent where empty |
//! | batches | no: one is answered by nothing |
//! | errors | code, message and data; what is thrown is -32603 and its words |
//! | unknown method | -32601 |
//! | wrong params | a matter of each method |
//! | notifications | yes, in the order of all messages; unknown ones are dropped |
//! | pipelined calls | yes, answered as they are ready |
//! | calls to its peer | yes, at any time |
//! | numbers | doubles: no integer beyond 2^53 is exact |
//! | headers | any order and case, `Content-Type` beside the length; a message without a length is dropped |
//! | cancellation | `$/cancelRequest`, to which our side does nothing: the call is answered |

use serde_json::json;
use tinyrpc::{ClientBuilder, connect};

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("vscode-jsonrpc")
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for scheme in ["tcp", "jsonrpc+tcp?framing=content-length"] {
        let server = our_server(scheme, service()).await;
        their_client(kit.node("client.js"), &server, 12).await;
    }
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.node("server.js")).await;
    let url = server.url("jsonrpc") + "?framing=content-length";
    let client = connect(url).await.expect("it listens");
    within(async {
        checks::integers(&client, 53).await;
        checks::texts(&client, 300_000).await;
        checks::values(&client).await;
        checks::mismatch(&client).await;
        checks::error(&client, "fail", json!([]), 17, "it failed").await;
        checks::error(&client, "throw", json!([]), -32603, "it is thrown").await;
        checks::error(&client, "nosuch", json!([1]), -32601, "nosuch").await;
        checks::error(&client, "add", json!([1]), -32602, "two numbers").await;
        checks::error(&client, "add", json!([1, 2, 3]), -32602, "two numbers").await;
        checks::named(&client).await;
        checks::notifications(&client).await;
        checks::overtaking(&client).await;
        checks::pipelining(&client, 100_000).await;
        checks::alive(&client).await;
    })
    .await;
}

#[tokio::test]
async fn their_server_calls_our_client() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.node("server.js")).await;
    let url = server.url("jsonrpc") + "?framing=content-length";
    let builder = ClientBuilder::from_url(url).expect("a URL").serve(service());
    let client = builder.connect().await.expect("it listens");
    within(checks::both_ways(&client)).await;
    within(checks::told(&client)).await;
}
