//! Chromium, and a page that the service itself shows: `fetch` and WebSocket as browsers have them.
//!
//! | | |
//! |---|---|
//! | `fetch` | JSON-RPC; `Origin` with every post; asks by a preflight where a page is foreign |
//! | WebSocket | JSON-RPC, and MessagePack-RPC by @msgpack/msgpack; agrees on a subprotocol; offers compression |
//! | calls to its peer | yes, and our server calls before the page has said anything |
//! | foreign pages | refused by our server, not by the browser alone: nothing is executed |

use tinyrpc::{
    Server, ServerHandle,
    transports::{Bytes, http::Web},
};

use crate::{
    kit::Kit,
    process::{port_of, within},
    service::service,
};

/// A service with a page, on a port for everything.
async fn serve(page: Bytes, msgpack: Bytes, web: Web) -> ServerHandle {
    let web = web.page("/", "text/html; charset=utf-8", page).page(
        "/msgpack.js",
        "text/javascript; charset=utf-8",
        msgpack,
    );
    Server::new(service()).web(web).listen("tcp://127.0.0.1:0").await.expect("a free port")
}

fn origin(server: &ServerHandle) -> String {
    format!("http://localhost:{}", port_of(server))
}

/// Says hello to each page that has opened a WebSocket, until it has heard from so many.
async fn greet(server: &ServerHandle, pages: usize) {
    let mut greeted = Vec::new();
    while greeted.len() < pages {
        for peer in server.peers() {
            if greeted.iter().any(|known| std::sync::Arc::ptr_eq(known, &peer)) {
                continue;
            }
            // Over HTTP nobody can be called.
            let said = peer.caller.call::<_, String>("hello", ("the server",)).await;
            if let Ok(said) = said {
                assert_eq!(said, "here");
                greeted.push(peer);
            }
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn pages() {
    let Some(kit) = Kit::get("browser") else { return };
    let page = Bytes::from_static(include_bytes!("browser/page.html"));
    let library = "node_modules/@msgpack/msgpack/dist.umd/msgpack.min.js";
    let msgpack = Bytes::from(std::fs::read(kit.file(library)).expect("it is installed"));
    let chromium = std::fs::read_to_string(kit.file("path")).expect("it is installed");

    let own = serve(page.clone(), msgpack.clone(), Web::new()).await;
    let foreign = serve(page.clone(), msgpack.clone(), Web::new()).await;
    let refusing = serve(page.clone(), msgpack.clone(), Web::new().cors()).await;
    let admitting = serve(page, msgpack, Web::new().origin(&origin(&foreign)).cors()).await;

    let mut command = kit.node("drive.js");
    command.arg(chromium.trim());
    command.args([&own, &foreign, &refusing, &admitting].map(origin));
    command.stderr(std::process::Stdio::piped());
    let driven = async {
        let output = command.output().await.expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        let erred = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{erred}");
        assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 8, "{said}");
    };
    within(async { tokio::join!(driven, greet(&own, 2)) }).await;
    for (server, executed) in [(&refusing, 0), (&admitting, 2), (&own, 1)] {
        let client = tinyrpc::connect(format!("jsonrpc+tcp://127.0.0.1:{}", port_of(server)));
        let client = client.await.expect("it listens");
        assert_eq!(client.call::<_, i64>("noted", ()).await.expect("a number"), executed);
    }
}
