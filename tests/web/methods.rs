//! Methods, paths, pages and handshakes.

use tinyrpc::transports::http::Web;
use tokio::io::AsyncReadExt;

use crate::{
    block_on,
    shop::{Reply, Shop},
};

fn request(line: &str, headers: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

#[test]
fn methods() {
    block_on(async {
        let web = Web::new().page("/hello", "text/html", "<p>hello");
        let shop = Shop::open("tcp://127.0.0.1:0", |server| server.web(web)).await;
        for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "QUERY"] {
            let reply = shop.ask(&request(&format!("{method} /"), "")).await;
            assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")), "{method}");
        }
        let mut peer = shop.visit().await;
        peer.send(&request("HEAD /", "")).await.expect("it listens");
        let mut all = Vec::new();
        peer.stream.read_to_end(&mut all).await.expect("it is closed behind the head");
        let reply = Reply::new(&all);
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
        assert_eq!(reply.body, b"");
        let reply = shop.ask(&request("GET /hello", "")).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html")));
        assert_eq!(reply.body, b"<p>hello");
    });
}

#[test]
fn paths() {
    block_on(async {
        for (url, web) in
            [("http://127.0.0.1:0/rpc", Web::new()), ("tcp://127.0.0.1:0", Web::new().path("/rpc"))]
        {
            let shop = Shop::open(url, |server| server.web(web)).await;
            let body = r#"{"jsonrpc":"2.0","id":1,"method":"buy"}"#;
            for (path, status) in [
                ("/rpc", 200),
                ("/rpc?x=1", 200),
                ("/", 404),
                ("/rpc/", 404),
                ("/RPC", 404),
                ("/rpc/..", 404),
                ("//rpc", 404),
                ("/%72pc", 404),
            ] {
                let head = format!("Content-Length: {}\r\n", body.len());
                let mut sent = request(&format!("POST {path}"), &head);
                sent.extend(body.as_bytes());
                let reply = shop.ask(&sent).await;
                assert_eq!(reply.status, status, "{url} {path}: {reply:?}");
                assert_eq!(shop.sold(), usize::from(status == 200), "{url} {path}");
            }
        }
    });
}

const CONNECTION: &str = "Connection: Upgrade\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
/// The key of RFC 6455, 1.3, whose answer stands there.
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn handshakes() {
    block_on(async {
        let shop = Shop::open("tcp://127.0.0.1:0", |server| server).await;
        for (name, line, parts, status) in [
            ("good", "GET /", vec![CONNECTION, UPGRADE, VERSION, KEY], 101),
            (
                "more words",
                "GET /",
                vec!["Connection: keep-alive, Upgrade\r\n", "upgrade: WebSocket\r\n", VERSION, KEY],
                101,
            ),
            ("no key", "GET /", vec![CONNECTION, UPGRADE, VERSION], 400),
            ("no version", "GET /", vec![CONNECTION, UPGRADE, KEY], 400),
            (
                "an old version",
                "GET /",
                vec![CONNECTION, UPGRADE, "Sec-WebSocket-Version: 8\r\n", KEY],
                400,
            ),
            ("no connection", "GET /", vec![UPGRADE, VERSION, KEY], 400),
            ("another", "GET /", vec!["Connection: close\r\n", UPGRADE, VERSION, KEY], 400),
            ("h2c", "GET /", vec![CONNECTION, "Upgrade: h2c\r\n", VERSION, KEY], 400),
            ("no upgrade", "GET /", vec![CONNECTION, VERSION, KEY], 405),
            ("a post", "POST /", vec![CONNECTION, UPGRADE, VERSION, KEY], 400),
            ("a put", "PUT /", vec![CONNECTION, UPGRADE, VERSION, KEY], 405),
        ] {
            let reply = shop.ask(&request(line, &parts.concat())).await;
            assert_eq!(reply.status, status, "{name}: {reply:?}");
            if status == 101 {
                let accept = Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
                assert_eq!(reply.header("sec-websocket-accept"), accept, "{name}");
                assert_eq!(reply.header("sec-websocket-extensions"), None, "{name}");
            }
        }
    });
}

#[test]
fn subprotocols() {
    block_on(async {
        for (url, rows) in [
            (
                "tcp://127.0.0.1:0",
                &[
                    ("jsonrpc", Some("jsonrpc")),
                    ("msgpack", Some("msgpack")),
                    ("soap, msgpack, jsonrpc", Some("msgpack")),
                    ("JSONRPC", None),
                    ("soap", None),
                ][..],
            ),
            (
                "jsonrpc+ws://127.0.0.1:0",
                &[("msgpack, jsonrpc", Some("jsonrpc")), ("msgpack", None)],
            ),
        ] {
            let shop = Shop::open(url, |server| server).await;
            for (offered, agreed) in rows {
                let offer = format!("Sec-WebSocket-Protocol: {offered}\r\n");
                let headers = [CONNECTION, UPGRADE, VERSION, KEY, &offer].concat();
                let reply = shop.ask(&request("GET /", &headers)).await;
                assert_eq!(reply.status, 101, "{url} {offered}: {reply:?}");
                assert_eq!(reply.header("sec-websocket-protocol"), *agreed, "{url} {offered}");
            }
        }
    });
}

/// What is wrong with a URL is said where it is given, before anybody connects.
#[test]
fn wrong_urls() {
    for (url, words) in [
        ("http://alice:secret@localhost/", "send it by a header"),
        ("http://local host/", "no HOST[:PORT][/PATH]"),
        ("ws://localhost:port/", "no HOST[:PORT][/PATH]"),
        ("https://localhost/a b", "the path"),
        ("http://", "no HOST[:PORT][/PATH]"),
    ] {
        let error = tinyrpc::ClientBuilder::from_url(url).map(drop).expect_err(url).to_string();
        assert!(error.contains(words), "{url}: {error}");
        assert!(!error.contains("secret"), "{url}: {error}");
    }
}
