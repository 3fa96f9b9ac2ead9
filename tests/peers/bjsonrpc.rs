//! bjsonrpc 0.2.1, JSON-RPC 1.x over TCP in lines, for Python; both sides call each other.
//!
//! | | its client | its server |
//! |---|---|---|
//! | version | sends none | ignores one |
//! | ids | numbers from 1 | echoed; null or absent makes a notification |
//! | params | an array, an object, or an array and `kwparams`; absent where empty | the same |
//! | answers | takes 1.x: both a result and an error | sends 1.x |
//! | errors | any value, raised as it is | a text, so here with the code -32000 |
//! | unknown method, wrong params | | a text |
//! | names of methods | | two letters at least, the first one small |
//! | notifications | yes | yes |
//! | pipelined calls | yes | yes, answered in order |
//! | batches | no | an array of calls, answered in lines |
//! | calls to its peer | yes; answers only while it waits for an answer | yes |
//! | texts | escapes all but ASCII | the same |
//! | lines | one that is no JSON costs nothing and is not answered | the same |
//!
//! So [`jsonrpc`](tinyrpc::protocols::JsonRpc), which is 2.0, is enough to call its server. Its own
//! requests are [`jsonrpc1`](tinyrpc::protocols::JsonRpc1). Remote objects and references to
//! functions are values with marks in them, which nothing here reads.

use serde_json::json;
use tinyrpc::{ClientBuilder, Dispatcher, RpcError, connect};

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("bjsonrpc")
}

fn served() -> Dispatcher {
    service().method("refuse", || Err::<(), _>(RpcError::server("it is refused")))
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for scheme in ["jsonrpc1+tcp", "jsonrpc1+tcp?framing=lines"] {
        let server = our_server(scheme, served()).await;
        their_client(kit.python("client.py"), &server, 11).await;
    }
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    for protocol in ["jsonrpc", "jsonrpc1"] {
        let client = connect(server.url(protocol)).await.expect("it listens");
        within(async {
            checks::integers(&client, 63).await;
            checks::texts(&client, 300_000).await;
            checks::values(&client).await;
            checks::echo(&client, json!(u64::MAX)).await;
            checks::mismatch(&client).await;
            checks::error(&client, "fail", json!([]), -32000, "it failed").await;
            checks::error(&client, "nosuch", json!([1]), -32000, "Unknown method").await;
            checks::error(&client, "add", json!([1]), -32000, "TypeError").await;
            checks::error(&client, "add", json!([1, 2, 3]), -32000, "TypeError").await;
            checks::named(&client).await;
            checks::notifications(&client).await;
            checks::pipelining(&client, 100_000).await;
            checks::alive(&client).await;
        })
        .await;
    }
}

#[tokio::test]
async fn their_server_calls_our_client() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    let builder = ClientBuilder::from_url(server.url("jsonrpc1")).expect("a URL");
    let client = builder.serve(served()).connect().await.expect("it listens");
    within(async {
        let asked: i64 = client.call("ask", ("add", (20, 22))).await.expect("an answer");
        assert_eq!(asked, 42);
        // Their handler fails with what it got, which was an object.
        checks::error(&client, "ask", json!(["fail", []]), -32000, "'code': 17").await;
        checks::error(&client, "ask", json!(["refuse", []]), -32000, "it is refused").await;
        let deep: u32 = client.call("deeper", (12,)).await.expect("a depth");
        assert_eq!(deep, 12);
        checks::told(&client).await;
    })
    .await;
}

/// A client of 2.0 is no peer for their calls: it says so, and its own calls go on.
#[tokio::test]
async fn their_calls_are_none_in_version_2() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    let builder = ClientBuilder::from_url(server.url("jsonrpc")).expect("a URL");
    let client = builder.serve(served()).connect().await.expect("it listens");
    client.notify("tell", ("note", (1,))).await.expect("it is sent");
    within(checks::alive(&client)).await;
}
