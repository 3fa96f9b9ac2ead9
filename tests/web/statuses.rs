//! What is answered to posts, and that a connection goes on behind it.

use tinyrpc::Limits;

use crate::{
    block_on,
    raw::Raw,
    shop::{JSON, MSGPACK, Shop, buy, next, post},
    wire::{self, Wire},
};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"add","params":[2,3]}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":5}"#;
const NOTIFICATION: &str = r#"{"jsonrpc":"2.0","method":"buy"}"#;

/// All on one connection, which is kept.
#[test]
fn statuses() {
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", |server| server).await;
        let mut peer = shop.visit().await;
        for (name, body, status, answer, sold) in [
            ("a call", CALL.to_owned(), 200, ANSWER.to_owned(), 0),
            ("a batch", format!("[{CALL},{CALL}]"), 200, format!("[{ANSWER},{ANSWER}]"), 0),
            ("a notification", NOTIFICATION.into(), 204, String::new(), 1),
            ("notifications", format!("[{NOTIFICATION},{NOTIFICATION}]"), 204, String::new(), 2),
            ("some of each", format!("[{NOTIFICATION},{CALL}]"), 200, format!("[{ANSWER}]"), 1),
            ("an error", CALL.replace("add", "no"), 200, "-32601".into(), 0),
            ("bad params", CALL.replace("[2,3]", "[2]"), 200, "-32602".into(), 0),
            ("no request", "{}".into(), 200, "-32600".into(), 0),
            ("an empty batch", "[]".into(), 200, "-32600".into(), 0),
            ("no JSON", "{".into(), 200, "-32700".into(), 0),
            ("two messages", format!("{CALL}\n{CALL}"), 200, "-32700".into(), 0),
            ("a call again", CALL.into(), 200, ANSWER.into(), 0),
        ] {
            peer.send(&post(JSON, body.as_bytes())).await.expect("it is kept");
            let reply = next(&mut peer).await.unwrap_or_else(|| panic!("{name}: it is closed"));
            let text = String::from_utf8_lossy(&reply.body);
            assert_eq!(reply.status, status, "{name}: {text}");
            assert!(text.contains(&answer), "{name}: {text}");
            assert_eq!(text.is_empty(), answer.is_empty(), "{name}: {text}");
            assert_eq!(reply.header("content-type").is_none(), status == 204, "{name}");
            assert_eq!(shop.sold(), sold, "{name}");
        }
    });
}

/// Bodies that are no message: refused with a word, and the connection is closed.
#[test]
fn bodies() {
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", |server| {
            server.limits(Limits { max_message: 1000, ..Limits::default() })
        })
        .await;
        let chunked = |chunks: &[&str]| {
            let mut all = format!(
                "POST / HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n"
            );
            for chunk in chunks {
                all += &format!("{:x}\r\n{chunk}\r\n", chunk.len());
            }
            all.into_bytes()
        };
        let large = "x".repeat(600);
        for (name, request, status) in [
            ("an empty body", post(JSON, b""), 400),
            ("no length", post("", b"").into_iter().collect(), 400),
            ("too large by its length", post(JSON, &[b' '; 1001]), 413),
            (
                "too large, and only announced",
                format!("POST / HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: 1001\r\n\r\n")
                    .into_bytes(),
                413,
            ),
            ("too large in chunks", chunked(&[&large, &large]), 413),
            ("empty chunks", [chunked(&[]), b"0\r\n\r\n".to_vec()].concat(), 400),
        ] {
            let mut peer = shop.visit().await;
            peer.send(&request).await.expect("it listens");
            let reply = next(&mut peer).await.unwrap_or_else(|| panic!("{name}: no answer"));
            assert_eq!(reply.status, status, "{name}: {reply:?}");
            assert!(!reply.body.is_empty(), "{name}");
            assert!(next(&mut peer).await.is_none(), "{name}: it is open");
        }
        // The whole limit, and a message in chunks.
        let mut full = CALL.to_owned();
        full.extend(std::iter::repeat_n(' ', 1000 - CALL.len()));
        let (left, right) = CALL.split_at(7);
        let pieces = [chunked(&[left, right]), b"0\r\n\r\n".to_vec()].concat();
        for request in [post(JSON, full.as_bytes()), pieces] {
            let reply = shop.ask(&request).await;
            assert_eq!((reply.status, &*reply.body), (200, ANSWER.as_bytes()), "{reply:?}");
        }
    });
}

