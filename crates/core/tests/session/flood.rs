//! Two sessions that flood each other with calls, nested ones among them, come to an end: the
//! same in every run, at the smallest limits and byte by byte.

use std::{cell::RefCell, rc::Rc, task::Waker};

use tinyrpc_core::{
    Caller, Error, Id, Lane, Limits, Message, Meta, ReplyTo, Request, Serve, Shape, Ticket, Turn,
};

use crate::support::{Chance, Identity, Promise, Setup, Side, Tasks, identity::json, pair::carry};

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

/// Two halves over one connection, and the tasks of both.
fn halves(setup: Setup) -> ([Half; 2], Rc<RefCell<Tasks>>) {
    let pair = setup.pair();
    let tasks = Rc::new(RefCell::new(Tasks::default()));
    let halves = [pair.client, pair.server].map(|side| {
        let serve = Nesting {
            caller: side.caller(),
            running: Vec::new(),
            tasks: Rc::clone(&tasks),
            most: 0,
        };
        Half { side, serve }
    });
    (halves, tasks)
}

/// Floods and gives a fingerprint of the run: steps, bytes each way, most requests at once.
fn flood(setup: Setup, calls: u32, depth: u32, bytes: usize) -> (usize, usize, usize, usize) {
    let (mut halves, tasks) = halves(setup);
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
            carry(&mut one.side, &mut two.side, usize::MAX, bytes),
            carry(&mut two.side, &mut one.side, usize::MAX, bytes),
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

/// 256 chains of A to B to A at the smallest limits, with tasks, sides and parts of messages in an
/// order of chance: they come to their end, whatever the order is.
fn chains(seed: u64, shape: Shape) {
    let setup = Setup::shape(shape).limits(|limits| *limits = Limits::smallest());
    let (mut halves, tasks) = halves(setup);
    let chance = &mut Chance::new(seed);
    let roots: Vec<_> = (0..256)
        .map(|index| {
            let caller = halves[index % 2].side.caller();
            let call = async move { caller.call::<_, u32>("nest", (8_u32,)).await };
            tasks.borrow_mut().spawn(call)
        })
        .collect();
    let mut idle = 0;
    for step in 0_u64.. {
        let mut busy = tasks.borrow_mut().run_by(chance);
        halves[chance.below(2)].turn(1_000_000 + step);
        let [one, two] = &mut halves;
        let (from, to) = if chance.below(2) == 0 { (one, two) } else { (two, one) };
        busy |= carry(&mut from.side, &mut to.side, chance.below(5), chance.below(200));
        idle = if busy || tasks.borrow().has_woken() { 0 } else { idle + 1 };
        if idle == 64 {
            break;
        }
    }
    let open = roots.iter().filter(|call| call.is_pending()).count();
    assert_eq!(open, 0, "seed {seed}: {open} chains wait for ever");
    roots.iter().for_each(|call| assert_eq!(call.ok(), 8, "seed {seed}"));
    for half in &halves {
        assert_eq!(half.side.session.running() + half.side.caller().in_flight(), 0, "seed {seed}");
    }
}

#[test]
fn chains_come_to_their_end_in_any_order_of_messages() {
    (0..25).for_each(|seed| chains(seed, Shape::Messages));
}

#[test]
fn chains_come_to_their_end_in_any_order_of_bytes() {
    (500..525).for_each(|seed| chains(seed, Shape::Stream));
}

/// `cargo test --release -p tinyrpc-core --test session -- --ignored chains`
#[test]
#[ignore = "it takes minutes in a debug build"]
fn chains_come_to_their_end_by_a_thousand_seeds() {
    (0..500).for_each(|seed| chains(seed, Shape::Messages));
    (500..1_000).for_each(|seed| chains(seed, Shape::Stream));
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let codec = Identity::default();
    let mut side = Setup::default().pair().server;
    for (depth, executed) in [(0, true), (32, true), (33, false), (u32::MAX, false)] {
        let meta = Some(Box::new(Meta { depth, ..Meta::default() }));
        let id = Some(Id::Number(u64::from(depth) + 1));
        let request = Request { meta, ..Request::new(id, "note", json("[]"), Lane::DUPLEX) };
        side.receive(codec.frame(&Message::Request(request)));
        side.turn(0);
        assert_eq!(side.script.started.drain(..).count(), usize::from(executed), "{depth}");
        let answer = side.pop_all().concat();
        assert_eq!(answer.contains("`max_nesting`"), !executed, "{answer}");
        assert_eq!(answer.contains("rpc.not_executed"), !executed, "{answer}");
    }
}
