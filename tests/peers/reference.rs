//! The reference implementation of `docs/extensions.md` in Python, written from that text alone, over
//! MessagePack-RPC.
//!
//! | | both sides |
//! |---|---|
//! | hello | from whoever needs it first |
//! | streams | of results, of values into a call, and both at once; errors in them, and into them |
//! | credit | a reader that stops stops its sender; more than was granted ends the call |
//! | chunks | results, requests and values; small messages go between them |
//! | cancel | dropped calls and those whose time runs out end their handlers |
//! | deadline, depth | what is left goes on to calls in calls; refused beyond 32 |
//! | a peer that knows none of it | gets plain calls only |

mod served;
mod trials;

use std::time::Duration;

use tinyrpc::{Client, ClientBuilder, Limits, Server};

use crate::{
    kit::Kit,
    process::{TheirServer, port_of, their_client_as_told, within},
};

pub(crate) use self::served::served;

fn kit() -> Option<Kit> {
    Kit::get("reference")
}

#[tokio::test]
async fn they_understand_themselves() {
    let Some(kit) = kit() else { return };
    their_client_as_told(kit.python("selftest.py"), 19).await;
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let Some(kit) = kit() else { return };
    let scarce = scarce();
    let little = r#"{"items": 4, "bytes": 3000, "chunk": 1000, "window": 3000, "splits": 2}"#;
    // What their hello offers, how many values of one byte they take before they read one, our own
    // limits, and what is large in as many chunks.
    let cases: [(&[&str], u32, Limits, usize); 4] = [
        (&[], 32, Limits::default(), 8 << 20),
        (&[], 32, scarce.clone(), 300_000),
        (&[little], 4, scarce, 300_000),
        (&[r#"{"items": 1000, "bytes": 100}"#], 100, Limits::default(), 300_000),
    ];
    for (offer, unread, limits, large) in cases {
        let mut command = kit.python("reference.py");
        command.args(["serve", "tcp:127.0.0.1:0", "service"]).args(offer);
        let server = TheirServer::start(command).await;
        all(&server.url("msgpack"), &limits, unread, large).await;
    }
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let Some(kit) = kit() else { return };
    // It finds out what they speak, or is told.
    for (url, offer) in [("tcp://127.0.0.1:0", "plenty"), ("msgpack+tcp://127.0.0.1:0", "little")] {
        for limits in [Limits::default(), scarce()] {
            let server = Server::new(served()).limits(limits).listen(url).await;
            let server = server.expect("a free port");
            let mut client = kit.python("client.py");
            client.args([&*format!("tcp:127.0.0.1:{}", port_of(&server)), offer]);
            their_client_as_told(client, 15).await;
        }
    }
}

#[cfg(all(unix, feature = "unix"))]
#[tokio::test]
async fn their_client_calls_our_server_over_a_unix_socket() {
    let Some(kit) = kit() else { return };
    let name = format!("tinyrpc-reference-{}", std::process::id());
    let path = std::env::temp_dir().join(name).display().to_string();
    let server = Server::new(served()).listen(format!("msgpack+unix://{path}")).await;
    let server = server.expect("a free path");
    let mut client = kit.python("client.py");
    client.args([&*format!("unix:{path}"), "plenty"]);
    their_client_as_told(client, 15).await;
    within(server.shutdown()).await;
}

/// Each over a connection of its own.
async fn all(url: &str, limits: &Limits, unread: u32, large: usize) {
    macro_rules! tried {
        ($($trial:ident($($argument:expr),*)),* $(,)?) => {$(
            let client = connected(url, limits).await;
            if let Err(error) = within(trials::$trial(&client, $($argument),*)).await {
                panic!("{}: {error}", stringify!($trial));
            }
            assert!(client.call::<_, i64>("add", (1, 1)).await.is_ok_and(|sum| sum == 2));
        )*};
    }
    tried![
        plain_calls(),
        server_streams(),
        errors_in_a_stream(),
        client_streams(),
        unread_values(),
        duplex(),
        slow_reader(),
        slow_handler(unread),
        chunks(large),
        dropped_streams(),
        cancelled_calls(),
        deadlines(),
        nested_calls(),
    ];
}

async fn connected(url: &str, limits: &Limits) -> Client {
    // Python may take its time on a busy machine.
    let limits = Limits { hello: Duration::from_secs(60), ..limits.clone() };
    let builder = ClientBuilder::from_url(url).expect("a URL").limits(limits);
    builder.serve(served()).connect().await.expect("it listens")
}

/// Of which everything is soon used up.
fn scarce() -> Limits {
    Limits { stream_items: 4, stream_bytes: 1000, max_message: 100_000, ..Limits::default() }
}
