//! A connection that is cut behind any byte, each way: every call ends once, and what its caller is
//! told is what an onlooker at the line would say.
//!
//! A call was answered where its whole answer was delivered; else it was certainly not executed
//! where no byte of its frame was taken; else nobody can know.

use std::collections::HashMap;

use proptest::prelude::*;
use serde::de::IgnoredAny;
use tinyrpc_core::{Error, Outcome, Reason, Shape};

use crate::support::{Pair, Promise, Setup, pair::Side};

/// Where the cuts are; of the client's direction first, then of the server's.
#[derive(Clone, Copy, Debug)]
struct Cuts {
    /// How many bytes are taken.
    taken: [usize; 2],
    /// How many of those are lost on the way.
    lost: [usize; 2],
    /// How many move in a step.
    slice: usize,
    /// Among the calls is one that is a segment of its own.
    large: bool,
    end: End,
}

/// What happens when nothing moves any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Both sides lose the connection.
    Lost,
    /// The client hears that the server sends no more; what waited is delivered.
    Ended,
    /// The client closes; what waited is delivered.
    Closed,
}

/// One direction.
#[derive(Debug, Default)]
struct Line {
    /// What the transport took, all of it.
    taken: Vec<u8>,
    delivered: usize,
    most_taken: usize,
    most_delivered: usize,
    /// The rest of a frame that was taken in part.
    rest: Vec<u8>,
}

type Answers = Vec<(u64, Result<IgnoredAny, Error>)>;

/// Two sides, the lines between them, and what was asked.
struct World {
    pair: Pair,
    lines: [Line; 2],
    asked: Vec<Promise<Answers>>,
    last: u64,
}

const UNCUT: Cuts =
    Cuts { taken: [usize::MAX; 2], lost: [0; 2], slice: usize::MAX, large: true, end: End::Lost };

impl World {
    fn new(cuts: Cuts) -> Self {
        let line = |index: usize| Line {
            most_taken: cuts.taken[index],
            most_delivered: cuts.taken[index].saturating_sub(cuts.lost[index]),
            ..Line::default()
        };
        let pair = Setup::shape(Shape::Stream).limits(|limits| limits.max_calls = 8).pair();
        let mut world = Self { pair, lines: [line(0), line(1)], asked: Vec::new(), last: 100 };
        for by_client in [true, false] {
            world.ask(by_client, cuts.large);
        }
        world
    }

    /// Calls of all kinds; some of them have to wait for their turn.
    fn ask(&mut self, by_client: bool, large: bool) {
        let text = "x".repeat(40);
        for method in ["echo", "fail", "hold", "mute"] {
            self.call(by_client, method, &text);
        }
        self.batch(by_client);
        self.call(by_client, "echo", &"y".repeat(if large { 33_000 } else { 33 }));
        for method in ["echo", "hold", "echo"] {
            self.call(by_client, method, "z");
        }
    }

    fn call(&mut self, by_client: bool, method: &'static str, text: &str) {
        let side = if by_client { &self.pair.client } else { &self.pair.server };
        let (caller, number, text) = (side.caller(), self.last, text.to_owned());
        self.last += 1;
        self.asked.push(self.pair.tasks.spawn(async move {
            let answer = caller.call(method, (number, text)).await;
            vec![(number, answer)]
        }));
    }

    fn batch(&mut self, by_client: bool) {
        let side = if by_client { &self.pair.client } else { &self.pair.server };
        let (caller, first) = (side.caller(), self.last);
        self.last += 2;
        self.asked.push(self.pair.tasks.spawn(async move {
            let mut batch = caller.batch();
            let items = ["echo", "hold"].map(|method| {
                let number = first + u64::from(method == "hold");
                (number, batch.call(method, (number,)).unwrap())
            });
            batch.notify("note", ()).unwrap();
            match batch.send().await {
                Ok(mut answers) => items.map(|(number, item)| (number, answers.take(item))).into(),
                Err(error) => items.map(|(number, _)| (number, Err(error.clone()))).into(),
            }
        }));
    }

