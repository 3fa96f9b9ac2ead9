//! pika 1.4, RabbitMQ for Python, with which programs speak JSON-RPC and MessagePack-RPC by hand.
//!
//! | | its client | its server |
//! |---|---|---|
//! | messages | of both protocols in one queue, by their content type or by their first byte | as the client sends them |
//! | where answers go | a queue of its own, or RabbitMQ's direct reply-to | where the message says |
//! | ids | the same in all messages: correlation ids tell them apart | echoed |
//! | calls in flight | hundreds, answered in any order | one after the other |
//! | notifications | with a place for an answer and without: run once, never answered | run once |
//! | mischief | calls without a place for the answer, or whose place is gone | answers that nobody waits for, and one answer twice |

use tinyrpc::connect;
use tokio::process::Command;

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, their_client_as_told, within},
    queue::Queue,
};

async fn both(name: &str) -> Option<(Kit, Queue)> {
    Some((Kit::get("pika")?, Queue::get(name).await?))
}

fn program(kit: &Kit, script: &str, queue: &Queue) -> Command {
    let mut command = kit.python(script);
    command.args([queue.broker, &queue.name]);
    command
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some((kit, queue)) = both("pika-client").await else { return };
    let server = queue.serve("").await;
    their_client_as_told(program(&kit, "client.py", &queue), 9).await;
    within(server.shutdown()).await;
    // All of it is acknowledged.
    let left = within(program(&kit, "left.py", &queue).output()).await.expect("it starts");
    assert_eq!(String::from_utf8_lossy(&left.stdout).trim(), "0 0", "consumers and messages");
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some((kit, queue)) = both("pika-server").await else { return };
    let _server = TheirServer::start(program(&kit, "server.py", &queue)).await;
    for protocol in ["jsonrpc", "msgpack"] {
        let client = connect(queue.url(protocol)).await.expect("there is a broker");
        within(async {
            checks::integers(&client, 63).await;
            checks::texts(&client, 300_000).await;
            checks::values(&client).await;
            checks::mismatch(&client).await;
            checks::notifications(&client).await;
            checks::pipelining(&client, 100_000).await;
            for _ in 0..20 {
                let done: String = client.call("mischief", ()).await.expect("an answer");
                assert_eq!(done, "done");
            }
            let error = client.call::<_, i64>("nosuch", ()).await.expect_err("an error");
            assert!(error.as_rpc().is_some_and(|rpc| rpc.message.contains("KeyError")), "{error}");
            checks::alive(&client).await;
        })
        .await;
    }
}
