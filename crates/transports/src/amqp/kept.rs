//! `Kept`: the answers of the messages that a server has seen, for when they come again.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tinyrpc_core::Hint;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is being executed, on this lane.
    Running(u64),
    /// It was executed; nothing was said where it was a notification.
    Done(Option<(Bytes, Hint)>),
}

/// Bounded by count, bytes and age: the oldest goes.
///
/// INVARIANT: `order` has the key of every entry that is done, in the order in which that came
/// about.
#[derive(Debug, Default)]
pub(super) struct Kept {
    fates: HashMap<String, Fate>,
    order: VecDeque<(Instant, String)>,
    bytes: usize,
}

impl Kept {
    pub(super) fn get(&self, key: &str) -> Option<&Fate> {
        self.fates.get(key)
    }

    /// A message is about to be executed.
    pub(super) fn begin(&mut self, key: String, lane: u64) {
        self.fates.insert(key, Fate::Running(lane));
    }

    /// It was not executed to its end: when it comes again, it is executed.
    pub(super) fn give_up(&mut self, key: &str) {
        if matches!(self.fates.get(key), Some(Fate::Running(_))) {
            self.fates.remove(key);
        }
    }

    /// It was executed.
    pub(super) fn end(&mut self, key: String, answer: Option<(Bytes, Hint)>, now: Instant) {
        self.bytes += cost(&key, answer.as_ref());
        self.fates.insert(key.clone(), Fate::Done(answer));
        self.order.push_back((now, key));
        while let Some((since, oldest)) = self.order.front()
            && (self.order.len() > MOST
                || self.bytes > MOST_BYTES
                || now.saturating_duration_since(*since) > LONGEST)
        {
            if let Some(Fate::Done(answer)) = self.fates.remove(oldest) {
                self.bytes -= cost(oldest, answer.as_ref());
            }
            self.order.pop_front();
        }
    }
}

fn cost(key: &str, answer: Option<&(Bytes, Hint)>) -> usize {
    key.len() + answer.map_or(0, |(bytes, _)| bytes.len())
}

/// Many times what one worker has in flight.
const MOST: usize = 4096;
/// Four of the largest answers.
const MOST_BYTES: usize = 16 << 20;
/// A broker that is away for longer is not expected to deliver the same again to us.
const LONGEST: Duration = Duration::from_secs(600);

#[test]
fn the_oldest_goes() {
    let now = Instant::now();
    let mut kept = Kept::default();
    let answer = |size: usize| Some((Bytes::from(vec![0; size]), Hint::None));
    kept.begin("a".into(), 7);
    assert_eq!(kept.get("a"), Some(&Fate::Running(7)));
    kept.give_up("a");
    assert_eq!(kept.get("a"), None);
    kept.end("a".into(), answer(1), now);
    kept.give_up("a");
    assert_eq!(kept.get("a"), Some(&Fate::Done(answer(1))), "what is done stays done");
    for number in 0..MOST {
        kept.end(number.to_string(), None, now);
    }
    assert_eq!(kept.get("a"), None);
    assert_eq!(kept.get("0"), Some(&Fate::Done(None)));
    kept.end("large".into(), answer(MOST_BYTES - 5), now);
    assert_eq!((kept.fates.len(), kept.order.len(), kept.bytes), (1, 1, MOST_BYTES));
    kept.end("late".into(), None, now + LONGEST + Duration::from_secs(1));
    assert_eq!((kept.fates.len(), kept.bytes), (1, 4));
}
