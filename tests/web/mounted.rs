//! A service inside of somebody else's server, asked without a socket. The suite goes through axum.

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes};
use tinyrpc::{
    Context, Dispatcher, Limits, Server, ServerHandle,
    transports::{
        PeerAddress,
        http::{HttpService, Web},
    },
};
use tokio::sync::{Notify, oneshot};
use tower::ServiceExt;

use crate::block_on;

type Ask = Request<Full<Bytes>>;

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[2,3]}"#;

fn calc() -> Dispatcher {
    Dispatcher::new().method("add", |a: i64, b: i64| a + b)
}

fn mount(server: Server) -> (ServerHandle, HttpService) {
    let server = server.start();
    let service = server.http_service();
    (server, service)
}

fn post(headers: &[(&str, &str)], body: &str) -> Ask {
    let mut request = Request::post("/rpc").header("host", "localhost");
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/json");
    }
    for (name, value) in headers {
        if *name == "host" {
            request.headers_mut().expect("good headers").remove("host");
        }
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a request")
}

async fn ask(service: &HttpService, request: Ask) -> Response<Bytes> {
    let reply = service.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    let (parts, body) = reply.into_parts();
    let body = body.collect().await.expect("a whole body");
    Response::from_parts(parts, body.to_bytes())
}

/// Which hosts and origins are admitted where nobody knows our port.
#[test]
fn who_is_admitted() {
    block_on(async {
        let web = Web::new().host("rpc.example.com").origin("https://app.example.com").cors();
        let (_server, service) = mount(Server::new(calc()).web(web));
        for (host, origin, status) in [
            ("localhost", None, 200),
            ("localhost:8080", None, 200),
            ("127.0.0.1:8080", None, 200),
            ("10.0.0.7", None, 200),
            ("rpc.example.com", None, 200),
            ("RPC.example.com.:443", None, 200),
            ("evil.example.com", None, 403),
            ("localhost:8080", Some("http://localhost:8080"), 200),
            ("localhost:8080", Some("https://localhost:8080"), 200),
            ("localhost:8080", Some("http://localhost:8081"), 403),
            ("localhost", Some("http://localhost"), 200),
            ("localhost", Some("http://localhost:80"), 200),
            ("localhost", Some("https://localhost:443"), 200),
            ("localhost", Some("http://localhost:443"), 403),
            ("rpc.example.com", Some("https://rpc.example.com"), 200),
            ("rpc.example.com", Some("https://localhost"), 403),
            ("localhost", Some("https://app.example.com"), 200),
            ("localhost", Some("https://evil.example.com"), 403),
            ("evil.example.com", Some("http://evil.example.com"), 403),
            ("localhost", Some("null"), 403),
            ("localhost", Some("file://localhost"), 403),
        ] {
            let mut headers = vec![("host", host)];
            headers.extend(origin.map(|origin| ("origin", origin)));
            let reply = ask(&service, post(&headers, CALL)).await;
            assert_eq!(reply.status(), status, "{host}, {origin:?}: {reply:?}");
            assert_eq!(reply.headers().contains_key("rpc-outcome"), status != 200, "{host}");
        }
    });
}

/// What is answered is the same as on a port of our own.
#[test]
fn answers() {
    block_on(async {
        let limits = Limits { max_message: 1000, ..Limits::default() };
        let (_server, service) = mount(Server::new(calc()).limits(limits));
        let large = format!("{CALL}{}", " ".repeat(1000));
        let notification = r#"{"jsonrpc":"2.0","method":"add","params":[2,3]}"#;
        let text = [("content-type", "text/plain")];
        for (name, request, status, words) in [
            ("a call", post(&[], CALL), 200, r#""result":5"#),
            ("a notification", post(&[], notification), 204, ""),
            ("nonsense", post(&[], "{"), 200, "-32700"),
            ("nothing", post(&[], ""), 400, "the body is empty"),
            ("too much", post(&[], &large), 413, "max_message"),
            ("another media type", post(&text, CALL), 415, "application/json"),
            (
                "a GET",
                Request::get("/")
                    .header("host", "localhost")
                    .body(Full::default())
                    .expect("a request"),
                405,
                "POST",
            ),
        ] {
            let reply = ask(&service, request).await;
            let body = String::from_utf8_lossy(reply.body());
            assert_eq!(reply.status(), status, "{name}: {body}");
            assert!(body.contains(words), "{name}: {body}");
        }
        // This request came without the means to hand its connection over.
        let upgrade = Request::get("/")
            .header("host", "localhost")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
        let reply = ask(&service, upgrade.body(Full::default()).expect("a request")).await;
        assert_eq!(reply.status(), 501, "{reply:?}");
    });
}

/// The server around knows who asks.
#[test]
fn the_peer() {
    block_on(async {
        let who = |context: Context| context.peer_address().to_string();
        let (_server, service) = mount(Server::new(Dispatcher::new().method("who", who)));
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"who"}"#;
        let mut request = post(&[], call);
        request.extensions_mut().insert(PeerAddress::Socket("192.0.2.1:5".parse().expect("one")));
        for (request, words) in [(request, "192.0.2.1:5"), (post(&[], call), "the server around")] {
            let reply = ask(&service, request).await;
            let body = String::from_utf8_lossy(reply.body());
            assert!(body.contains(words), "{body}");
        }
    });
}

