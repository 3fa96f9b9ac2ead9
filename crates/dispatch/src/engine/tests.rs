//! Turns of an engine in a loop of one's own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use tinyrpc_core::{Incoming, Limits, Outcome, Protocol, Role, Settings, Shape};
use tinyrpc_protocols::JsonRpc;

use super::Engine;
use crate::{Dispatcher, testing::poll};

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

fn settings(role: Role) -> Settings {
    let protocols: Vec<Arc<dyn Protocol>> = vec![Arc::new(JsonRpc)];
    Settings::new(role, Shape::Stream, protocols)
}

/// Takes everything that waits to be sent; how much it was.
fn take(engine: &mut Engine) -> usize {
    let outgoing = engine.session().outgoing();
    let mut taken = 0;
    while !outgoing.bytes().is_empty() {
        let count = outgoing.bytes().len();
        outgoing.advance(count);
        taken += count;
    }
    taken
}

fn requests(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|id| {
            format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"echo\",\"params\":[\"{}\"]}}\n",
                "x".repeat(100)
            )
            .into_bytes()
        })
        .collect()
}

fn echo() -> Dispatcher {
    Dispatcher::new().method("echo", |text: String| text)
}

/// Turns until the engine wants no more of them; how many bytes it sent.
fn run(engine: &mut Engine, incoming: &mut Incoming) -> usize {
    let flag = Arc::<Flag>::default();
    let waker = Waker::from(Arc::clone(&flag));
    let mut cx = Context::from_waker(&waker);
    let mut sent = 0;
    for _ in 0..1000 {
        engine.turn(incoming, 0, &mut cx);
        sent += take(engine);
        engine.sent(&mut cx);
        if !flag.0.swap(false, SeqCst) {
            return sent;
        }
    }
    panic!("it wants turns for ever");
}

#[test]
fn it_says_when_it_wants_another_turn() {
    // What a turn does is bounded, and so is what waits to be sent: both stand in the way here.
    let limits = Arc::new(Limits { max_outgoing: 4 << 10, ..Limits::default() });
    let mut engine = Engine::open(Settings { limits, ..settings(Role::Server) }, echo());
    let mut incoming = Incoming::new();
    incoming.buffer().extend_from_slice(&requests(2000));
    let sent = run(&mut engine, &mut incoming);
    assert!(incoming.is_empty() && sent > 2000 * 100, "{sent} bytes");
    assert_eq!(engine.session().counters().refused, 0);
    assert_eq!(run(&mut engine, &mut incoming), 0);
}

#[test]
fn callers_of_an_engine_that_is_dropped_are_not_left_waiting() {
    let mut engine = Engine::open(settings(Role::Client), Dispatcher::new());
    let caller = engine.scope().caller.clone();
    let mut sent = caller.call::<_, String>("echo", ("x",));
    assert!(poll(&mut sent).is_pending());
    let mut incoming = Incoming::new();
    engine.turn(&mut incoming, 0, &mut Context::from_waker(Waker::noop()));
    assert!(take(&mut engine) > 0);
    let mut queued = caller.call::<_, String>("echo", ("x",));
    assert!(poll(&mut queued).is_pending());
    drop(engine);
    for (call, outcome) in [(&mut sent, Outcome::Unknown), (&mut queued, Outcome::NotExecuted)] {
        let Poll::Ready(Err(error)) = poll(call) else { panic!("it waits") };
        assert_eq!(error.outcome(), outcome, "{error}");
    }
}

#[test]
fn time_is_a_number() {
    let mut engine = Engine::open(settings(Role::Client), Dispatcher::new());
    let caller = engine.scope().caller.clone();
    let mut call =
        caller.call::<_, String>("echo", ("x",)).timeout(std::time::Duration::from_millis(5));
    assert!(poll(&mut call).is_pending());
    let mut incoming = Incoming::new();
    let mut turn = |now| {
        let next = engine.turn(&mut incoming, now, &mut Context::from_waker(Waker::noop()));
        take(&mut engine);
        next
    };
    assert_eq!(turn(1_000), Some(6_000));
    turn(5_999);
    assert!(poll(&mut call).is_pending());
    turn(6_000);
    let Poll::Ready(Err(error)) = poll(&mut call) else { panic!("it waits") };
    assert!(error.is_timeout(), "{error}");
}
