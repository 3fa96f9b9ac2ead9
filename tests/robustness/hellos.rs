//! Peers that are slow to say what they know, and quick to use what we do.

use crate::{
    BOTH, beside, block_on,
    ids::id_of,
    raw,
    wire::{self, Wire},
};

fn known(wire: Wire, id: u32) -> Vec<u8> {
    let message = match wire {
        Wire::Json => {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"version":1}}}}"#).into_bytes()
        }
        Wire::MessagePack => {
            [&[0x94, 1, 0xce][..], &id.to_be_bytes(), b"\xc0\x81\xa7version\x01"].concat()
        }
    };
    wire::on_stream(wire, message)
}

/// Of several callers who ask at the same time one is answered, and nobody waits on.
#[test]
fn one_answer_is_for_everybody_who_asked() {
    beside(|| {
        block_on(async {
            for wire in BOTH {
                let (connection, mut far) = raw::byte_pair(64 << 10);
                let client = raw::client(connection, wire, |builder| builder).await;
                let asking =
                    async { tokio::join!(client.extend(), client.extend(), client.extend()) };
                let answering = async {
                    for turn in 0..3 {
                        let request = far.message().await.expect("a request");
                        if turn == 1 {
                            let answer = known(wire, id_of(wire, &request));
                            far.send(&answer).await.expect("it is read");
                        }
                    }
                };
                let ((one, two, three), ()) = tokio::join!(asking, answering);
                for asked in [one, two, three] {
                    asked.expect("the peer is known to know it");
                }
                assert!(client.is_extended());
            }
        });
    });
}

/// A request of the peer, which nobody serves, in one chunk.
fn request_in_a_chunk(wire: Wire) -> Vec<u8> {
    let message = match wire {
        Wire::Json => {
            // {"jsonrpc":"2.0","id":7,"method":"nobody"}
            let text = "eyJqc29ucnBjIjoiMi4wIiwiaWQiOjcsIm1ldGhvZCI6Im5vYm9keSJ9";
            format!(r#"{{"jsonrpc":"2.0","method":"rpc.chunk","params":[1,true,"{text}"]}}"#)
                .into_bytes()
        }
        Wire::MessagePack => {
            let request = b"\x94\x00\x07\xa6nobody\x90";
            [&[0x94, 10, 1, 0xc3, 0xc4, request.len() as u8][..], request].concat()
        }
    };
    wire::on_stream(wire, message)
}

/// A peer may use the extension from its answer on: what stands right behind it is understood before
/// whoever asked has read that answer.
#[test]
fn a_chunk_may_stand_right_behind_the_answer() {
    beside(|| {
        block_on(async {
            for wire in BOTH {
                let (connection, mut far) = raw::byte_pair(64 << 10);
                let client = raw::client(connection, wire, |builder| builder).await;
                let answering = async {
                    let asked = far.message().await.expect("a request");
                    let both = [known(wire, id_of(wire, &asked)), request_in_a_chunk(wire)];
                    far.send(&both.concat()).await.expect("it is read");
                    far.message().await.expect("an answer")
                };
                let (asked, answer) = tokio::join!(client.extend(), answering);
                asked.expect("the peer is known to know it");
                let not_found = b"method not found: nobody";
                let found = answer.windows(not_found.len()).any(|bytes| bytes == not_found);
                assert!(found, "{wire:?}: {}", answer.escape_ascii());
            }
        });
    });
}
