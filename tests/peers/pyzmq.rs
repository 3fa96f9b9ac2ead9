//! pyzmq 27.1, with which programs speak JSON-RPC and MessagePack-RPC over ZeroMQ by hand.
//!
//! | | its sockets against our server | our client against its ROUTER |
//! |---|---|---|
//! | REQ | one answer to each request, an empty one to a notification | |
//! | DEALER | many calls in flight, with an envelope or without; our server calls it | |
//! | broker | what stands before a message comes back | the same |
//! | protocols | both at one address, by what comes first | as the URL says |

use tinyrpc::{Code, connect};

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, our_server, their_client, within},
    service::service,
};

fn kit() -> Option<Kit> {
    Kit::get("pyzmq")
}

#[tokio::test]
async fn their_sockets_call_our_server() {
    let Some(kit) = kit() else { return };
    let server = our_server("zmq", service()).await;
    their_client(kit.python("client.py"), &server, 9).await;
}

#[tokio::test]
async fn our_client_calls_their_router() {
    let Some(kit) = kit() else { return };
    let server = TheirServer::start(kit.python("server.py")).await;
    for protocol in ["jsonrpc", "msgpack"] {
        let client = connect(server.url_over(protocol, "zmq", "")).await.expect("it listens");
        within(async {
            checks::integers(&client, 63).await;
            checks::texts(&client, 300_000).await;
            checks::values(&client).await;
            checks::mismatch(&client).await;
            checks::notifications(&client).await;
            checks::pipelining(&client, 100_000).await;
            let error = client.call::<_, i64>("nosuch", ()).await.expect_err("an error");
            let rpc = error.as_rpc().expect("an answer");
            assert!(rpc.message.contains("KeyError"), "{rpc}");
            assert!(protocol == "msgpack" || rpc.code == Code(-32000), "{rpc}");
            checks::alive(&client).await;
        })
        .await;
    }
}
