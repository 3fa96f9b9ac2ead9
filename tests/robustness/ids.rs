//! Answers that come late, twice or for nobody, and requests that share an id.

use std::{collections::HashSet, sync::Arc};

use tinyrpc::{Dispatcher, RpcError};
use tokio::sync::Semaphore;

use crate::{
    BOTH,
    answer::{Answer, Piece},
    bench::Bench,
    beside, block_on,
    raw::{self, Raw},
    wire::{self, Wire},
};

/// The id of a request that a client of ours sent.
pub(super) fn id_of(wire: Wire, request: &[u8]) -> u32 {
    match wire {
        Wire::Json => {
            let request: serde_json::Value = serde_json::from_slice(request).expect("JSON");
            request["id"].as_u64().and_then(|id| u32::try_from(id).ok()).expect("an id")
        }
        Wire::MessagePack => match *request {
            [0x94, 0, id @ 0..=0x7f, ..] => id.into(),
            [0x94, 0, 0xcc, id, ..] => id.into(),
            [0x94, 0, 0xcd, a, b, ..] => u16::from_be_bytes([a, b]).into(),
            [0x94, 0, 0xce, a, b, c, d, ..] => u32::from_be_bytes([a, b, c, d]),
            _ => panic!("no request: {request:02x?}"),
        },
    }
}

fn result(wire: Wire, id: u32, value: u32) -> Vec<u8> {
    let message = match wire {
        Wire::Json => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{value}}}"#).into_bytes(),
        Wire::MessagePack => {
            let (id, value) = (id.to_be_bytes(), value.to_be_bytes());
            [&[0x94, 1, 0xce][..], &id, &[0xc0, 0xce], &value].concat()
        }
    };
    wire::on_stream(wire, message)
}

async fn request<S>(wire: Wire, far: &mut Raw<S>) -> u32
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    id_of(wire, &far.message().await.expect("a request"))
}

/// Each round gives some calls up and makes others, and the peer answers all of them: those that
/// were given up late and twice, the others in any order, and once more when they are answered.
#[test]
fn a_late_answer_reaches_nobody() {
    const ROUNDS: u32 = 2_000;
    beside(|| {
        block_on(async {
            for wire in BOTH {
                let (connection, mut far) = raw::byte_pair(64 << 10);
                let client = raw::client(connection, wire, |builder| builder).await;
                let (mut late, mut seen) = (Vec::new(), HashSet::new());
                for round in 0..ROUNDS {
                    let call = || client.call::<_, u32>("wait", ()).send();
                    let given_up = call().await.expect("it is sent");
                    late.push(request(wire, &mut far).await);
                    drop(given_up);
                    let (one, two) = (call().await, call().await);
                    let (first, second) =
                        (request(wire, &mut far).await, request(wire, &mut far).await);
                    for id in [*late.last().expect("one"), first, second] {
                        assert!(seen.insert(id), "{id} was used before");
                    }
                    let mut answers: Vec<u8> =
                        late.iter().flat_map(|id| result(wire, *id, 0)).collect();
                    if round % 8 == 0 {
                        // And once more.
                        late.clear();
                    }
                    answers.extend(result(wire, second, 2 * round + 1));
                    answers.extend(result(wire, second, 0));
                    answers.extend(result(wire, first, 2 * round));
                    answers.extend(result(wire, first, 0));
                    far.send(&answers).await.expect("it is read");
                    assert_eq!(two.expect("sent").await.expect("an answer"), 2 * round + 1);
                    assert_eq!(one.expect("sent").await.expect("an answer"), 2 * round);
                    late.extend([first, second]);
                }
                assert_eq!(client.in_flight(), 0);
            }
        });
    });
}

/// An answer of the wrong kind does not end the wait of its caller, nor does one without an id.
#[test]
fn answers_that_are_none_reach_nobody() {
    beside(|| {
        block_on(async {
            let (connection, mut far) = raw::byte_pair(4096);
            let client = raw::client(connection, Wire::MessagePack, |builder| builder).await;
            let call = client.call::<_, u32>("wait", ()).send().await.expect("it is sent");
            assert_eq!(request(Wire::MessagePack, &mut far).await, 1);
            // No id, ids of other types, too short, too long, another type.
            for message in [
                &b"\x94\x01\xc0\xc0\x05"[..],
                b"\x94\x01\xa11\xc0\x05",
                b"\x94\x01\xff\xc0\x05",
                b"\x94\x01\xca\x3f\x80\0\0\xc0\x05",
                b"\x93\x01\x01\xc0",
                b"\x95\x01\x01\xc0\x05\x06",
                b"\x94\x05\x01\xc0\x05",
                b"\x93\x02\xa1x\x90",
            ] {
                far.send(message).await.expect("it is read");
            }
            far.send(b"\x94\x01\xcf\0\0\0\0\0\0\0\x01\xc0\x07").await.expect("it is read");
            assert_eq!(call.await.expect("an answer"), 7);
        });
    });
}

