//! What a call costs the allocator. Alone in its file, because other tests would be counted too.

use std::{
    alloc::System,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tinyrpc_core::{
    Frame, Hint, Incoming, Lane, PeerAddress, Protocol, ReplyTo, Request, Role, Runtime, Serve,
    Session, Settings, Shape, Task, Ticket,
};
use tinyrpc_dispatch::{
    Dispatcher, Invocation, Scope, Service,
    layers::{ConcurrencyLayer, HooksLayer, TimeoutLayer, TraceLayer},
};
use tinyrpc_protocols::{JsonRpc, MsgPackRpc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Begins the same request many times, and counts.
struct Counting<'a> {
    service: &'a dyn Service,
    scope: Arc<Scope>,
    allocations: usize,
}

impl Serve for Counting<'_> {
    type Pending = ();

    fn start(&mut self, request: &Request<'_>, reply: &mut ReplyTo<'_>) -> Option<()> {
        let mut begin = || {
            reply.reset();
            let started = self.service.start(
                &mut Invocation::new(request, &self.scope, &mut Context::from_waker(Waker::noop())),
                reply,
            );
            drop(started);
        };
        // The first one makes room for the answer and for the future.
        begin();
        // The thread that waits for this test allocates a little at a time of its own.
        let rounds = (0..ROUNDS).map(|_| {
            let region = Region::new(ALLOCATOR);
            (0..CALLS).for_each(|_| begin());
            region.change().allocations
        });
        self.allocations = rounds.min().expect("some rounds");
        None
    }

    fn pending(&mut self, _: Ticket, (): ()) {}

    fn cancelled(&mut self, _: Ticket) {}
}

const CALLS: usize = 100;
const ROUNDS: usize = 3;

struct NoClock;

impl Runtime for NoClock {
    fn spawn(&self, _: Task) {}

    fn spawn_blocking(&self, _: Box<dyn FnOnce() + Send>) {}

    fn sleep_until(&self, _: u64) -> Task {
        Box::pin(std::future::pending())
    }

    fn now(&self) -> u64 {
        0
    }
}

#[track_caller]
fn check(service: &dyn Service, message: &[u8], expected: usize) {
    let protocol: Arc<dyn Protocol> =
        if message[0] == b'{' { Arc::new(JsonRpc) } else { Arc::new(MsgPackRpc) };
    let mut session = Session::new(Settings::new(Role::Server, Shape::Exchange, vec![protocol]));
    let scope = Scope::new(PeerAddress::Memory, session.caller(), Some(Arc::new(NoClock)));
    let mut incoming = Incoming::new();
    let bytes = message.to_vec().into();
    incoming.push(Frame { lane: Lane(1), bytes, hint: Hint::None });
    let mut counting = Counting { service, scope: Arc::new(scope), allocations: usize::MAX };
    session.handle(&mut incoming, &mut counting);
    assert_eq!(counting.allocations, expected * CALLS, "{}", message.escape_ascii());
}

#[test]
fn calls_that_are_ready_cost_no_allocation() {
    let dispatcher = Dispatcher::new()
        .method("add", |a: i64, b: i64| a + b)
        .params(["a", "b"])
        .method("wait", async |a: i64, b: i64| a + b)
        .method("text", |text: String| text)
        .method("never", async |_: i64, _: i64| std::future::pending::<()>().await);
    let nested = Dispatcher::new().nest("math.", dispatcher.clone());
    let layered = dispatcher
        .clone()
        .layer(ConcurrencyLayer::new(2))
        .layer(TimeoutLayer::new(Duration::from_secs(1)))
        .layer(TraceLayer::new())
        .layer(HooksLayer::new().before(|_| Ok(())).after(|_| ()).map_error(|error| error));
    let live = Dispatcher::new().method("add", |a: i64, b: i64| a + b);
    live.handle().try_insert("more", || 1).expect("a free name");

    let json = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#).into_bytes()
    };
    let msgpack = |method: &str, params: &[u8]| {
        let mut message = vec![0x94, 0, 1, 0xa0 + method.len() as u8];
        message.extend_from_slice(method.as_bytes());
        message.extend_from_slice(params);
        message
    };
    for service in [&dispatcher as &dyn Service, &layered] {
        for method in ["add", "wait"] {
            check(service, &json(method, "[2,3]"), 0);
            check(service, &msgpack(method, &[0x92, 2, 3]), 0);
        }
        check(service, &json("add", r#"{"b":2,"a":3}"#), 0);
        check(service, &msgpack("add", b"\x91\x82\xa1a\x02\xa1b\x03"), 0);
        // The text itself.
        check(service, &json("text", r#"["hello"]"#), 1);
    }
    check(&nested, &json("math.add", "[2,3]"), 0);
    check(&live, &json("add", "[2,3]"), 0);
    // One for the answer to come; the handler's own future has its place already.
    check(&dispatcher, &json("never", "[2,3]"), 1);
}
