//! TLS: whom a client believes, whom a server lets in, and what they say where it fails.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tinyrpc::{
    ClientBuilder, Limits, Outcome, Server,
    transports::tls::{ClientTls, ServerTls},
};
use tokio::{io::AsyncReadExt, net::TcpListener};

use crate::{
    block_on,
    certificates::{Authority, Certificate, authority},
    raw::Raw,
    shop::Shop,
};

fn certified(server: Server) -> Server {
    showing(&authority().localhost)(server)
}

/// Proves itself with this certificate.
fn showing(own: &'static Certificate) -> impl FnOnce(Server) -> Server {
    let tls = ServerTls::new(own.chain.as_bytes(), own.key.as_bytes());
    move |server| server.tls(tls.expect("a certificate"))
}

/// Lets those in alone whom its authority signed.
fn closed(server: Server) -> Server {
    let Authority { localhost, pem, .. } = authority();
    let (chain, key) = (localhost.chain.as_bytes(), localhost.key.as_bytes());
    server.tls(ServerTls::with_clients(chain, key, pem.as_bytes()).expect("a certificate"))
}

fn trusting() -> ClientTls {
    ClientTls::new().authority(authority().pem.as_bytes()).expect("an authority")
}

/// Calls; the words of the error where that fails, which leaves nobody in doubt.
async fn try_add(url: &str, tls: ClientTls) -> Result<(), String> {
    let client = ClientBuilder::from_url(url).map_err(|error| error.to_string())?.tls(tls);
    let client = client.connect().await.map_err(|error| error.to_string())?;
    match client.call::<_, i64>("add", (2, 3)).await {
        Ok(sum) => assert_eq!(sum, 5),
        Err(error) => {
            assert_eq!(error.outcome(), Outcome::NotExecuted, "{url}: {error}");
            return Err(error.to_string());
        }
    }
    Ok(())
}

#[test]
fn who_believes_whom() {
    block_on(async {
        let stranger = Authority::new();
        let foreign = ClientTls::new().authority(stranger.pem.as_bytes()).expect("an authority");
        let with = |client: &Certificate| {
            let tls = trusting().certificate(client.chain.as_bytes(), client.key.as_bytes());
            tls.expect("a certificate")
        };
        for scheme in ["tls", "https", "wss"] {
            let open = Shop::open(&format!("{scheme}://127.0.0.1:0"), certified).await;
            let shut = Shop::open(&format!("{scheme}://127.0.0.1:0"), closed).await;
            let Authority { expired, future, lonely, .. } = authority();
            let old = Shop::open(&format!("{scheme}://127.0.0.1:0"), showing(expired)).await;
            let early = Shop::open(&format!("{scheme}://127.0.0.1:0"), showing(future)).await;
            let alone = Shop::open(&format!("{scheme}://127.0.0.1:0"), showing(lonely)).await;
            for (name, shop, tls, words) in [
                ("a known authority", &open, trusting(), None),
                ("another name", &open, trusting().server_name("a.example"), Some("not for")),
                ("a foreign authority", &open, foreign.clone(), Some("name its authority")),
                ("an old certificate", &old, trusting(), Some("has expired")),
                ("one of the future", &early, trusting(), Some("is not valid yet")),
                ("one without an authority", &alone, trusting(), Some("name its authority")),
                ("a client that is known", &shut, with(&authority().client), None),
                ("a client that shows nothing", &shut, trusting(), Some("wants a certificate")),
                ("a client of a stranger", &shut, with(&stranger.client), Some("does not trust")),
                (
                    "a client of another time",
                    &shut,
                    with(&authority().expired_client),
                    Some("finds the client's certificate expired"),
                ),
            ] {
                let url = format!("jsonrpc+{scheme}://{}", shop.address);
                let done = try_add(&url, tls).await;
                match (words, done) {
                    (None, done) => assert_eq!(done, Ok(()), "{scheme}: {name}"),
                    (Some(words), Err(error)) => {
                        assert!(error.contains(words), "{scheme}: {name}: {error}");
                    }
                    (Some(_), Ok(())) => panic!("{scheme}: {name}: it was let in"),
                }
            }
        }
    });
}

