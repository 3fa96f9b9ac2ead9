//! What the queue says about what was taken is compared with what left it.

use std::io::IoSlice;

use proptest::{collection::vec, prelude::*};

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A caller writes a frame of so many bytes.
    Write(usize, Kind),
    /// The session writes a frame of its own.
    Say(usize, Kind),
    /// The driver moves what callers wrote to the queue.
    Hand,
    /// The transport takes so many bytes or messages.
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let size = || prop_oneof![4 => 10..200_usize, 1 => 5_000..LARGE, 1 => LARGE..LARGE + 5000];
    let kind = || prop_oneof![Just(Kind::Call), Just(Kind::Notification)];
    prop_oneof![
        3 => (size(), kind()).prop_map(|(size, kind)| Step::Write(size, kind)),
        1 => (size(), prop_oneof![kind(), Just(Kind::Part)]).prop_map(|(size, kind)| Step::Say(size, kind)),
        2 => Just(Step::Hand),
        2 => (0..50_000_usize).prop_map(Step::Take),
    ]
}

/// Where a frame stands: in the outbox, or in the queue.
#[derive(Clone, Copy, Debug)]
struct Written {
    number: u32,
    kind: Kind,
    size: usize,
    place: Option<Place>,
}

struct Model {
    outbox: Outgoing,
    queue: Outgoing,
    /// Callers' frames, with their places in the outbox until they are handed over.
    fresh: Vec<Written>,
    handed: Vec<Written>,
    last: u32,
    /// All that left, one frame behind the other.
    left: Vec<u8>,
}

impl Model {
    fn new(shape: Shape) -> Self {
        Self {
            outbox: Outgoing::new(shape),
            queue: Outgoing::new(shape),
            fresh: Vec::new(),
            handed: Vec::new(),
            last: 0,
            left: Vec::new(),
        }
    }

    /// A frame says its number and its length.
    fn frame(&mut self, size: usize) -> Vec<u8> {
        self.last += 1;
        let mut frame = vec![0; size];
        frame[..4].copy_from_slice(&self.last.to_be_bytes());
        frame[4..8].copy_from_slice(&(size as u32).to_be_bytes());
        frame
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Write(size, kind) => {
                let frame = self.frame(size);
                let segments = self.outbox.segments();
                let start = self.outbox.encode().len();
                self.outbox.encode().extend_from_slice(&frame);
                self.outbox.commit(start, Lane::DUPLEX, kind, None);
                let place = Some(self.outbox.place(start, segments));
                self.fresh.push(Written { number: self.last, kind, size, place });
            }
            Step::Say(size, kind) => {
                let frame = self.frame(size);
                let start = self.queue.encode().len();
                self.queue.encode().extend_from_slice(&frame);
                self.queue.commit(start, Lane::DUPLEX, kind, None);
            }
            Step::Hand => {
                let base = self.queue.append(&mut self.outbox);
                for mut written in self.fresh.drain(..) {
                    written.place = written.place.map(|place| match place {
                        Place::Small(at) => Place::Small(base.small + at),
                        Place::Large(number) => Place::Large(base.large + number),
                    });
                    self.handed.push(written);
                }
            }
            Step::Take(count) if self.queue.shape == Shape::Stream => {
                let mut count = count;
                while count > 0 && !self.queue.is_empty() {
                    let bytes = self.queue.bytes();
                    assert!(!bytes.is_empty(), "the queue is not empty and has no bytes");
                    // A write of one part, or of several at once.
                    let mut slices = [IoSlice::new(&[]); 4];
                    let parts = if count % 2 == 0 { self.queue.slices(&mut slices) } else { 0 };
                    let chosen = match parts {
                        0 => vec![bytes],
                        _ => slices[..parts].iter().map(|part| &part[..]).collect(),
                    };
                    let mut taken = 0;
                    for part in chosen {
                        let part = &part[..part.len().min(count - taken)];
                        self.left.extend_from_slice(part);
                        taken += part.len();
                    }
                    self.queue.advance(taken);
                    count -= taken;
                }
            }
            Step::Take(count) => {
                for step in 0..count / 1000 {
                    if step % 2 == 0 {
                        // What is looked at stays there until it is dropped.
                        match self.queue.peek() {
                            None => break,
                            Some(Peeked::Frame { bytes, .. }) => self.left.extend_from_slice(bytes),
                            Some(Peeked::Ended(..)) => unreachable!("no lane ends"),
                        }
                        self.queue.drop_first();
                        continue;
                    }
                    match self.queue.pop() {
                        None => break,
                        Some(Taken::Frame(frame)) => self.left.extend_from_slice(&frame.bytes),
                        Some(Taken::Ended(..)) => unreachable!("no lane ends"),
                    }
                }
            }
        }
    }

    /// The numbers of the frames that left, with where each began.
    fn order(&self) -> Vec<(u32, usize)> {
        let (mut order, mut at) = (Vec::new(), 0);
        while let Some(head) = self.left.get(at..at + 8) {
            let number = |at| u32::from_be_bytes([0, 1, 2, 3].map(|index: usize| head[at + index]));
            order.push((number(0), at));
            at += number(4) as usize;
        }
        order
    }
}

