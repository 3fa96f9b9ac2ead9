//! `Back`: the calls of a server to its clients, which wait for their answers.

use std::collections::HashMap;

use lapin::types::ShortString;
use tinyrpc_core::{Hint, Lane};

use super::within::Counts;

/// INVARIANT: `numbers` has the number of every call in `calls`, and no other.
#[derive(Debug, Default)]
pub(super) struct Back {
    last: u64,
    calls: HashMap<u64, Calling>,
    numbers: HashMap<(u64, Lane), u64>,
}

#[derive(Debug)]
struct Calling {
    seat: u64,
    lane: Lane,
    /// Its message was given to the broker.
    published: bool,
    /// Of a call that streams: where its client reads, and its format.
    stream: Option<Stream>,
    counts: Counts,
}

/// Where what is said within a call goes, and in which format.
pub(super) type Stream = (ShortString, Hint);

/// Whose call it is for which something came.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) seat: u64,
    pub(super) lane: Lane,
    /// Nothing before it is missing.
    pub(super) follows: bool,
}

/// A call that nobody waits for any more.
#[derive(Debug)]
pub(super) struct Forgotten {
    pub(super) number: u64,
    pub(super) published: bool,
    pub(super) stream: Option<Stream>,
}

impl Back {
    /// A call to whoever sits on a seat; gives the number by which its answer is known.
    pub(super) fn begin(&mut self, seat: u64, lane: Lane, stream: Option<Stream>) -> u64 {
        self.last += 1;
        let (published, counts) = (false, Counts::default());
        self.calls.insert(self.last, Calling { seat, lane, published, stream, counts });
        self.numbers.insert((seat, lane), self.last);
        self.last
    }

    /// The message of a call is given to the broker now.
    pub(super) fn publish(&mut self, number: u64) {
        if let Some(call) = self.calls.get_mut(&number) {
            call.published = true;
        }
    }

    /// A call is over; gives the seat and lane of one that was waited for.
    pub(super) fn end(&mut self, number: u64) -> Option<(u64, Lane)> {
        let Calling { seat, lane, .. } = self.calls.remove(&number)?;
        self.numbers.remove(&(seat, lane));
        Some((seat, lane))
    }

    /// Nobody waits for an answer any more.
    pub(super) fn forget(&mut self, seat: u64, lane: Lane) -> Option<Forgotten> {
        let number = self.numbers.remove(&(seat, lane))?;
        let Calling { published, stream, .. } = self.calls.remove(&number)?;
        Some(Forgotten { number, published, stream })
    }

    /// Something came for a call that streams, an answer or not: its seat and lane, and whether
    /// nothing before it is missing.
    pub(super) fn hear(&mut self, number: u64, count: u64, within: bool) -> Option<Heard> {
        let call = self.calls.get_mut(&number)?;
        call.stream.as_ref()?;
        let is_counted = within || call.counts.heard > 0;
        let follows = !is_counted || call.counts.hear(count);
        Some(Heard { seat: call.seat, lane: call.lane, follows })
    }

    /// Something is said within a call that streams: its numbers, and where that goes.
    pub(super) fn say(&mut self, seat: u64, lane: Lane) -> Option<(u64, u64, Stream)> {
        let number = *self.numbers.get(&(seat, lane))?;
        let call = self.calls.get_mut(&number)?;
        let stream = call.stream.clone()?;
        Some((number, call.counts.say(), stream))
    }

    /// Where the clients read that execute calls that stream, with the numbers of these.
    pub(super) fn streams(&self) -> impl Iterator<Item = (u64, &ShortString)> {
        let calls = self.calls.iter();
        calls.filter_map(|(number, call)| Some((*number, &call.stream.as_ref()?.0)))
    }

    /// A seat is given up.
    pub(super) fn leave(&mut self, seat: u64) {
        self.calls.retain(|_, call| call.seat != seat);
        self.numbers.retain(|(of, _), _| *of != seat);
    }

    /// The queue of the answers is gone: takes those out that may have been executed.
    pub(super) fn lose(&mut self) -> Vec<(u64, Lane)> {
        let published = self.calls.iter().filter(|(_, call)| call.published);
        let mut numbers: Vec<u64> = published.map(|(number, _)| *number).collect();
        numbers.sort_unstable();
        numbers.into_iter().filter_map(|number| self.end(number)).collect()
    }

    /// True while a call to this seat waits for its answer.
    pub(super) fn is_calling(&self, seat: u64) -> bool {
        self.calls.values().any(|call| call.seat == seat)
    }
}

#[test]
fn calls_are_known_by_number_and_by_lane() {
    let lane = |number| Lane(Lane::BACK.0 + number);
    let mut back = Back::default();
    let numbers: Vec<_> = (0..4).map(|number| back.begin(7, lane(number), None)).collect();
    let other = back.begin(8, lane(0), None);
    back.publish(numbers[0]);
    back.publish(numbers[1]);
    assert_eq!(back.end(numbers[0]), Some((7, lane(0))));
    assert_eq!(back.end(numbers[0]), None, "an answer comes once");
    let forgotten = back.forget(7, lane(2)).expect("a call");
    assert!(!forgotten.published && forgotten.number == numbers[2], "it need not be published");
    assert_eq!(back.lose(), [(7, lane(1))], "what was not published is published yet");
    assert!(back.is_calling(7) && back.is_calling(8));
    back.leave(7);
    assert!(!back.is_calling(7));
    assert_eq!(back.end(other), Some((8, lane(0))));
}
