//! aiorpcX 0.25.0, JSON-RPC 2.0 and 1.0 over TCP in lines, for Python; ElectrumX and its wallets speak by
//! it. Both sides of a connection are the same.
//!
//! | | its client | its server |
//! |---|---|---|
//! | ids | numbers from 0 | echoed; null makes a notification |
//! | params | an array or an object; absent where empty | the same |
//! | a message | up to 1,000,000 bytes, else dropped and nobody answered | the same |
//! | batches | yes; one answer, matched by its ids | yes |
//! | errors | code and message; data are lost | code and message |
//! | unknown method, wrong params | | -32601, -32602 |
//! | notifications | yes | yes |
//! | calls at once | 50, more as answers are quick | 20, the others wait |
//! | calls to its peer | yes, at any time | yes, at any time |
//! | numbers | int of any size, float | the same |
//! | lines | end in LF; one that is no JSON costs nothing | the same |
//! | version 1.0 | no named params, no batches; any error is read | the same; errors are objects |

use serde_json::json;
use tinyrpc::{ClientBuilder, connect};
use tokio::process::Command;

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("aiorpcx")
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for scheme in ["tcp", "jsonrpc+tcp", "jsonrpc+tcp?framing=lines"] {
        let server = our_server(scheme, service()).await;
        their_client(kit.python("client.py"), &server, 12).await;
    }
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    for options in ["", "?framing=lines"] {
        let url = server.url("jsonrpc") + options;
        let client = connect(url).await.expect("it listens");
        within(async {
            checks::integers(&client, 63).await;
            checks::texts(&client, 300_000).await;
            checks::values(&client).await;
            checks::echo(&client, json!(u64::MAX)).await;
            checks::mismatch(&client).await;
            checks::error(&client, "fail", json!([]), 17, "it failed").await;
            checks::error(&client, "nosuch", json!([1]), -32601, "nosuch").await;
            checks::error(&client, "add", json!([1]), -32602, "argument").await;
            checks::error(&client, "add", json!([1, 2, 3]), -32602, "argument").await;
            checks::error(&client, "add", json!([1, "two"]), -32602, "unsupported").await;
            checks::named(&client).await;
            checks::notifications(&client).await;
            checks::batch(&client).await;
            checks::overtaking(&client).await;
            checks::pipelining(&client, 100_000).await;
            checks::alive(&client).await;
        })
        .await;
    }
}

#[tokio::test]
async fn their_server_calls_our_client() {
    let Some(kit) = kit() else { return };
    for (server, protocol) in [(kit.python("server.py"), "jsonrpc"), (old_server(&kit), "jsonrpc1")]
    {
        let server = TheirServer::start(server).await;
        let builder = ClientBuilder::from_url(server.url(protocol));
        let client = builder.expect("a URL").serve(service()).connect().await.expect("it listens");
        within(checks::both_ways(&client)).await;
        within(checks::told(&client)).await;
    }
}

fn old_server(kit: &Kit) -> Command {
    let mut command = kit.python("server.py");
    command.arg("old");
    command
}

#[tokio::test]
async fn their_old_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    let server = our_server("jsonrpc1+tcp", service()).await;
    let mut command = kit.python("client.py");
    command.arg("old");
    their_client(command, &server, 12).await;
}

#[tokio::test]
async fn our_client_calls_their_old_server() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(old_server(&kit)).await;
    let client = connect(server.url("jsonrpc1")).await.expect("it listens");
    within(async {
        checks::integers(&client, 63).await;
        checks::texts(&client, 300_000).await;
        checks::values(&client).await;
        checks::error(&client, "fail", json!([]), 17, "it failed").await;
        checks::error(&client, "nosuch", json!([1]), -32601, "nosuch").await;
        checks::error(&client, "add", json!([1]), -32602, "argument").await;
        checks::notifications(&client).await;
        // A group of calls, because this version has no batches.
        checks::batch(&client).await;
        checks::overtaking(&client).await;
        checks::pipelining(&client, 100_000).await;
    })
    .await;
}
