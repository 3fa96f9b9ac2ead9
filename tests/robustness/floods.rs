//! Floods of what is never answered: notifications, and answers to nothing.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tinyrpc::{Context, Dispatcher, Limits, Server};

use crate::{
    BOTH, alone,
    bench::Bench,
    block_on,
    meter::Meter,
    raw::{self, Raw},
    wire::{self, Wire},
};

const FLOOD: u32 = 100_000;

fn service() -> Dispatcher {
    Dispatcher::new().method("add", |a: i64, b: i64| a + b)
}

/// An answer under an id that this side may well use.
fn response(wire: Wire, id: u32) -> Vec<u8> {
    let message = match wire {
        Wire::Json => format!(r#"{{"jsonrpc":"2.0","result":[{id}],"id":{id}}}"#).into_bytes(),
        Wire::MessagePack => [&b"\x94\x01\xce"[..], &id.to_be_bytes(), b"\xc0\x91\x07"].concat(),
    };
    wire::on_stream(wire, message)
}

/// To a server: nobody there has called.
#[test]
fn unsolicited_answers_to_a_server() {
    alone(|| {
        for wire in BOTH {
            let mut bench = Bench::stream(service());
            bench.give(&wire::on_stream(wire, wire::probe(wire)));
            bench.take();
            let meter = Meter::new();
            for id in 0..FLOOD {
                bench.give(&response(wire, id));
            }
            let held = meter.held();
            assert!(held <= 64 << 10, "{wire:?}: {held} bytes are held");
            assert_eq!(bench.session().counters().unmatched, u64::from(FLOOD));
            bench.give(&wire::on_stream(wire, wire::probe(wire)));
            assert!(wire::is_probed(wire, &bench.take()[0]));
        }
    });
}

/// To a client that has called, under all ids but that of its call.
#[test]
fn unsolicited_answers_to_a_client() {
    alone(|| {
        block_on(async {
            for wire in BOTH {
                let (connection, mut far) = raw::byte_pair(64 << 10);
                let client = raw::client(connection, wire, |builder| builder).await;
                let call = client.call::<_, Vec<u32>>("wait", ()).send().await.expect("it is sent");
                let request = far.message().await.expect("the call");
                let meter = Meter::new();
                let mut most = 0;
                for id in 1000..1000 + FLOOD {
                    far.send(&response(wire, id)).await.expect("it is read");
                    most = most.max(meter.held());
                }
                assert!(most <= 512 << 10, "{wire:?}: {most} bytes are held");
                // Its first id is 1.
                assert!(String::from_utf8_lossy(&request).contains("wait"));
                far.send(&response(wire, 1)).await.expect("it is read");
                assert_eq!(call.await.expect("its own answer").len(), 1);
            }
        });
    });
}

/// A handler that takes its time: all notifications are executed, in the order in which they came,
/// and those that wait do so at the sender's side.
fn notifications(wire: Wire, limits: Limits) {
    alone(|| {
        block_on(async {
            let begun = Arc::new(Mutex::new(Vec::with_capacity(FLOOD as usize)));
            let done = Arc::new(AtomicUsize::new(0));
            let (list, count) = (Arc::clone(&begun), Arc::clone(&done));
            let service = service().method("slow", move |_: Context, n: u32| {
                list.lock().expect("nobody panics").push(n);
                let count = Arc::clone(&count);
                async move {
                    for _ in 0..4 {
                        tokio::task::yield_now().await;
                    }
                    count.fetch_add(1, SeqCst);
                }
            });
            let server = Server::new(service).limits(limits);
            let server = server.listen("tcp://127.0.0.1:0").await.expect("a free port");
            let address = server.addresses().concat();
            let mut peer = Raw::connect(&address).await.expect("it listens");
            let meter = Meter::new();
            let mut most = 0;
            for n in 0..FLOOD {
                let number = match wire {
                    Wire::Json => n.to_string().into_bytes(),
                    Wire::MessagePack => [&[0xce], &n.to_be_bytes()[..]].concat(),
                };
                let call = wire::call(wire, None, "slow", &[&number]);
                peer.send(&wire::on_stream(wire, call)).await.expect("it is read");
                most = most.max(meter.held());
            }
            peer.send(&wire::on_stream(wire, wire::probe(wire))).await.expect("it is read");
            let answer = peer.message().await.expect("an answer");
            assert!(wire::is_probed(wire, &answer));
            while done.load(SeqCst) < FLOOD as usize {
                tokio::task::yield_now().await;
                most = most.max(meter.held());
            }
            assert!(most <= 8 << 20, "{wire:?}: {most} bytes are held");
            let begun = begun.lock().expect("nobody panics");
            assert!(begun.iter().copied().eq(0..FLOOD), "out of order, or not all");
        });
    });
}

#[test]
fn jsonrpc_notifications_to_a_slow_handler() {
    notifications(Wire::Json, Limits::default());
}

#[test]
fn msgpack_notifications_to_a_slow_handler() {
    notifications(Wire::MessagePack, Limits::default());
}

/// With little room, so that much of the flood waits.
#[test]
fn notifications_that_wait() {
    let limits =
        Limits { max_requests: 4, max_calls: 4, max_backlog: 16 << 10, ..Limits::default() };
    notifications(Wire::Json, limits);
}