/// A service whose `wait` waits until it may go on.
fn gated() -> (Dispatcher, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&gate);
    let service =
        Dispatcher::new().method("add", |a: i64, b: i64| a + b).method("wait", move |n: u32| {
            let gate = Arc::clone(&waiting);
            async move {
                let permit = gate.acquire_owned().await.map_err(RpcError::internal)?;
                permit.forget();
                Ok::<_, RpcError>(n)
            }
        });
    (service, gate)
}

fn refused(wire: Wire, id: u8) -> Answer {
    match wire {
        Wire::Json => {
            let text = format!(r#"{{"jsonrpc":"2.0","error":{{"code":-32600}},"id":{id}}}"#);
            Answer::Json { text, unordered: false }
        }
        Wire::MessagePack => Answer::MessagePack(vec![
            Piece::Bytes(vec![0x94, 1]),
            Piece::Int(id.into()),
            Piece::Bytes(vec![0x92]),
            Piece::Int(-32600),
            Piece::Text,
            Piece::Bytes(vec![0xc0]),
        ]),
    }
}

fn answered(wire: Wire, id: u8, value: u8) -> Answer {
    match wire {
        Wire::Json => {
            let text = format!(r#"{{"jsonrpc":"2.0","result":{value},"id":{id}}}"#);
            Answer::Json { text, unordered: false }
        }
        Wire::MessagePack => Answer::MessagePack(vec![
            Piece::Bytes(vec![0x94, 1]),
            Piece::Int(id.into()),
            Piece::Bytes(vec![0xc0, value]),
        ]),
    }
}

/// The second request under an id is refused, whatever it calls; the first is answered.
#[test]
fn two_requests_with_one_id() {
    beside(|| {
        for wire in BOTH {
            let number = |n: u8| if wire == Wire::Json { vec![b'0' + n] } else { vec![n] };
            let call = |id, method, params: &[&[u8]]| {
                wire::on_stream(wire, wire::call(wire, Some(id), method, params))
            };
            let (service, gate) = gated();
            let mut bench = Bench::stream(service);
            for (id, n) in [(1, 1), (2, 2)] {
                bench.give(&call(id, "wait", &[&number(n)]));
                assert!(bench.take().is_empty(), "it waits");
            }
            for method in ["wait", "add", "nosuch"] {
                bench.give(&call(1, method, &[&number(3)]));
                let got = bench.take();
                assert!(matches!(&got[..], [one] if refused(wire, 1).matches(one)), "{got:x?}");
            }
            assert_eq!(bench.session().running(), 2);
            gate.add_permits(2);
            bench.give(b"");
            let got = bench.take();
            assert!(answered(wire, 1, 1).matches(&got[0]), "{got:x?}");
            assert!(answered(wire, 2, 2).matches(&got[1]), "{got:x?}");
            // The id is free again.
            bench.give(&call(1, "add", &[&number(3), &number(4)]));
            assert!(answered(wire, 1, 7).matches(&bench.take()[0]));
        }
    });
}

/// The same inside of one batch, and between a batch and a request.
#[test]
fn two_members_with_one_id() {
    beside(|| {
        let wire = Wire::Json;
        let call = |n: u8| String::from_utf8(wire::call(wire, Some(1), "wait", &[&[b'0' + n]]));
        let (service, gate) = gated();
        let mut bench = Bench::stream(service);
        let batch = format!("[{},{}]\n", call(1).expect("text"), call(2).expect("text"));
        bench.give(batch.as_bytes());
        assert!(bench.take().is_empty(), "it waits");
        bench.give(&wire::on_stream(wire, call(3).expect("text").into_bytes()));
        let got = bench.take();
        assert!(matches!(&got[..], [one] if refused(wire, 1).matches(one)), "{got:x?}");
        gate.add_permits(1);
        bench.give(b"");
        let both = r#"[{"jsonrpc":"2.0","error":{"code":-32600},"id":1},{"jsonrpc":"2.0","result":1,"id":1}]"#;
        let both = Answer::Json { text: both.to_owned(), unordered: true };
        let got = bench.take();
        assert!(matches!(&got[..], [one] if both.matches(one)), "{got:x?}");
    });
}