    /// Lets everything happen that the cuts allow.
    fn run(&mut self, slice: usize) {
        loop {
            self.pair.turn();
            let Pair { client, server, .. } = &mut self.pair;
            let [there, back] = &mut self.lines;
            let moved = [there.carry(client, server, slice), back.carry(server, client, slice)];
            if moved == [false; 2] && !self.pair.tasks.run() && !self.finish_one() {
                return;
            }
        }
    }

    /// Answers one request that goes on.
    fn finish_one(&mut self) -> bool {
        let Pair { client, server, .. } = &mut self.pair;
        let held = [client, server].into_iter().find(|side| !side.script.pending.is_empty());
        held.map(|side| side.finish("held")).is_some()
    }

    fn end(&mut self, end: End) {
        for (line, side) in
            self.lines.iter_mut().zip([&mut self.pair.client, &mut self.pair.server])
        {
            line.note_rest(side);
        }
        let reason = || Reason::Closed("cut".into());
        match end {
            End::Lost => self.pair.lose(),
            End::Ended => self.pair.client.session.end(reason()),
            End::Closed => self.pair.client.session.close(reason()),
        }
        if end != End::Lost {
            // What the client still sends arrives; it hears nothing.
            self.pair.tasks.run();
            self.lines[0].most_taken = usize::MAX;
            self.lines[0].most_delivered = usize::MAX;
            self.lines[1].most_taken = self.lines[1].taken.len();
            self.lines[1].most_delivered = self.lines[1].delivered;
            self.run(usize::MAX);
            self.pair.server.session.lose(reason());
        }
        self.pair.tasks.run();
    }
}

impl Line {
    /// Moves a slice into the transport, and one out of it; true if anything moved.
    fn carry(&mut self, from: &mut Side, to: &mut Side, slice: usize) -> bool {
        let out = from.session.outgoing();
        let count = out.bytes().len().min(slice).min(self.most_taken - self.taken.len());
        self.taken.extend_from_slice(&out.bytes()[..count]);
        out.advance(count);
        from.session.sent();
        let end =
            self.taken.len().min(self.most_delivered).min(self.delivered.saturating_add(slice));
        let fresh = self.taken.get(self.delivered..end).unwrap_or_default();
        to.incoming.buffer().extend_from_slice(fresh);
        let moved = count > 0 || !fresh.is_empty();
        self.delivered = self.delivered.max(end);
        moved
    }

    /// A frame that was taken in part is known by the whole of it.
    fn note_rest(&mut self, side: &mut Side) {
        self.rest = side.session.outgoing().bytes().to_vec();
    }

    /// The numbers of the calls whose frames were begun, with their ids.
    fn begun(&self) -> HashMap<u64, String> {
        let whole = [&*self.taken, &*self.rest].concat();
        let begun = frames(&whole).take_while(|(start, _)| *start < self.taken.len());
        let records = begun.flat_map(|(_, frame)| records(frame));
        records.filter_map(|record| request(&record)).collect()
    }

    /// The ids of the calls whose answers were delivered.
    fn answered(&self) -> Vec<String> {
        let records = frames(&self.taken[..self.delivered]).flat_map(|(_, frame)| records(frame));
        records.filter_map(|record| response(&record)).collect()
    }
}

/// The whole frames of a stream, with where each begins.
fn frames(stream: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let head = stream.get(at..at + 4)?;
        let length = u32::from_be_bytes(head.try_into().ok()?) as usize;
        let frame = stream.get(at + 4..at + 4 + length)?;
        at += 4 + length;
        Some((at - 4 - length, frame))
    })
}

/// The messages of a frame, as the fields of each.
fn records(frame: &[u8]) -> Vec<Vec<String>> {
    let text = String::from_utf8_lossy(frame);
    let text = text.strip_prefix("=b").unwrap_or(&text);
    let fields = |record: &str| record.split('\x1f').map(str::to_owned).collect();
    text.split('\x1e').map(fields).collect()
}

/// Number and id of a call.
fn request(fields: &[String]) -> Option<(u64, String)> {
    let id = fields[0].strip_prefix("=q")?;
    let number = fields[4].trim_start_matches('[').split([',', ']']).next()?;
    Some((number.parse().ok()?, id.to_owned()))
}

