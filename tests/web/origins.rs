//! The `Origin` header: which pages may call, and which headers tell their browser.

use tinyrpc::transports::http::Web;

use crate::{
    block_on,
    shop::{JSON, Reply, Shop, buy, post},
    wire::Wire,
};

/// Lines of a request, with the port of the server for `PORT`, and whether the page may call.
const ORIGINS: &[(&str, bool)] = &[
    ("", true),
    ("Origin: http://localhost:PORT\r\n", true),
    ("Origin: HTTP://LOCALHOST:PORT\r\n", true),
    ("Origin: http://127.0.0.1:PORT\r\n", true),
    ("Origin: http://[::1]:PORT\r\n", true),
    ("Origin: https://app.example.com\r\n", true),
    ("Origin: https://APP.example.com\r\n", true),
    ("Origin: null\r\n", false),
    ("Origin: \r\n", false),
    ("Origin: *\r\n", false),
    ("Origin: http://localhost\r\n", false),
    ("Origin: http://localhost:1\r\n", false),
    ("Origin: http://localhost:PORT/\r\n", false),
    ("Origin: https://localhost:PORT\r\n", false),
    ("Origin: file://\r\n", false),
    ("Origin: http://evil.example\r\n", false),
    ("Origin: http://evil.example:PORT\r\n", false),
    ("Origin: http://localhost:PORT.evil.example\r\n", false),
    ("Origin: http://localhost:PORT@evil.example\r\n", false),
    ("Origin: http://evil.example http://localhost:PORT\r\n", false),
    ("Origin: http://app.example.com\r\n", false),
    ("Origin: https://app.example.com:8443\r\n", false),
    ("Origin: https://app.example.com.evil.example\r\n", false),
    ("Origin: http://localhost:PORT\r\nOrigin: http://evil.example\r\n", false),
];

/// What a browser is told of other pages.
fn cors(reply: &Reply) -> Vec<(&str, &str)> {
    let headers = reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    headers.filter(|(name, _)| name.starts_with("access-control") || *name == "vary").collect()
}

#[test]
fn foreign_pages_are_refused() {
    block_on(async {
        for with_cors in [false, true] {
            let web = Web::new().origin("https://app.example.com");
            let web = if with_cors { web.cors() } else { web };
            let shop = Shop::open("tcp://127.0.0.1:0", |server| server.web(web)).await;
            for (lines, known) in ORIGINS {
                let lines = lines.replace("PORT", shop.port());
                let reply = shop.ask(&post(&format!("{JSON}{lines}"), &buy(Wire::Json))).await;
                assert_eq!(reply.status, if *known { 200 } else { 403 }, "{lines:?}: {reply:?}");
                assert_eq!(shop.sold(), usize::from(*known), "{lines:?}");
                let origin = lines.trim().strip_prefix("Origin: ");
                match origin {
                    Some(origin) if with_cors && *known => assert_eq!(
                        cors(&reply),
                        [("access-control-allow-origin", origin), ("vary", "origin")]
                    ),
                    _ => assert_eq!(cors(&reply), [], "{lines:?}"),
                }
                // The same before a WebSocket, and before a page is asked for.
                let upgrade =
                    format!("GET / HTTP/1.1\r\nHost: localhost\r\n{HANDSHAKE}{lines}\r\n");
                let reply = shop.ask(upgrade.as_bytes()).await;
                assert_eq!(reply.status, if *known { 101 } else { 403 }, "{lines:?}: {reply:?}");
            }
        }
    });
}

#[test]
fn preflights() {
    block_on(async {
        let ask = |origin: &str| {
            format!(
                "OPTIONS / HTTP/1.1\r\nHost: localhost\r\n{origin}\
                 Access-Control-Request-Method: POST\r\n\
                 Access-Control-Request-Headers: content-type\r\n\r\n"
            )
        };
        let known = ask("Origin: https://app.example.com\r\n");
        let web = Web::new().origin("https://app.example.com");
        let shop = Shop::open("http://127.0.0.1:0", |server| server.web(web.clone())).await;
        let reply = shop.ask(known.as_bytes()).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
        assert_eq!(cors(&reply), []);
        let shop = Shop::open("http://127.0.0.1:0", |server| server.web(web.cors())).await;
        let reply = shop.ask(known.as_bytes()).await;
        assert_eq!(reply.status, 204);
        let mut told = cors(&reply);
        told.sort_unstable();
        assert_eq!(
            told,
            [
                ("access-control-allow-headers", "content-type, authorization"),
                ("access-control-allow-methods", "POST"),
                ("access-control-allow-origin", "https://app.example.com"),
                ("access-control-max-age", "600"),
                ("vary", "origin"),
            ]
        );
        for (origin, status) in [("", 400), ("Origin: https://evil.example\r\n", 403)] {
            let reply = shop.ask(ask(origin).as_bytes()).await;
            assert_eq!(reply.status, status, "{origin:?}");
            assert_eq!(cors(&reply), [], "{origin:?}");
        }
    });
}

/// What makes a WebSocket of a request.
const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
