//! A peer that is slow to say what it knows.

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