/// Raises a notice when it is dropped.
struct Ends(Arc<Notify>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Whoever goes away has its handler cancelled.
#[test]
fn hang_ups() {
    block_on(async {
        let (began, ended) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begin, end) = (Arc::clone(&began), Arc::clone(&ended));
        let service = calc().method("wait", move || {
            let ends = Ends(Arc::clone(&end));
            begin.notify_one();
            async move {
                let _ends = ends;
                std::future::pending::<()>().await
            }
        });
        let (server, service) = mount(Server::new(service));
        let call = post(&[], r#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#);
        let asking = tokio::spawn(service.clone().oneshot(call));
        began.notified().await;
        assert_eq!(server.peers().len(), 1);
        asking.abort();
        ended.notified().await;
        assert_eq!(ask(&service, post(&[], CALL)).await.status(), 200);
    });
}

/// A limit of connections bounds the posts in work; a shutdown waits for them, and refuses others.
#[test]
fn limits_and_shutdown() {
    block_on(async {
        let began = Arc::new(Notify::new());
        let (finish, finished) = oneshot::channel::<()>();
        let (begin, finished) = (Arc::clone(&began), Mutex::new(Some(finished)));
        let service = calc().method("wait", move || {
            let finished = finished.lock().expect("no panic").take();
            begin.notify_one();
            async move { finished.expect("it is called once").await.is_ok() }
        });
        let limits = Limits { max_connections: 1, ..Limits::default() };
        let (server, service) = mount(Server::new(service).limits(limits));
        let call = post(&[], r#"{"jsonrpc":"2.0","id":1,"method":"wait"}"#);
        let waiting = tokio::spawn({
            let service = service.clone();
            async move { ask(&service, call).await }
        });
        began.notified().await;
        check_refused(&ask(&service, post(&[], CALL)).await);

        let shutdown = server.shutdown();
        let after = async {
            // The listener is gone as soon as its task has had a turn.
            let mut reply = ask(&service, post(&[], CALL)).await;
            while reply.status() == 200 {
                reply = ask(&service, post(&[], CALL)).await;
            }
            check_refused(&reply);
            finish.send(()).expect("it waits");
        };
        tokio::join!(shutdown, after);
        let reply = waiting.await.expect("no panic");
        assert!(String::from_utf8_lossy(reply.body()).contains(r#""result":true"#), "{reply:?}");
        check_refused(&ask(&service, post(&[], CALL)).await);
    });
}

#[track_caller]
fn check_refused(reply: &Response<Bytes>) {
    assert_eq!(reply.status(), 503, "{reply:?}");
    assert_eq!(reply.headers()["rpc-outcome"], "not-executed", "{reply:?}");
}

/// A post gives its place up with its answer, and not when a connection would have been idle.
#[test]
fn posts_one_after_the_other() {
    block_on(async {
        let limits = Limits { max_connections: 1, ..Limits::default() };
        let (_server, service) = mount(Server::new(calc()).limits(limits));
        for number in 0..200 {
            let reply = ask(&service, post(&[], CALL)).await;
            assert_eq!(reply.status(), 200, "{number}: {reply:?}");
        }
    });
}
