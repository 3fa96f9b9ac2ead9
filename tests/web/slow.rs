//! Peers that are slow on purpose: each is given up within its limit, and nobody else waits.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tinyrpc::{Limits, Server};
use tokio::io::AsyncReadExt;

use crate::{
    block_on,
    raw::Raw,
    shop::{JSON, Reply, Shop, buy, next, post},
    wire::Wire,
};

const SHORT: Duration = Duration::from_millis(200);

fn short(server: Server) -> Server {
    server.limits(Limits { handshake: SHORT, body: SHORT, idle: SHORT, ..Limits::default() })
}

/// Sockets of each stage.
const SOCKETS: usize = 100;

#[test]
fn each_stage() {
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", short).await;
        let body = buy(Wire::Json);
        let whole = post(JSON, &body);
        let head = whole.len() - body.len();
        for (name, sent, statuses) in [
            ("nothing", &whole[..0], &[][..]),
            ("one byte", &whole[..1], &[]),
            ("half a head", &whole[..head / 2], &[]),
            ("a head but for its end", &whole[..head - 1], &[]),
            ("a head", &whole[..head], &[408]),
            ("half a body", &whole[..head + 5], &[408]),
            ("a request and no other", &whole, &[200]),
            ("a request and half of one", &[&whole[..], &whole[..9]].concat(), &[200]),
        ] {
            let began = Instant::now();
            let slow = join_all((0..SOCKETS).map(|_| async {
                let mut peer = shop.visit().await;
                peer.send(sent).await.expect("it listens");
                let mut heard = Vec::new();
                while let Some(reply) = next(&mut peer).await {
                    heard.push(reply.status);
                }
                assert_eq!(heard, statuses, "{name}");
            }));
            let honest = async {
                let reply = shop.ask(&whole).await;
                assert_eq!(reply.status, 200, "{name}");
                began.elapsed()
            };
            let (_, honest) = tokio::join!(slow, honest);
            let took = began.elapsed();
            assert!(took >= SHORT, "{name}: given up after {took:?}");
            assert!(honest < took, "{name}: the honest one waited for {honest:?}");
            let sold = shop.sold();
            assert_eq!(sold, 1 + SOCKETS * usize::from(statuses == [200]), "{name}");
        }
    });
}

/// Bytes that come in time, one by one, do not move the end of the time for all of them.
#[test]
fn one_byte_at_a_time() {
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", short).await;
        let body = buy(Wire::Json);
        let whole = post(JSON, &body);
        let head = whole.len() - body.len();
        for (name, at_once, rest, status) in [
            ("a head", &whole[..0], &whole[..head], None),
            ("a body", &whole[..head], &whole[head..], Some(408)),
        ] {
            let Raw { stream, .. } = &mut shop.visit().await;
            tokio::io::AsyncWriteExt::write_all(stream, at_once).await.expect("it listens");
            let (mut reader, mut writer) = stream.split();
            let write = async {
                for byte in rest.iter().cycle() {
                    tokio::time::sleep(SHORT / 10).await;
                    if tokio::io::AsyncWriteExt::write_all(&mut writer, &[*byte]).await.is_err() {
                        break;
                    }
                }
            };
            let mut heard = Vec::new();
            let read = async { _ = reader.read_to_end(&mut heard).await };
            tokio::pin!(write, read);
            futures_util::future::select(write, read).await;
            let heard = (!heard.is_empty()).then(|| Reply::new(&heard).status);
            assert_eq!(heard, status, "{name}");
            assert_eq!(shop.sold(), 0, "{name}");
        }
    });
}

/// A body without an end is read up to the limit, and no further.
#[test]
fn a_body_without_end() {
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", |server| server).await;
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n"
        );
        let chunk = [b"10000\r\n", &[b' '; 0x10000][..], b"\r\n"].concat();
        let mut peer = shop.visit().await;
        peer.send(head.as_bytes()).await.expect("it listens");
        let mut sent = 0;
        while sent < 1 << 30 && peer.send(&chunk).await.is_ok() {
            sent += chunk.len();
        }
        // What the system holds in between comes on top of the limit.
        assert!(sent < 32 << 20, "{sent} bytes were taken");
        assert_eq!(shop.sold(), 0);
    });
}

/// Silence is no reason to end a connection that may be a raw one, on a port for everything.
#[test]
fn a_handshake_that_stalls() {
    block_on(async {
        let shop = Shop::open("ws://127.0.0.1:0", short).await;
        for sent in ["", "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"] {
            let mut peer = shop.visit().await;
            peer.send(sent.as_bytes()).await.expect("it listens");
            assert!(next(&mut peer).await.is_none(), "{sent:?}");
        }
    });
}
