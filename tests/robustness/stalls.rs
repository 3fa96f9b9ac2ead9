//! Peers that do not read, and peers that have nothing to say for a while.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tinyrpc::{
    Dispatcher, Limits, Runtime, Server,
    transports::{PeerAddress, stream::connection},
};
use tinyrpc_core::Task;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::{
    BOTH, alone, beside, block_on,
    meter::Meter,
    raw::{self, Raw, Ready},
    wire::{self, Wire},
};

const MIB: usize = 1 << 20;

fn service() -> Dispatcher {
    Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .method("big", || "x".repeat(20_000))
        .method("large", || "x".repeat(200_000))
}

fn limits() -> Limits {
    Limits { write_stall: Duration::from_millis(200), ..Limits::default() }
}

/// Writes requests and reads nothing, until the server has had enough.
fn never_reads(wire: Wire, method: &str, params: &[&[u8]]) {
    let call = |id| wire::on_stream(wire, wire::call(wire, Some(id), method, params));
    flood(wire, method, 100_000, call);
}

/// Writes what `message` makes and reads nothing, until the server has had enough, which must not
/// be before `at_least` bytes.
fn flood(wire: Wire, what: &str, at_least: usize, message: impl Fn(u32) -> Vec<u8>) {
    alone(|| {
        block_on(async {
            // Long enough for a busy machine to send so much meanwhile.
            let limits = Limits { write_stall: Duration::from_secs(1), ..Limits::default() };
            let server = Server::new(service()).limits(limits);
            let server = server.listen("tcp://127.0.0.1:0").await.expect("a free port");
            let address = server.addresses().concat();
            let mut peer = Raw::connect(&address).await.expect("it listens");
            let meter = Meter::new();
            let (mut most, mut sent, mut id) = (0, 0, 0);
            let held = async {
                loop {
                    id += 1;
                    let message = message(id);
                    if peer.send(&message).await.is_err() {
                        break;
                    }
                    sent += message.len();
                    most = most.max(meter.held());
                    // Everything that the server can do now it does.
                    if id % 64 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            };
            held.await;
            // Answers up to twice `max_outgoing` and half as much that was taken already, in a
            // buffer that doubles while it grows; `max_backlog` and its list, with what was
            // received last.
            let bound = 2 * (2 * MIB + MIB) + MIB + MIB;
            assert!(most <= bound, "{wire:?} {what}: {most} bytes held after {sent} sent");
            assert!(sent > at_least, "{wire:?} {what}: closed after {sent} bytes");
            while !server.peers().is_empty() {
                tokio::task::yield_now().await;
            }
            // The others are served.
            let mut other = Raw::connect(&address).await.expect("it listens");
            other.send(&wire::on_stream(wire, wire::probe(wire))).await.expect("it is served");
            let answer = other.message().await.expect("an answer");
            assert!(wire::is_probed(wire, &answer));
        });
    });
}

#[test]
fn jsonrpc_answers_that_nobody_reads() {
    never_reads(Wire::Json, "big", &[]);
}

#[test]
fn msgpack_answers_that_nobody_reads() {
    never_reads(Wire::MessagePack, "big", &[]);
}

#[test]
fn jsonrpc_small_answers_that_nobody_reads() {
    never_reads(Wire::Json, "add", &[b"1", b"2"]);
}

#[test]
fn msgpack_large_answers_that_nobody_reads() {
    never_reads(Wire::MessagePack, "large", &[]);
}

/// What is no request is answered with more bytes than it has.
#[test]
fn jsonrpc_complaints_that_nobody_reads() {
    flood(Wire::Json, "empty objects", 20_000, |_| b"{}\n".repeat(100));
    flood(Wire::Json, "scalars", 5_000, |_| b"1\n".repeat(100));
    let batch = |_| [&b"["[..], &b"1,".repeat(99), b"1]\n"].concat();
    flood(Wire::Json, "batches of scalars", 10_000, batch);
}

#[test]
fn msgpack_complaints_that_nobody_reads() {
    let bad = |id: u32| [&b"\x93\x00\xce"[..], &id.to_be_bytes(), b"\xc0"].concat().repeat(100);
    flood(Wire::MessagePack, "requests without params", 20_000, bad);
}

/// What was read makes room, also where something always waits behind it.
#[test]
fn answers_that_are_always_read_a_little_late() {
    const LATE: u32 = 40;
    alone(|| {
        block_on(async {
            for wire in BOTH {
                let server = Server::new(service()).start();
                let (connection, mut far) = raw::byte_pair(4096);
                server.listen_on(Ready::new(connection));
                let call = |id| wire::on_stream(wire, wire::call(wire, Some(id), "big", &[]));
                let meter = Meter::new();
                let mut most = 0;
                for id in 0..1_000 {
                    far.send(&call(id)).await.expect("it is served");
                    if id >= LATE {
                        far.message().await.expect("an answer");
                    }
                    most = most.max(meter.held());
                }
                // What waits and half as much that was taken, in a buffer that doubles while it
                // grows, and what this end reads into.
                let bound = 3 * LATE as usize * 20_100 + MIB;
                assert!(most <= bound, "{wire:?}: {most} bytes held");
            }
        });
    });
}

/// Time that passes when it is told to.
#[derive(Debug, Default)]
struct Clock {
    now: AtomicU64,
    sleeping: Mutex<Vec<Waker>>,
}

impl Clock {
    /// Lets everybody do what there is to do, then an hour pass, and everybody see to that.
    async fn pass(&self) {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        self.now.fetch_add(3_600_000_000, SeqCst);
        let sleeping = std::mem::take(&mut *self.sleeping.lock().expect("nobody panics"));
        sleeping.into_iter().for_each(Waker::wake);
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
}

/// A [`Clock`] and the tasks of tokio.
#[derive(Clone, Debug, Default)]
struct Slow(Arc<Clock>);

impl Runtime for Slow {
    fn spawn(&self, task: Task) {
        tokio::spawn(task);
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        tokio::task::spawn_blocking(work);
    }

    fn sleep_until(&self, time: u64) -> Task {
        let clock = Arc::clone(&self.0);
        Box::pin(poll_fn(move |cx| {
            if clock.now.load(SeqCst) >= time {
                return Poll::Ready(());
            }
            clock.sleeping.lock().expect("nobody panics").push(cx.waker().clone());
            Poll::Pending
        }))
    }

    fn now(&self) -> u64 {
        self.0.now.load(SeqCst)
    }
}

/// Silence is not a stall: only a peer that takes nothing of what waits for it is closed.
#[test]
fn an_idle_connection_is_served_again() {
    beside(|| {
        block_on(async {
            for wire in BOTH {
                let slow = Slow::default();
                let clock = &slow.0;
                let server = Server::new(service()).limits(limits());
                let server = server.runtime(Arc::new(slow.clone())).start();
                let connect = async || {
                    let (left, right) = tokio::io::duplex(4096);
                    server.listen_on(Ready::new(connection(right, PeerAddress::Memory)));
                    let left = connection(left, PeerAddress::Memory);
                    let runtime = Arc::new(slow.clone());
                    raw::client(left, wire, |client| client.limits(limits()).runtime(runtime)).await
                };
                let client = connect().await;
                for round in 0..5_i64 {
                    clock.pass().await;
                    let sum = client.call::<_, i64>("add", (round, 1)).await;
                    assert_eq!(sum.expect("it is served"), round + 1);
                }
                clock.pass().await;
                let other = connect().await;
                assert_eq!(other.call::<_, i64>("add", (1, 2)).await.expect("it is served"), 3);
                assert_eq!(server.peers().len(), 2);
            }
        });
    });
}

/// The same where no alarm rings meanwhile: the process was stopped, or its runtime was blocked.
#[test]
fn a_process_that_stood_still_goes_on() {
    beside(|| {
        block_on(async {
            for (wire, size) in BOTH.into_iter().flat_map(|wire| [(wire, 5), (wire, 100_000)]) {
                let slow = Slow::default();
                let echo = Dispatcher::new().method("echo", |text: String| text);
                let server = Server::new(echo).limits(limits());
                let server = server.runtime(Arc::new(slow.clone())).start();
                let (left, right) = tokio::io::duplex(4096);
                server.listen_on(Ready::new(connection(right, PeerAddress::Memory)));
                let left = connection(left, PeerAddress::Memory);
                let runtime = Arc::new(slow.clone());
                let client = raw::client(left, wire, |client| {
                    client.limits(limits()).timeout(Duration::ZERO).runtime(runtime)
                });
                let client = client.await;
                let text = "x".repeat(size);
                for _ in 0..5 {
                    let got = client.call::<_, String>("echo", (&text,)).await;
                    assert!(got.expect("it is served") == text);
                    slow.0.now.fetch_add(3_600_000_000, SeqCst);
                }
            }
        });
    });
}

/// The same where the peer's first bytes are there before anybody looks.
#[test]
fn a_call_that_came_before_the_first_turn() {
    beside(|| {
        block_on(async {
            for wire in BOTH {
                let slow = Slow::default();
                let server = Server::new(service()).limits(limits());
                let server = server.runtime(Arc::new(slow.clone())).start();
                slow.0.pass().await;
                let (connection, mut far) = raw::byte_pair(4096);
                far.send(&wire::on_stream(wire, wire::probe(wire))).await.expect("it has room");
                server.listen_on(Ready::new(connection));
                let answer = far.message().await.expect("an answer");
                assert!(wire::is_probed(wire, &answer));
            }
        });
    });
}

/// A peer that reads nothing is closed when its time is over, and no earlier.
#[test]
fn a_stalled_peer_is_closed_in_time() {
    beside(|| {
        block_on(async {
            for wire in BOTH {
                let slow = Slow::default();
                let limits = Limits { write_stall: Duration::from_secs(5400), ..limits() };
                let server = Server::new(service()).limits(limits);
                let server = server.runtime(Arc::new(slow.clone())).start();
                let (connection, mut far) = raw::byte_pair(4096);
                server.listen_on(Ready::new(connection));
                let call = wire::on_stream(wire, wire::call(wire, Some(1), "big", &[]));
                far.send(&call).await.expect("it has room");
                slow.0.pass().await;
                assert_eq!(server.peers().len(), 1, "an hour is less than an hour and a half");
                slow.0.pass().await;
                assert!(server.peers().is_empty(), "two hours are more");
            }
        });
    });
}

/// A stream that is never done with closing.
struct Endless(DuplexStream);

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Endless {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

/// The other end is told by whatever the system does about a stream that is dropped.
#[test]
fn a_transport_that_never_closes_is_left() {
    beside(|| {
        block_on(async {
            for wire in BOTH {
                let slow = Slow::default();
                let server = Server::new(service()).limits(limits());
                let server = server.runtime(Arc::new(slow.clone())).start();
                let (left, right) = tokio::io::duplex(4096);
                server.listen_on(Ready::new(connection(right, PeerAddress::Memory)));
                let runtime = Arc::new(slow.clone());
                let client =
                    raw::client(connection(Endless(left), PeerAddress::Memory), wire, |client| {
                        client.limits(limits()).runtime(runtime)
                    });
                let client = client.await;
                assert_eq!(client.call::<_, i64>("add", (2, 3)).await.expect("it is served"), 5);
                let closing = client.close();
                let time = async {
                    // What is in flight, the moment for late requests, and then the transport.
                    for _ in 0..3 {
                        slow.0.pass().await;
                    }
                };
                tokio::join!(closing, time);
                assert!(server.peers().is_empty());
            }
        });
    });
}
