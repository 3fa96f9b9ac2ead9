//! http-proxy 1.18.1, a reverse proxy for Node.js, between a client and our server.
//!
//! | | |
//! |---|---|
//! | HTTP | the parser of Node.js; bodies and most headers go through as they come, in chunks where they came so |
//! | connections | kept towards the service, each for the requests of many peers |
//! | `Host` | what the peer sent |
//! | WebSocket | yes; subprotocols and `Origin` go through |

use tinyrpc::{Client, Limits, Server, ServerHandle, connect};

use crate::{
    checks,
    kit::Kit,
    process::{TheirServer, port_of, within},
    raw::Raw,
    service::service,
    smuggling::{self, VECTORS},
};

/// Our server, and the proxy in front of it.
async fn behind_proxy(kit: &Kit, server: Server) -> (ServerHandle, TheirServer) {
    let server = server.listen("tcp://127.0.0.1:0").await.expect("a free port");
    let mut command = kit.node("proxy.js");
    command.arg(port_of(&server));
    (server, TheirServer::start(command).await)
}

async fn through(proxy: &TheirServer, scheme: &str) -> Client {
    connect(format!("{scheme}://127.0.0.1:{}/rpc", proxy.said)).await.expect("it listens")
}

#[tokio::test]
async fn calls_go_through() {
    let Some(kit) = Kit::get("http-proxy") else { return };
    let (_server, proxy) = behind_proxy(&kit, Server::new(service())).await;
    for scheme in ["jsonrpc+http", "msgpack+http", "jsonrpc+ws", "msgpack+ws"] {
        let client = through(&proxy, scheme).await;
        within(async {
            checks::integers(&client, 63).await;
            checks::texts(&client, 300_000).await;
            checks::values(&client).await;
            checks::notifications(&client).await;
            checks::batch(&client).await;
            checks::pipelining(&client, 10_000).await;
            checks::alive(&client).await;
        })
        .await;
    }
}

/// What the proxy understands in another way than we do is not executed in the name of another
/// peer, and no answer goes astray.
#[tokio::test]
async fn smuggled_calls() {
    let Some(kit) = Kit::get("http-proxy") else { return };
    let limits = Limits { handshake: std::time::Duration::from_secs(2), ..Limits::default() };
    let (_server, proxy) = behind_proxy(&kit, Server::new(service()).limits(limits)).await;
    let honest = through(&proxy, "jsonrpc+http").await;
    let address = format!("127.0.0.1:{}", proxy.said);
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"note","params":[1]}"#;
    let next = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{call}",
        call.len()
    );
    let (mut before, mut wrong) = (0, Vec::new());
    for (number, (name, vector, most, _)) in (0_i64..).zip(VECTORS) {
        let mut peer = Raw::connect(&address).await.expect("it listens");
        peer.send(&smuggling::bytes(vector, call, &next)).await.expect("it listens");
        // Nothing more will come, whatever it waits for.
        _ = tokio::io::AsyncWriteExt::shutdown(&mut peer.stream).await;
        let mut answers = Vec::new();
        _ = within(tokio::io::AsyncReadExt::read_to_end(&mut peer.stream, &mut answers)).await;
        // More than one of them, so that each connection of the proxy has its turn.
        for step in 0..4 {
            let sum = honest.call::<_, i64>("add", (number, step)).await;
            if sum.as_ref().ok() != Some(&(number + step)) {
                wrong.push(format!("{name}: an honest caller got {sum:?}"));
            }
        }
        let noted: i64 = honest.call("noted", ()).await.expect("it is alive");
        // What the proxy reads as one request more, it sends as one.
        let most = i64::try_from(*most).expect("a small number");
        if noted - before > most {
            let said = String::from_utf8_lossy(&answers);
            wrong.push(format!("{name}: {} executed: {said}", noted - before));
        }
        before = noted;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