#[test]
fn one_side_alone_speaks_tls() {
    block_on(async {
        let plain = Shop::open("tcp://127.0.0.1:0", |server| server).await;
        for scheme in ["https", "wss"] {
            let url = format!("jsonrpc+{scheme}://{}", plain.address);
            let error = try_add(&url, trusting()).await.expect_err("it is no TLS");
            assert!(error.contains("handshake") || error.contains("does not speak TLS"), "{error}");
        }
        let secure = Shop::open("https://127.0.0.1:0", certified).await;
        let mut peer = secure.visit().await;
        peer.send(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it listens");
        let mut heard = Vec::new();
        _ = peer.stream.read_to_end(&mut heard).await;
        assert!(!heard.starts_with(b"HTTP"), "{heard:?}");
    });
}

/// Handshakes have a deadline of their own, and nobody else waits for them.
#[test]
fn handshakes_that_stall() {
    block_on(join_all(["tls", "https", "wss"].map(|scheme| async move {
        let shop = Shop::open(&format!("{scheme}://127.0.0.1:0"), certified).await;
        let mut stalled: Vec<Raw<_>> = Vec::new();
        for _ in 0..100 {
            let mut peer = shop.visit().await;
            // The beginning of a greeting.
            peer.send(b"\x16\x03\x01\x02\x00\x01").await.expect("it listens");
            stalled.push(peer);
        }
        let began = Instant::now();
        let url = format!("jsonrpc+{scheme}://{}", shop.address);
        assert_eq!(try_add(&url, trusting()).await, Ok(()), "{scheme}");
        let honest = began.elapsed();
        for mut peer in stalled {
            let mut heard = Vec::new();
            _ = peer.stream.read_to_end(&mut heard).await;
        }
        assert!(honest < began.elapsed() / 2, "{scheme}: it waited for {honest:?}");
    })));
}

/// The limit of handshakes is one for TLS, too: on the server's side, and on the client's.
#[test]
fn handshakes_have_a_limit() {
    let short = Limits { handshake: Duration::from_millis(300), ..Limits::default() };
    block_on(join_all(["tls", "https", "wss"].map(|scheme| {
        let limits = short.clone();
        async move {
            let began = Instant::now();
            let shop = Shop::open(&format!("{scheme}://127.0.0.1:0"), |server| {
                certified(server).limits(limits.clone())
            })
            .await;
            let mut peer = shop.visit().await;
            peer.send(b"\x16\x03\x01\x02\x00\x01").await.expect("it listens");
            let mut heard = Vec::new();
            _ = peer.stream.read_to_end(&mut heard).await;
            // Somebody who listens, and says nothing.
            let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let url = format!("jsonrpc+{scheme}://{}", silent.local_addr().expect("one"));
            let client =
                ClientBuilder::from_url(url).expect("a URL").limits(limits).tls(trusting());
            let error = client.connect().await.expect_err("nobody answers").to_string();
            assert!(error.contains("300ms"), "{error}");
            assert!(began.elapsed() < Duration::from_secs(4), "{scheme}");
        }
    })));
}

/// A page of the service itself came over TLS, too.
#[test]
fn origins() {
    block_on(async {
        for scheme in ["https", "wss"] {
            let shop = Shop::open(&format!("{scheme}://127.0.0.1:0"), certified).await;
            let port = shop.port();
            for (origin, admitted) in [
                (format!("https://localhost:{port}"), true),
                (format!("https://127.0.0.1:{port}"), true),
                (format!("http://localhost:{port}"), false),
                ("https://localhost".into(), false),
                (format!("https://evil.example:{port}"), false),
            ] {
                let url = format!("jsonrpc+{scheme}://{}", shop.address);
                let client = ClientBuilder::from_url(url).expect("a URL").tls(trusting());
                let client = client.header("Origin", &origin).connect().await;
                let called = match client {
                    Ok(client) => client.call::<_, i64>("add", (2, 3)).await.is_ok(),
                    Err(_) => false,
                };
                assert_eq!(called, admitted, "{scheme} {origin}");
            }
        }
    });
}