/// Requests of both protocols on one connection: one by one, and all at once.
#[test]
fn one_connection_for_both() {
    block_on(async {
        let shop = Shop::open("tcp://127.0.0.1:0", |server| server).await;
        let wires = [Wire::Json, Wire::MessagePack, Wire::MessagePack, Wire::Json];
        let request = |wire| match wire {
            Wire::Json => post(JSON, &wire::probe(wire)),
            Wire::MessagePack => post(MSGPACK, &wire::probe(wire)),
        };
        let mut peer = shop.visit().await;
        for wire in wires {
            peer.send(&request(wire)).await.expect("it is kept");
            let reply = next(&mut peer).await.expect("an answer");
            assert!(wire::is_probed(wire, &reply.body), "{reply:?}");
        }
        let all: Vec<u8> = wires.iter().cycle().take(40).flat_map(|wire| request(*wire)).collect();
        for step in [all.len(), 100, 7] {
            let heard = peer.exchange(&all, step, |messages| messages.len() >= 40).await;
            assert_eq!(heard.messages.len(), 40);
            for (wire, message) in wires.iter().cycle().zip(&heard.messages) {
                let reply = crate::shop::Reply::new(message);
                assert!(wire::is_probed(*wire, &reply.body), "{reply:?}");
            }
        }
        assert_eq!(shop.server.peers().len(), 1);
    });
}

#[test]
fn a_body_that_waits_for_leave() {
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", |server| server).await;
        let body = buy(Wire::Json);
        let all = post(&format!("{JSON}Expect: 100-continue\r\n"), &body);
        let mut peer = shop.visit().await;
        peer.send(&all[..all.len() - body.len()]).await.expect("it listens");
        assert_eq!(next(&mut peer).await.expect("leave").status, 100);
        peer.send(&body).await.expect("it listens");
        assert_eq!(next(&mut peer).await.expect("an answer").status, 200);
        // Who is refused is not asked for a body.
        let all = post("Content-Type: text/plain\r\nExpect: 100-continue\r\n", &body);
        peer.send(&all[..all.len() - body.len()]).await.expect("it listens");
        assert_eq!(next(&mut peer).await.expect("an answer").status, 415);
        assert_eq!(shop.sold(), 1);
    });
}

/// Who asks for the end of the connection has it, and so has HTTP/1.0.
#[test]
fn connections_that_end() {
    block_on(async {
        let shop = Shop::open("http://127.0.0.1:0", |server| server).await;
        let ends = post(&format!("{JSON}Connection: close\r\n"), CALL.as_bytes());
        let old = String::from_utf8(post(JSON, CALL.as_bytes())).expect("text");
        let old = old.replace("HTTP/1.1", "HTTP/1.0").into_bytes();
        for request in [ends, old] {
            let mut peer: Raw<_> = shop.visit().await;
            peer.send(&request).await.expect("it listens");
            let reply = next(&mut peer).await.expect("an answer");
            assert_eq!((reply.status, &*reply.body), (200, ANSWER.as_bytes()));
            assert!(next(&mut peer).await.is_none());
        }
    });
}

/// A proxy keeps connections for the requests of many peers, and one of them may be a handshake.
#[test]
fn a_socket_behind_posts() {
    block_on(async {
        let shop = Shop::open("tcp://127.0.0.1:0", |server| server).await;
        let mut peer = shop.visit().await;
        for _ in 0..2 {
            peer.send(&post(JSON, CALL.as_bytes())).await.expect("it is kept");
            assert_eq!(next(&mut peer).await.expect("an answer").status, 200);
        }
        // A ping in the first packet, whose key is nothing.
        let handshake = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\x89\x81\0\0\0\0!";
        peer.send(handshake).await.expect("it is kept");
        let mut heard = Vec::new();
        while !heard.ends_with(b"\x8a\x01!") {
            let count = tokio::io::AsyncReadExt::read_buf(&mut peer.stream, &mut heard).await;
            assert!(count.expect("it is kept") > 0, "{}", String::from_utf8_lossy(&heard));
        }
        assert!(heard.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&heard));
        assert_eq!(shop.server.peers().len(), 1);
    });
}
