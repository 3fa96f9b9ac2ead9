//! jsonrpsee 0.26.1 for Rust, JSON-RPC 2.0 over HTTP and WebSocket, both on one port of its server.
//!
//! | | its client | its server |
//! |---|---|---|
//! | ids | numbers from 0, or the same as text | echoed |
//! | params | an array or an object; absent where empty | the same |
//! | batches | of calls, matched by ids | yes |
//! | errors | code, message and data | code, message and data |
//! | unknown method, wrong params | | -32601, -32602 |
//! | notifications | yes | none: they are taken and dropped |
//! | pipelined calls | yes | yes, answered as they are ready |
//! | calls to its peer | no | no |
//! | subscriptions | ids are numbers or texts; an `error` in a notification ends one | ids are numbers; the `error` of a stream is a text, and nothing is said at its end |
//! | HTTP | `Content-Type: application/json`, connections are kept | only that type; 200 for errors too; a notification is 200 without a body |
//! | WebSocket | text frames, no subprotocol; headers, so also an `Origin`, as one likes | the same, knows no subprotocol |
//! | `Host` | with the port | any, or what a filter admits |

use serde_json::json;
use tinyrpc::{Caller, Code, SubscriptionId, connect};

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("jsonrpsee")
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for (transport, checks) in [("http", 8), ("ws", 12)] {
        let own = format!("jsonrpc+{transport}");
        for scheme in [transport, &own, "tcp"] {
            for ids in ["numbers", "texts"] {
                let server = our_server(scheme, service()).await;
                let mut client = kit.rust(PROGRAM);
                client.args(["client", transport, ids]);
                their_client(client, &server, checks).await;
            }
        }
    }
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    let mut command = kit.rust(PROGRAM);
    command.arg("server");
    let server = TheirServer::start(command).await;
    for transport in ["http", "ws"] {
        let url = server.url_over("jsonrpc", transport, "");
        let client = connect(url).await.expect("it listens");
        within(all(&client)).await;
        if transport == "ws" {
            within(subscriptions(&client)).await;
        }
    }
}

async fn all(client: &Caller) {
    checks::integers(client, 63).await;
    checks::texts(client, 300_000).await;
    checks::values(client).await;
    checks::echo(client, json!(u64::MAX)).await;
    checks::mismatch(client).await;
    checks::error(client, "fail", json!([]), 17, "it failed").await;
    checks::error(client, "nosuch", json!([1]), -32601, "not found").await;
    checks::error(client, "add", json!([1]), -32602, "").await;
    checks::error(client, "add", json!([1, 2, 3]), -32602, "").await;
    checks::named(client).await;
    checks::batch_but_notes(client).await;
    checks::overtaking(client).await;
    checks::pipelining(client, 100_000).await;
    dropped_notifications(client).await;
    checks::alive(client).await;
}

/// Its ids are numbers, its errors texts, and it says nothing at the end of a stream.
async fn subscriptions(client: &Caller) {
    let mut counted = client.subscribe::<u32>("count", (0, 500), "uncount").await.expect("an id");
    assert!(matches!(counted.id(), SubscriptionId::Number(_)));
    for expected in 0..500 {
        assert_eq!(counted.next().await.expect("an item").expect("a number"), expected);
    }
    let mut broken = client.subscribe::<u32>("broken", (), "unbroken").await.expect("an id");
    assert_eq!(broken.next().await.expect("an item").expect("a number"), 1);
    let error = broken.next().await.expect("an error").expect_err("an error");
    assert_eq!(error.as_rpc().expect("theirs").message, "it broke");
    assert!(broken.next().await.is_none());
    // It is told of a subscription before it has put it on its list: the first item is behind that.
    let mut silence = client.subscribe::<u32>("silence", (), "unsilence").await.expect("an id");
    assert_eq!(silence.next().await.expect("an item").expect("a number"), 0);
    assert!(silence.unsubscribe().await.expect("an answer"));
    drop(client.subscribe::<u32>("silence", (), "unsilence").await.expect("an id"));
    let error = client.subscribe::<u32>("count", ("x",), "uncount").await.expect_err("an error");
    assert_eq!(error.as_rpc().expect("theirs").code, Code(-32602));
}

/// It takes notifications and does nothing.
async fn dropped_notifications(client: &Caller) {
    for n in 1..=10 {
        client.notify("note", (n,)).await.expect("it is sent");
    }
    assert_eq!(client.call::<_, i64>("noted", ()).await.expect("a count"), 0);
}

const PROGRAM: &str = "jsonrpsee-peer";