proptest! {
    #[test]
    fn what_was_taken_is_what_left(steps in vec(step(), 1..60), stream in any::<bool>()) {
        let mut model = Model::new(if stream { Shape::Stream } else { Shape::Messages });
        // What the queue said about each frame, and how many bytes had left by then.
        let mut said: Vec<(Written, usize, bool)> = Vec::new();
        for step in steps.into_iter().chain([Step::Hand, Step::Take(usize::MAX)]) {
            model.step(step);
            prop_assert_eq!(model.queue.taken(), model.left.len() as u64);
            for &written in &model.handed {
                let taken = model.queue.was_taken(written.place.expect("a place"));
                said.push((written, model.left.len(), taken));
            }
        }
        prop_assert!(model.queue.is_empty());
        prop_assert_eq!(model.queue.len(), 0);
        let order = model.order();
        prop_assert_eq!(order.len(), model.last as usize);
        let begins: std::collections::HashMap<_, _> = order.iter().copied().collect();
        for (written, left, taken) in said {
            // A small notification behind a large one has no place of its own: nobody asks.
            if written.kind == Kind::Call {
                prop_assert_eq!(taken, begins[&written.number] < left, "{:?}", written);
            }
        }
        // Notifications of callers leave in the order in which they were made, and so do calls
        // that are not large.
        let position = |number| order.iter().position(|&(other, _)| other == number);
        let in_order = |wanted: &dyn Fn(&Written) -> bool| {
            let kept = model.handed.iter().filter(|written| wanted(written));
            kept.map(|written| position(written.number)).is_sorted()
        };
        prop_assert!(in_order(&|written| written.kind == Kind::Notification));
        prop_assert!(in_order(&|written| written.kind == Kind::Call && written.size < LARGE));
        prop_assert!(in_order(&|written| written.kind == Kind::Call && written.size >= LARGE));
    }
}

#[test]
fn small_frames_overtake_a_segment_until_it_is_begun() {
    let mut model = Model::new(Shape::Stream);
    for step in [
        Step::Write(LARGE, Kind::Call),
        Step::Write(10, Kind::Call),
        Step::Hand,
        Step::Take(11),
        Step::Write(20, Kind::Call),
        Step::Hand,
        Step::Take(usize::MAX),
    ] {
        model.step(step);
    }
    assert_eq!(model.order(), [(2, 0), (1, 10), (3, 10 + LARGE)]);
}

#[test]
fn a_lane_ends_behind_its_frame() {
    for size in [10, LARGE] {
        let mut queue = Outgoing::new(Shape::Exchange);
        let start = queue.encode().len();
        queue.encode().extend_from_slice(&vec![7; size]);
        queue.commit(start, Lane(1), Kind::Call, Some(Ended::Answered));
        queue.end_lane(Lane(2), Ended::Silent);
        let mut taken = Vec::new();
        while let Some(next) = queue.pop() {
            taken.push(match next {
                Taken::Frame(frame) => (frame.lane, Err(frame.bytes.len())),
                Taken::Ended(lane, how) => (lane, Ok(how)),
            });
        }
        let of = |lane| taken.iter().filter(move |(other, _)| *other == Lane(lane));
        assert!(of(1).map(|(_, what)| *what).eq([Err(size), Ok(Ended::Answered)]));
        assert!(of(2).map(|(_, what)| *what).eq([Ok(Ended::Silent)]));
        assert!(queue.is_empty());
    }
}

#[test]
fn a_notification_is_as_any_other_when_the_large_one_before_it_is_gone() {
    let mut model = Model::new(Shape::Stream);
    let mut note = |size| {
        model.step(Step::Write(size, Kind::Notification));
        model.step(Step::Hand);
        let large = model.queue.large.len();
        model.step(Step::Take(usize::MAX));
        large
    };
    assert_eq!(note(LARGE), 1);
    assert_eq!([note(10), note(10), note(10)], [0, 0, 0]);
}

#[test]
fn a_buffer_that_grew_is_given_back() {
    let mut queue = Outgoing::new(Shape::Stream);
    for _ in 0..20_000 {
        let start = queue.encode().len();
        queue.encode().extend_from_slice(&[1; 100]);
        queue.commit(start, Lane::DUPLEX, Kind::Call, None);
    }
    assert_eq!(queue.len(), 2_000_000);
    queue.advance(2_000_000);
    assert!(queue.is_empty());
    assert!(queue.bytes.capacity() <= KEPT);
}

/// What is taken leaves room for what comes, also where something always waits.
#[test]
fn a_peer_that_is_always_late_costs_no_more_than_what_waits() {
    const FRAME: usize = 1_000;
    const WAITING: usize = 200;
    for shape in [Shape::Stream, Shape::Messages] {
        let mut model = Model::new(shape);
        for _ in 0..WAITING {
            model.step(Step::Say(FRAME, Kind::Call));
        }
        for _ in 0..10_000 {
            model.step(Step::Say(FRAME, Kind::Call));
            model.step(Step::Take(FRAME));
            assert_eq!(model.queue.len(), WAITING * FRAME);
            assert_eq!(model.queue.taken(), model.left.len() as u64);
        }
        // The waiting and half as much that was taken, in a buffer that doubles while it grows.
        assert!(model.queue.bytes.capacity() <= 3 * WAITING * FRAME, "{shape:?}");
        model.step(Step::Take(usize::MAX));
        assert!(model.order().into_iter().map(|(number, _)| number).eq(1..=model.last));
    }
}
