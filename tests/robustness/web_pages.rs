//! Any page of the web can have a browser post to a port of this machine. Nothing of that may be
//! executed, whatever the page puts into the body.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tinyrpc::{
    Client, Dispatcher, Outcome, Server, TokioRuntime,
    protocols::{Lines, MsgPackRpc},
    transports::{PeerAddress, memory, stream},
};

use crate::{
    beside, block_on,
    raw::Raw,
    wire::{self, Wire},
};

/// Everything that can listen.
const SERVERS: [&str; 14] = [
    "tcp://127.0.0.1:0",
    "tcp://127.0.0.1:0?framing=lines",
    "tcp://127.0.0.1:0?framing=length",
    "tcp://127.0.0.1:0?framing=content-length",
    "tcp://127.0.0.1:0?framing=netstring",
    "jsonrpc+tcp://127.0.0.1:0",
    "jsonrpc+tcp://127.0.0.1:0?framing=lines",
    "jsonrpc+tcp://127.0.0.1:0?framing=length",
    "jsonrpc+tcp://127.0.0.1:0?framing=content-length",
    "jsonrpc+tcp://127.0.0.1:0?framing=netstring",
    "msgpack+tcp://127.0.0.1:0",
    "msgpack+tcp://127.0.0.1:0?framing=length",
    "msgpack+tcp://127.0.0.1:0?framing=content-length",
    "msgpack+tcp://127.0.0.1:0?framing=netstring",
];

/// What Chrome sends for `fetch("http://127.0.0.1:4000/", {method, mode: "no-cors", body})`.
fn post(method: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} / HTTP/1.1\r\n\
         Host: 127.0.0.1:4000\r\n\
         Connection: keep-alive\r\n\
         Content-Length: {}\r\n\
         sec-ch-ua-platform: \"Linux\"\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r\n\
         sec-ch-ua: \"Chromium\";v=\"131\", \"Not_A Brand\";v=\"24\"\r\n\
         Content-Type: {content_type}\r\n\
         sec-ch-ua-mobile: ?0\r\n\
         Accept: */*\r\n\
         Origin: https://evil.example\r\n\
         Sec-Fetch-Site: cross-site\r\n\
         Sec-Fetch-Mode: no-cors\r\n\
         Sec-Fetch-Dest: empty\r\n\
         Referer: https://evil.example/\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\n\
         Accept-Language: en-US,en;q=0.9\r\n\
         \r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Bodies in which a call stands as plainly as it can.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let json = wire::call(Wire::Json, Some(1), "buy", &[]);
    let msgpack = wire::call(Wire::MessagePack, Some(1), "buy", &[]);
    let line = wire::on_stream(Wire::Json, json.clone());
    let form = [
        &b"------WebKitFormBoundary\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n"[..],
        &line,
        b"\r\n------WebKitFormBoundary--\r\n",
    ]
    .concat();
    let mut bodies = vec![
        ("text/plain;charset=UTF-8", json.clone()),
        ("text/plain;charset=UTF-8", line.clone()),
        ("text/plain;charset=UTF-8", [b"\r\n\r\n", &line[..]].concat()),
        ("text/plain;charset=UTF-8", line.repeat(100)),
        ("application/x-www-form-urlencoded", line.clone()),
        ("multipart/form-data; boundary=----WebKitFormBoundary", form),
        ("text/plain;charset=UTF-8", wire::with_length(&json)),
    ];
    for call in [&json, &msgpack] {
        for framed in [wire::with_header(call), wire::as_netstring(call)] {
            bodies.push(("text/plain;charset=UTF-8", framed.clone()));
            // What the head may have left unfinished is finished, and a call stands at every place.
            bodies.push(("text/plain;charset=UTF-8", [b"\r\n\r\n", &framed[..]].concat()));
            bodies.push(("text/plain;charset=UTF-8", framed.repeat(100)));
        }
    }
    for call in [msgpack.clone(), msgpack.repeat(100), wire::with_length(&msgpack)] {
        bodies.push(("text/plain;charset=UTF-8", call.clone()));
        // What ends whatever the text before it may have begun.
        bodies.push(("text/plain;charset=UTF-8", [&[0; 300][..], &call].concat()));
        bodies.push(("text/plain;charset=UTF-8", [&[0xc0; 300][..], b"\r\n", &call].concat()));
        bodies.push(("text/plain;charset=UTF-8", [b"\r\n", &call[..], b"\r\n"].concat()));
    }
    bodies
}

