//! The frames of WebSocket: what is accepted, and what ends a connection with which code.

use tinyrpc::Limits;

use crate::{
    block_on,
    shop::Shop,
    socket::{BINARY, CLOSE, NO_CODE, PING, PONG, Seen, Socket, TEXT, announced, farewell, frame},
    wire::{self, Wire},
};

/// JSON is text and MessagePack is not, but who says otherwise is understood.
#[test]
fn text_and_binary() {
    block_on(async {
        for url in ["ws://127.0.0.1:0", "tcp://127.0.0.1:0"] {
            let shop = Shop::open(url, |server| server).await;
            for (wire, sent, answered) in [
                (Wire::Json, TEXT, TEXT),
                (Wire::Json, BINARY, TEXT),
                (Wire::MessagePack, BINARY, BINARY),
            ] {
                let mut peer = Socket::open(&shop.address, "/", "").await;
                for _ in 0..2 {
                    peer.frame(sent, &wire::probe(wire)).await;
                    let answer = peer.expect(answered).await;
                    assert!(wire::is_probed(wire, &answer), "{wire:?} {sent}: {answer:x?}");
                }
            }
            // No message of MessagePack-RPC is UTF-8.
            let mut peer = Socket::open(&shop.address, "/", "").await;
            peer.frame(TEXT, &wire::probe(Wire::MessagePack)).await;
            assert_eq!(peer.closed().await, (1007, Seen::End));
        }
    });
}

/// A message in any number of fragments, with control frames in between.
#[test]
fn fragments() {
    block_on(async {
        let shop = Shop::open("ws://127.0.0.1:0", |server| server).await;
        let call = wire::probe(Wire::Json);
        for size in [1, 7, call.len()] {
            let mut peer = Socket::open(&shop.address, "/", "").await;
            let pieces: Vec<_> = call.chunks(size).collect();
            for (index, piece) in pieces.iter().enumerate() {
                let opcode = if index == 0 { TEXT } else { 0 };
                let last = if index + 1 == pieces.len() { 0x80 } else { 0 };
                peer.send(&frame(last | opcode, piece)).await.expect("it is open");
                if index == 0 && last == 0 {
                    peer.frame(PING, b"between").await;
                    assert_eq!(peer.expect(PONG).await, b"between", "{size}");
                    peer.frame(PONG, b"unasked").await;
                }
            }
            assert!(wire::is_probed(Wire::Json, &peer.expect(TEXT).await), "{size}");
        }
    });
}

/// Whatever is wrong, the peer is told by a code that arrives although much more was under way,
/// and nobody else notices.
#[test]
fn what_ends_a_connection() {
    block_on(async {
        let shop = Shop::open("ws://127.0.0.1:0", |server| {
            server.limits(Limits { max_message: 1000, ..Limits::default() })
        })
        .await;
        let mut other = Socket::open(&shop.address, "/", "").await;
        let half = [b' '; 600];
        for (name, bytes, code) in [
            ("no mask", [&announced(0x81, 2, 0)[..], b"{}"].concat(), 1002),
            ("a reserved bit", frame(0xc1, b"{}"), 1002),
            ("another", frame(0xa1, b"{}"), 1002),
            ("the third", frame(0x91, b"{}"), 1002),
            ("an unknown opcode", frame(0x83, b"{}"), 1002),
            ("an unknown control frame", frame(0x8b, b""), 1002),
            ("a continuation of nothing", frame(0x80, b"{}"), 1002),
            ("a message in a message", [frame(1, b"{"), frame(0x81, b"}")].concat(), 1002),
            ("a ping in fragments", frame(9, b"x"), 1002),
            ("a large ping", frame(0x89, &[b'x'; 126]), 1002),
            ("a close frame of one byte", frame(0x88, b"x"), 1002),
            ("a reserved code", frame(0x88, &farewell(1005, "")), 1002),
            ("no code at all", frame(0x88, &farewell(999, "")), 1002),
            ("text that is none", frame(0x81, b"{\xff}"), 1007),
            ("half a character", frame(0x81, b"{\xc3"), 1007),
            ("words that are none", frame(0x88, b"\x03\xe8\xff"), 1007),
            ("a large message", frame(0x81, &[b' '; 1001]), 1009),
            ("a large message, announced", announced(0x82, 1 << 40, 0x80), 1009),
            ("large in fragments", [frame(1, &half), frame(0x80, &half)].concat(), 1009),
        ] {
            let mut peer = Socket::open(&shop.address, "/", "").await;
            peer.frame(TEXT, &wire::probe(Wire::Json)).await;
            peer.expect(TEXT).await;
            let all = [&bytes[..], &frame(0x82, &[0; 900]).repeat(100)].concat();
            _ = peer.send(&all).await;
            let (seen, end) = peer.closed().await;
            assert_eq!((seen, end), (code, Seen::End), "{name}");
            other.frame(TEXT, &wire::probe(Wire::Json)).await;
            assert!(wire::is_probed(Wire::Json, &other.expect(TEXT).await), "{name}");
        }
        assert_eq!(shop.sold(), 0);
    });
}

/// What came before a fault is answered, though both came in one piece.
#[test]
fn messages_before_a_fault() {
    block_on(async {
        let shop = Shop::open("ws://127.0.0.1:0", |server| server).await;
        let call = frame(0x81, &wire::probe(Wire::Json));
        for (name, fault, code) in [
            ("a reserved bit", frame(0xc1, b"{}"), 1002),
            ("an unknown opcode", frame(0x83, b"{}"), 1002),
            ("no mask", [&announced(0x81, 2, 0)[..], b"{}"].concat(), 1002),
            ("text that is none", frame(0x81, b"\xff"), 1007),
        ] {
            let mut peer = Socket::open(&shop.address, "/", "").await;
            peer.send(&[&call[..], &call, &fault].concat()).await.expect("it is open");
            for _ in 0..2 {
                assert!(wire::is_probed(Wire::Json, &peer.expect(TEXT).await), "{name}");
            }
            assert_eq!(peer.closed().await, (code, Seen::End), "{name}");
        }
    });
}

/// Who says farewell has it back, with the same code.
#[test]
fn farewells() {
    block_on(async {
        let shop = Shop::open("ws://127.0.0.1:0", |server| server).await;
        for (payload, code) in [
            (farewell(1000, "bye"), 1000),
            (farewell(1001, ""), 1001),
            (farewell(3000, "ours"), 3000),
            (farewell(4999, ""), 4999),
            (Vec::new(), NO_CODE),
        ] {
            let mut peer = Socket::open(&shop.address, "/", "").await;
            peer.frame(CLOSE, &payload).await;
            assert_eq!(peer.closed().await, (code, Seen::End), "{code}");
        }
    });
}

#[test]
fn pings() {
    block_on(async {
        let shop = Shop::open("ws://127.0.0.1:0", |server| server).await;
        let mut peer = Socket::open(&shop.address, "/", "").await;
        for length in [0, 1, 125] {
            peer.frame(PING, &vec![b'x'; length]).await;
            assert_eq!(peer.expect(PONG).await, vec![b'x'; length]);
        }
        // Many at once cost an answer each; more than ten a second are too many.
        peer.send(&frame(0x89, b"").repeat(1000)).await.expect("it is open");
        let ended = loop {
            match peer.next().await {
                Seen::Frame(0x8a, _) => {}
                Seen::Frame(0x88, payload) => break (payload, peer.next().await),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(ended, (farewell(1008, "more than ten pings a second"), Seen::End));
    });
}
