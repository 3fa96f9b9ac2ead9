//! README, "Errors": hints about peers of another kind, and about answers of the web.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{
    command::{Serving, run},
    files::Files,
};

#[tokio::test]
async fn ports_of_another_kind() {
    let files = Files::certificates();
    let options = files.filled(&["--cert", "{localhost}", "--key", "{localhost.key}"]);
    let binds = ["http", "https", "ws", "jsonrpc+tcp", "msgpack+tcp", "tls"];
    let binds = binds.map(|scheme| format!("{scheme}://127.0.0.1:0"));
    let mut args: Vec<&str> = binds.iter().flat_map(|bind| ["--bind", bind]).collect();
    args.extend(options.iter().map(String::as_str));
    let server = Serving::with(&args, binds.len()).await;
    let at = |index: usize| server.urls[index].split_once(':').expect("a scheme").1;
    let (http, https, ws, json, msgpack, tls) = (at(0), at(1), at(2), at(3), at(4), at(5));
    let ca = files.path("ca");
    for (scheme, address, hint) in [
        ("tcp", http, "HTTP is spoken there: http://"),
        ("msgpack+tcp", http, "HTTP is spoken there: http://"),
        ("tcp", ws, "HTTP is spoken there: http://"),
        ("tls", https, "HTTP is spoken there: https://"),
        ("msgpack+tls", https, "HTTP is spoken there: https://"),
        ("tcp", https, "TLS is spoken there: tls://"),
        ("tcp", tls, "TLS is spoken there: tls://"),
        ("msgpack+tcp", tls, "TLS is spoken there: tls://"),
        ("http", json, "what answers there speaks no HTTP: over TLS it is https://"),
        ("http", msgpack, "what answers there speaks no HTTP"),
        ("http", https, "what answers there speaks no HTTP: over TLS it is https://"),
        ("ws", json, "what answers there speaks no HTTP"),
        ("ws", https, "what answers there speaks no HTTP: over TLS it is wss://"),
        ("ws", http, "no WebSocket is served here"),
        ("http", ws, "nobody takes posts here"),
        ("https", http, "without TLS it is http://"),
        ("wss", json, "without TLS it is ws://"),
        ("tls", json, "without TLS it is tcp://"),
        ("https", tls, "what answers there speaks no HTTP: a raw port over TLS is tls://"),
    ] {
        let url = format!("{scheme}:{address}");
        let is_tls = matches!(scheme, "tls" | "msgpack+tls" | "https" | "wss");
        let options = if is_tls { vec!["--ca", &ca] } else { Vec::new() };
        let ran = run(&[&["call", &url, "add", "1", "2"][..], &options].concat()).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""), "{url}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("\n  hint: {hint}")), "{url}: {}", ran.stderr);
    }
}

/// Answers one request, whatever it is, with a status and nothing else.
async fn answering(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let (mut seen, mut bytes) = (Vec::new(), [0; 1024]);
        while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut bytes).await.expect("a request");
            seen.extend_from_slice(&bytes[..read]);
        }
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("it reads");
        // Until the client is gone: an early end would take the answer with it.
        _ = stream.read_to_end(&mut seen).await;
    });
    address.to_string()
}

#[tokio::test]
async fn answers_of_the_web() {
    for (status, post, socket) in [
        ("401 Unauthorized", "the server wants to know who calls", ""),
        ("403 Forbidden", "the server does not let this caller in", ""),
        ("404 Not Found", "nothing is served under this path", ""),
        ("405 Method Not Allowed", "nobody takes posts here", "no WebSocket is served here"),
        ("415 Unsupported Media Type", "the server does not know this media type", ""),
        ("503 Service Unavailable", "the server has too much to do", ""),
        ("502 Bad Gateway", "the log of the server", ""),
        ("302 Found", "the service is elsewhere", ""),
    ] {
        for (scheme, hint) in
            [("http", post), ("ws", if socket.is_empty() { post } else { socket })]
        {
            let url = format!("{scheme}://{}", answering(status).await);
            let ran = run(&["call", &url, "add", "1", "2"]).await;
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""), "{url}: {}", ran.stderr);
            assert!(
                ran.stderr.contains(&format!("the server answered {status}")),
                "{}",
                ran.stderr
            );
            assert!(ran.stderr.contains(&format!("\n  hint: {hint}")), "{url}: {}", ran.stderr);
        }
    }
}
