//! TLS: whom a client believes, whom a server lets in, and what they say where it fails.

use std::time::Instant;

use futures_util::future::join_all;
use tinyrpc::{
    ClientBuilder, Server,
    transports::tls::{ClientTls, ServerTls},
};
use tokio::io::AsyncReadExt;

use crate::{
    block_on,
    certificates::{Authority, authority},
    raw::Raw,
    shop::Shop,
};

fn certified(server: Server) -> Server {
    let Authority { localhost, .. } = authority();
    let tls = ServerTls::new(localhost.chain.as_bytes(), localhost.key.as_bytes());
    server.tls(tls.expect("a certificate"))
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

/// Calls; the words of the error where that fails.
async fn try_add(url: &str, tls: ClientTls) -> Result<(), String> {
    let client = ClientBuilder::from_url(url).map_err(|error| error.to_string())?.tls(tls);
    let client = client.connect().await.map_err(|error| error.to_string())?;
    let sum: Result<i64, _> = client.call("add", (2, 3)).await;
    sum.map(|sum| assert_eq!(sum, 5)).map_err(|error| error.to_string())
}

#[test]
fn who_believes_whom() {
    block_on(async {
        let stranger = Authority::new();
        let foreign = ClientTls::new().authority(stranger.pem.as_bytes()).expect("an authority");
        let with = |authority: &Authority| {
            let client = &authority.client;
            let tls = trusting().certificate(client.chain.as_bytes(), client.key.as_bytes());
            tls.expect("a certificate")
        };
        for scheme in ["tls", "https", "wss"] {
            let open = Shop::open(&format!("{scheme}://127.0.0.1:0"), certified).await;
            let shut = Shop::open(&format!("{scheme}://127.0.0.1:0"), closed).await;
            for (name, shop, tls, words) in [
                ("a known authority", &open, trusting(), None),
                ("another name", &open, trusting().server_name("a.example"), Some("not for")),
                ("a foreign authority", &open, foreign.clone(), Some("name its authority")),
                ("a client that is known", &shut, with(authority()), None),
                ("a client that shows nothing", &shut, trusting(), Some("CertificateRequired")),
                ("a client of a stranger", &shut, with(&stranger), Some("DecryptError")),
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