/// The id of an answer.
fn response(fields: &[String]) -> Option<String> {
    let id = fields[0].strip_prefix("=r").or_else(|| fields[0].strip_prefix("=e"))?;
    Some(id.to_owned())
}

fn check(cuts: Cuts) {
    let mut world = World::new(cuts);
    world.run(cuts.slice);
    world.end(cuts.end);
    let World { pair, lines, asked, .. } = world;
    let begun = lines.each_ref().map(Line::begun);
    let answered = lines.each_ref().map(Line::answered);
    for (index, promise) in asked.iter().enumerate() {
        let (caller, callee, side) = match index < asked.len() / 2 {
            true => (0, 1, &pair.server),
            false => (1, 0, &pair.client),
        };
        for (number, answer) in promise.take() {
            let expected = match begun[caller].get(&number) {
                Some(id) if answered[callee].contains(id) => Outcome::Answered,
                Some(_) => Outcome::Unknown,
                None => Outcome::NotExecuted,
            };
            let outcome = answer.as_ref().map_or_else(Error::outcome, |_| Outcome::Answered);
            let mark = format!("[{number}");
            let started = side.script.started.iter().filter(|one| one.contains(&mark)).count();
            let fine = match outcome {
                Outcome::Answered => started == 1,
                Outcome::NotExecuted => started == 0,
                Outcome::Unknown => started <= 1,
            };
            assert!(fine, "{cuts:?}: call {number} is {outcome:?}, and was begun {started} times");
            // A side that ends in order still sends what it has, so its callers are told less.
            if cuts.end == End::Lost || outcome == Outcome::Answered {
                assert_eq!(outcome, expected, "{cuts:?}: call {number}: {answer:?}");
            }
        }
    }
    for side in [&pair.client, &pair.server] {
        assert_eq!(side.caller().in_flight(), 0, "{cuts:?}");
    }
}

/// How many bytes go each way when nothing is cut.
fn lengths(large: bool) -> [usize; 2] {
    let mut world = World::new(Cuts { large, ..UNCUT });
    world.run(usize::MAX);
    world.lines.map(|line| line.taken.len())
}

#[test]
fn nothing_is_cut() {
    let mut world = World::new(UNCUT);
    world.run(7);
    let answers: Answers = world.asked.iter().flat_map(Promise::take).collect();
    assert_eq!(answers.len(), 20);
    for (number, answer) in answers {
        let outcome = answer.as_ref().map_or_else(Error::outcome, |_| Outcome::Answered);
        assert_eq!(outcome, Outcome::Answered, "{number}: {answer:?}");
    }
}

/// Every byte of small frames, and some of large ones.
#[test]
fn behind_any_byte_of_either_direction() {
    for (large, step) in [(false, 1), (true, 499)] {
        let lengths = lengths(large);
        for direction in [0, 1] {
            for at in (0..lengths[direction]).step_by(step) {
                for end in [End::Lost, End::Ended, End::Closed] {
                    let mut cuts = Cuts { large, end, ..UNCUT };
                    cuts.taken[direction] = at;
                    check(cuts);
                }
            }
        }
    }
}

proptest! {
    /// Both directions at once, with bytes that were taken and never delivered.
    #[test]
    fn behind_any_two(
        taken in [0..1500_usize, 0..1500_usize],
        lost in [prop_oneof![Just(0), 0..200_usize], prop_oneof![Just(0), 0..200_usize]],
        slice in prop_oneof![1..8_usize, 1..500_usize, Just(usize::MAX)],
        end in prop_oneof![Just(End::Lost), Just(End::Ended), Just(End::Closed)],
    ) {
        check(Cuts { taken, lost, slice, end, large: false });
    }

    #[test]
    fn behind_any_two_with_large_frames(
        taken in [0..70_000_usize, 0..70_000_usize],
        lost in [0..40_000_usize, 0..40_000_usize],
        slice in 500..5000_usize,
        end in prop_oneof![Just(End::Lost), Just(End::Ended), Just(End::Closed)],
    ) {
        check(Cuts { taken, lost, slice, end, large: true });
    }
}
