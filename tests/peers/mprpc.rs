//! mprpc 0.1.17, MessagePack-RPC for Python on gevent.
//!
//! | | its client | its server |
//! |---|---|---|
//! | ids | from 1 | below 2^31: a larger one ends the connection |
//! | texts, binary data, ext types | str, bin, ext | str, bin, ext |
//! | arrays received | tuples, unless it is told otherwise | tuples |
//! | errors | the words that Python has for the value | a text, so here with the code -32000 |
//! | unknown method | | ends the connection without an answer |
//! | wrong params | | a text |
//! | notifications | no | end the connection |
//! | pipelined calls | no: one at a time | stall: one call is answered for each read of its socket |
//! | calls to its peer | no | no |
//!
//! So a client of this server sets [`Limits::max_calls`] to 1: then calls wait for each other on
//! this side.

use futures_util::future::join_all;
use serde_json::json;
use tinyrpc::{Blob, Client, ClientBuilder, Ext, Limits, Outcome};

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("mprpc")
}

async fn patient_client(server: &TheirServer) -> Client {
    let builder = ClientBuilder::from_url(server.url("msgpack"));
    let limits = Limits { max_calls: 1, ..Limits::default() };
    builder.expect("a URL").limits(limits).connect().await.expect("it listens")
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for scheme in ["tcp", "msgpack+tcp"] {
        let server = our_server(scheme, service()).await;
        their_client(kit.python("client.py"), &server, 6).await;
    }
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    let client = patient_client(&server).await;
    within(async {
        checks::integers(&client, 63).await;
        checks::texts(&client, 300_000).await;
        checks::values(&client).await;
        checks::echo(&client, json!(u64::MAX)).await;
        checks::mismatch(&client).await;
        checks::error(&client, "fail", json!([]), -32000, "it failed").await;
        checks::error(&client, "add", json!([1]), -32000, "argument").await;
        checks::error(&client, "add", json!([1, 2, 3]), -32000, "argument").await;
        let blob = Blob::from(vec![0, 0xff, 7]);
        assert_eq!(client.call::<_, Blob>("echo", (&blob,)).await.expect("the same"), blob);
        let ext = Ext { tag: 5, data: vec![1; 300].into() };
        assert_eq!(client.call::<_, Ext>("echo", (&ext,)).await.expect("the same"), ext);
        checks::pipelining(&client, 100_000).await;
    })
    .await;
}

/// Other calls in flight have an unknown end, and the next connection is none the wiser.
#[tokio::test]
async fn what_their_server_does_not_know_ends_the_connection() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    let client = patient_client(&server).await;
    let error = within(client.call::<_, ()>("nosuch", ())).await.expect_err("no answer");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");

    let client = patient_client(&server).await;
    checks::alive(&client).await;
    client.notify("nothing", ()).await.expect("it is sent");
    within(client.closed()).await;

    let client = patient_client(&server).await;
    checks::alive(&client).await;
}

#[tokio::test]
async fn calls_on_many_connections_run_at_once() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    let clients = join_all((0..8).map(|_| patient_client(&server))).await;
    within(join_all(clients.iter().map(|client| async {
        let later = client.call::<_, u32>("later", (7, 50)).await;
        assert_eq!(later.expect("a number"), 7);
        checks::alive(client).await;
    })))
    .await;
}
