//! msgpack-rpc-python 0.4.1, the reference MessagePack-RPC implementation for Python.
//!
//! | | its client | its server |
//! |---|---|---|
//! | ids | from 0, beyond 2^30 from 0 again | echoed, to 64 bits |
//! | texts | raw of before 2013: no str8, no bin | takes str8 and bin, sends raw |
//! | texts received | bytes unless it is told an encoding | bytes unless it is told an encoding |
//! | errors | any value, raised as it is | a text, so here with the code -32000 |
//! | unknown method, wrong params | | a text |
//! | notifications | yes | yes |
//! | pipelined calls | yes | yes, answered as they are ready |
//! | calls to its peer | no | no |
//! | streams | gets all values as one array, or an error | none: such a call of ours fails at once |
//! | binary data, ext types | cannot be told from text, none | cannot be told from text, none |

use serde_json::json;
use tinyrpc::{Error, Reason, connect};

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    reference::served,
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("msgpack-rpc-python")
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    for scheme in ["tcp", "msgpack+tcp"] {
        let server = our_server(scheme, service()).await;
        their_client(kit.python("client.py"), &server, 11).await;
    }
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    let client = connect(server.url("msgpack")).await.expect("it listens");
    within(async {
        checks::integers(&client, 63).await;
        checks::texts(&client, 300_000).await;
        checks::values(&client).await;
        checks::mismatch(&client).await;
        // What is wrong is a text, without a code of its own.
        checks::error(&client, "fail", json!([]), -32000, "it failed").await;
        checks::error(&client, "nosuch", json!([1]), -32000, "nosuch").await;
        checks::error(&client, "add", json!([1]), -32000, "argument").await;
        checks::error(&client, "add", json!([1, 2, 3]), -32000, "argument").await;
        checks::notifications(&client).await;
        checks::overtaking(&client).await;
        checks::pipelining(&client, 100_000).await;
        checks::alive(&client).await;
    })
    .await;
}

/// Clients of both kinds at the same port, at the same time.
#[tokio::test]
async fn both_clients_call_our_server_at_once() {
    let Some(kit) = kit() else { return };
    let server = our_server("tcp", service()).await;
    let theirs = their_client(kit.python("client.py"), &server, 11);
    let address = server.addresses().concat();
    let ours = async {
        for protocol in ["jsonrpc", "msgpack"] {
            let client = connect(format!("{protocol}+{address}")).await.expect("it listens");
            for n in 0..200 {
                assert_eq!(client.call::<_, i64>("add", (n, n)).await.expect("a sum"), 2 * n);
            }
        }
    };
    within(async { tokio::join!(theirs, ours) }).await;
}

/// A client that knows nothing of streams calls methods that stream.
#[tokio::test]
async fn their_client_gets_streams_as_arrays() {
    let Some(kit) = kit() else { return };
    for scheme in ["tcp", "msgpack+tcp"] {
        let server = our_server(scheme, served()).await;
        // What it does otherwise, and five checks more.
        their_client(kit.python("streams.py"), &server, 16).await;
    }
}

/// A server that knows nothing of streams answers our hello by an error, and goes on.
#[tokio::test]
async fn our_streams_need_a_server_that_knows_them() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    let client = connect(server.url("msgpack")).await.expect("it listens");
    let unsupported =
        |error: Error| assert!(matches!(error, Error::NotExecuted(Reason::Unsupported(_))));
    within(async {
        for _ in 0..2 {
            unsupported(client.stream::<_, i64>("add", (1, 2)).await.expect_err("no streams"));
            unsupported(client.upload::<_, i64, i64>("add", ()).await.expect_err("no streams"));
            unsupported(client.duplex::<_, i64, i64>("add", ()).await.expect_err("no streams"));
            unsupported(client.extend().await.expect_err("no extension"));
            assert!(!client.is_extended());
            checks::alive(&client).await;
            checks::pipelining(&client, 100_000).await;
        }
    })
    .await;
}
