//! Two sessions that flood each other with calls, nested ones among them, come to an end: the
//! same in every run, at the smallest limits and byte by byte.

use std::{cell::RefCell, rc::Rc, task::Waker};

use tinyrpc_core::{Caller, Error, Limits, ReplyTo, Request, Serve, Shape, Ticket, Turn};

use crate::support::{Promise, Setup, Side, Tasks};

/// Answers `leaf` at once and `nest` with the sum of what the peer answers to one level less.
struct Nesting {
    caller: Caller,
    running: Vec<(Ticket, Promise<Result<u32, Error>>)>,
    tasks: Rc<RefCell<Tasks>>,
    most: usize,
}

impl Serve for Nesting {
    type Pending = u32;

    fn start(&mut self, request: &Request<'_>, reply: &mut ReplyTo<'_>) -> Option<u32> {
        let (depth,): (u32,) = request.params.decode().expect("a depth");
        if depth == 0 {
            reply.result(&0);
            return None;
        }
        Some(depth)
    }

    fn pending(&mut self, ticket: Ticket, depth: u32) {
        let caller = self.caller.nested();
        let nested = self.tasks.borrow_mut().spawn(async move {
            let below: u32 = caller.call("nest", (depth - 1,)).await?;
            Ok(below + 1)
        });
        self.running.push((ticket, nested));
        self.most = self.most.max(self.running.len());
    }

    fn cancelled(&mut self, _ticket: Ticket) {
        unreachable!("nobody cancels");
    }
}

struct Half {
    side: Side,
    serve: Nesting,
}

impl Half {
    fn turn(&mut self, now: u64) {
        let session = &mut self.side.session;
        while session.handle(&mut self.side.incoming, &mut self.serve) == Turn::More {}
        let (done, running) =
            self.serve.running.drain(..).partition(|(_, nested)| !nested.is_pending());
        self.serve.running = running;
        let done: Vec<(Ticket, Promise<Result<u32, Error>>)> = done;
        for (ticket, nested) in done {
            match nested.take() {
                Ok(depth) => session.finish(ticket, |reply| reply.result(&depth)),
                Err(error) => panic!("a nested call failed: {error}"),
            }
        }
        session.turn(now, Waker::noop());
    }
}

/// Floods and gives a fingerprint of the run: steps, bytes each way, most requests at once.
fn flood(setup: Setup, calls: u32, depth: u32, bytes: usize) -> (usize, usize, usize, usize) {
    let pair = setup.pair();
    let tasks = Rc::new(RefCell::new(Tasks::default()));
    let mut halves = [pair.client, pair.server].map(|side| {
        let serve = Nesting {
            caller: side.caller(),
            running: Vec::new(),
            tasks: Rc::clone(&tasks),
            most: 0,
        };
        Half { side, serve }
    });
    let mut roots = Vec::new();
    for half in &halves {
        for index in 0..calls {
            let caller = half.side.caller();
            let depth = index % (depth + 1);
            let call = async move { caller.call::<_, u32>("nest", (depth,)).await };
            roots.push((depth, tasks.borrow_mut().spawn(call)));
        }
    }
    let mut steps = 0;
    let mut rest = 0;
    while rest < 4 {
        steps += 1;
        rest += 1;
        let woken = tasks.borrow_mut().run();
        rest = if woken { 0 } else { rest };
        for half in &mut halves {
            half.turn(1_000_000 + steps as u64);
            assert!(!half.side.session.is_closing(), "{}", half.side.session.reason());
        }
        let [one, two] = &mut halves;
        let moved = [
            crate::support::pair::carry(&mut one.side, &mut two.side, usize::MAX, bytes),
            crate::support::pair::carry(&mut two.side, &mut one.side, usize::MAX, bytes),
        ];
        rest = if moved.contains(&true) { 0 } else { rest };
    }
    let open = roots.iter().filter(|(_, call)| call.is_pending()).count();
    assert_eq!(open, 0, "{open} calls of {} wait for ever", roots.len());
    for (depth, call) in roots {
        assert_eq!(call.ok(), depth);
    }
    let [one, two] = halves;
    assert_eq!(one.side.session.running() + two.side.session.running(), 0);
    assert_eq!(one.side.caller().in_flight() + two.side.caller().in_flight(), 0);
    assert_eq!(one.side.session.counters(), two.side.session.counters());
    (steps, one.side.sent, two.side.sent, one.serve.most.max(two.serve.most))
}

#[test]
fn ten_thousand_nested_calls_each_way_at_the_smallest_limits() {
    let run = || {
        let setup = Setup::default().limits(|limits| *limits = Limits::smallest());
        flood(setup, 10_000, 5, usize::MAX)
    };
    let (steps, there, back, most) = run();
    assert!(most <= 16, "{most} requests at once");
    assert_eq!((steps, there, back, most), run(), "two runs differ");
}

#[test]
fn as_deep_as_calls_may_nest() {
    let setup = Setup::default().limits(|limits| *limits = Limits::smallest());
    flood(setup, 200, Limits::smallest().max_nesting, usize::MAX);
}

#[test]
fn in_a_trickle_of_bytes() {
    for bytes in [1, 100] {
        let setup = Setup::shape(Shape::Stream).limits(|limits| *limits = Limits::smallest());
        flood(setup, 300, 4, bytes);
    }
}

#[test]
fn at_the_default_limits() {
    flood(Setup::default(), 10_000, 3, usize::MAX);
    flood(Setup::shape(Shape::Stream), 3000, 3, 10_000);
}

#[test]
fn with_uneven_limits() {
    // Nobody makes more calls at once than the other one takes.
    let mut setup = Setup { client: Limits::smallest(), ..Setup::default() };
    setup.server.max_calls = 1;
    flood(setup.clone(), 1000, 3, usize::MAX);
    (setup.client.max_calls, setup.client.max_requests) = (2, 7);
    (setup.server.max_calls, setup.server.max_requests) = (7, 7);
    flood(setup, 1000, 3, usize::MAX);
}