fn service(executed: &Arc<AtomicUsize>) -> Dispatcher {
    let executed = Arc::clone(executed);
    Dispatcher::new().method("buy", move || executed.fetch_add(1, SeqCst))
}

#[test]
fn a_post_executes_nothing() {
    beside(|| {
        block_on(async {
            let executed = Arc::new(AtomicUsize::new(0));
            let mut tried = 0;
            for url in SERVERS {
                let server = Server::new(service(&executed)).listen(url).await.expect("a port");
                let address = server.addresses().concat();
                for (content_type, body) in &bodies() {
                    for method in ["POST", "GET", "PUT", "OPTIONS", "PATCH", "M-SEARCH"] {
                        let request = post(method, content_type, body);
                        let head = request.len() - body.len();
                        // At once, as head and body, and in small pieces.
                        for step in [request.len(), head, 7] {
                            let mut peer = Raw::connect(&address).await.expect("it listens");
                            let heard = peer.exchange(&request, step, |_| false).await;
                            let at =
                                format!("{url} {method} {:.60}", String::from_utf8_lossy(body));
                            assert_eq!(executed.load(SeqCst), 0, "{at}: it was executed");
                            assert!(heard.closed, "{at}: it is open");
                            assert!(heard.messages.len() <= 1, "{at}: {:?}", heard.messages);
                            assert_eq!(executed.load(SeqCst), 0, "{at}: it was executed");
                            tried += 1;
                        }
                    }
                }
            }
            assert!(tried > 2000, "only {tried}");
        });
    });
}

/// Each line of a request would be a message of its own, and what is none is ignored: a body behind
/// a line feed would be the next one.
#[test]
fn there_are_no_lines_of_msgpack() {
    beside(|| {
        block_on(async {
            let url = "msgpack+tcp://127.0.0.1:0?framing=lines";
            let executed = Arc::default();
            let service = || service(&executed);
            let error = Server::new(service()).listen(url).await.expect_err("it is refused");
            assert!(error.to_string().contains("framing=length"), "{error}");
            // A server that recognises protocols recognises no other than JSON-RPC there.
            let server = Server::new(service()).listen(SERVERS[1]).await.expect("a port");
            let mut peer = Raw::connect(&server.addresses().concat()).await.expect("it listens");
            let mut line = wire::call(Wire::MessagePack, Some(1), "buy", &[]);
            line.push(b'\n');
            peer.send(&line).await.expect("it is served");
            let answer = String::from_utf8(peer.message().await.expect("an answer"));
            assert!(answer.is_ok_and(|answer| answer.contains("-32700")));
            assert_eq!(executed.load(SeqCst), 0);
        });
    });
}

/// Whoever joins the two in code is told so, too.
#[test]
fn lines_refuse_what_is_no_text() {
    beside(|| {
        block_on(async {
            let (client, _server) = tokio::io::duplex(64);
            let client = stream::connection(client, PeerAddress::Memory);
            let client = stream::framed(client, Lines);
            let (_, connector) = memory::network();
            let (client, driver) =
                Client::builder(connector, MsgPackRpc).attach(client, TokioRuntime::current());
            let ended = driver.await;
            assert!(ended.to_string().contains("lines"), "{ended}");
            let error = client.call::<_, u8>("buy", ()).await.expect_err("it is closed");
            assert_eq!(error.outcome(), Outcome::NotExecuted);
            assert!(error.to_string().contains("length"), "{error}");
        });
    });
}

/// The handler counts, so that the test above proves something.
#[test]
fn a_call_is_executed() {
    beside(|| {
        block_on(async {
            let executed = Arc::new(AtomicUsize::new(0));
            let service = service(&executed);
            let server = Server::new(service).listen(SERVERS[0]).await.expect("a port");
            let address = server.addresses().concat();
            for wire in [Wire::Json, Wire::MessagePack] {
                let call = wire::call(wire, Some(1), "buy", &[]);
                let mut peer = Raw::connect(&address).await.expect("it listens");
                peer.send(&wire::on_stream(wire, call)).await.expect("it is served");
                peer.message().await.expect("an answer");
            }
            assert_eq!(executed.load(SeqCst), 2);
        });
    });
}
