//! `Streams`: the calls of either side that stream, as a client has them.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    sync::Arc,
};

use bytes::Bytes;
use lapin::types::ShortString;
use tinyrpc_core::{Arrived, Ended, Error, Frame, Hint, Lane, Reason};

use super::{Message, State, To};
use crate::amqp::within::{Counts, END, Origin};

/// INVARIANT: a lane is in `calls` only while it is in `State::lanes`, and in `called` only while it
/// is in `State::origins`; `served` has the lanes of `called`.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Those of this side.
    calls: HashMap<Lane, Partner>,
    /// Those of the server, and the format of each.
    called: HashMap<Lane, (Hint, Counts)>,
    served: HashMap<Origin, Lane>,
    /// Who was told lately that a call is over, the oldest first.
    told: VecDeque<(Lane, ShortString)>,
}

/// The worker that has a call.
#[derive(Debug)]
struct Partner {
    /// Where it reads, once it has said so.
    queue: Option<ShortString>,
    /// What it is to be told then.
    waiting: Vec<Bytes>,
    hint: Hint,
    counts: Counts,
}

impl Streams {
    /// A call of this side begins.
    pub(super) fn call(&mut self, lane: Lane, hint: Hint) {
        let (waiting, counts) = (Vec::new(), Counts::default());
        self.calls.insert(lane, Partner { queue: None, waiting, hint, counts });
    }

    /// A call of the server came.
    pub(super) fn called(&mut self, origin: Origin, lane: Lane, hint: Hint) {
        self.called.insert(lane, (hint, Counts::default()));
        self.served.insert(origin, lane);
    }

    /// True for a call of this side that streams.
    pub(super) fn has(&self, lane: Lane) -> bool {
        self.calls.contains_key(&lane)
    }

    /// A call is over; gives the number of its answer, where it is one of the server and something
    /// was said within it.
    pub(super) fn forget(&mut self, lane: Lane) -> Option<u64> {
        if !lane.is_back() {
            self.calls.remove(&lane);
            return None;
        }
        let (_, mut counts) = self.called.remove(&lane)?;
        self.served.retain(|_, served| *served != lane);
        (counts.said > 0).then(|| counts.say())
    }

    /// Calls of this side that are no longer waited for are over.
    pub(super) fn keep(&mut self, lanes: &HashMap<Lane, bool>) {
        self.calls.retain(|lane, _| lanes.contains_key(lane));
    }

    /// True while any call streams.
    fn is_active(&self) -> bool {
        !self.calls.is_empty() || !self.called.is_empty()
    }
}

impl State {
    /// True while anybody has to be asked whether it is there.
    pub(in crate::amqp) fn is_streaming(&self) -> bool {
        self.streams.is_active()
    }

    /// An answer came to a call that streams, behind all that its worker has said, if it has.
    pub(super) fn answer_stream(&mut self, lane: Lane, count: u64, bytes: Bytes) {
        let Some(partner) = self.streams.calls.get_mut(&lane) else { return };
        let is_counted = partner.queue.is_some() && !bytes.is_empty();
        if is_counted && !partner.counts.hear(count) {
            return self.fail(lane, lost(MISSING));
        }
        self.answer_within(lane, bytes);
    }

    /// Something came to a call that streams. Whether it is the last its bytes say.
    fn answer_within(&mut self, lane: Lane, bytes: Bytes) {
        if bytes.is_empty() {
            self.lanes.remove(&lane);
            self.streams.forget(lane);
            return self.inbox.push_back(Arrived::Closed(lane));
        }
        self.inbox.push_back(Arrived::Frame(Frame { lane, bytes, hint: Hint::Within }));
    }

    /// A worker that reads `from` has said something within a call.
    pub(in crate::amqp) fn down(
        &mut self,
        lane: Lane,
        from: ShortString,
        count: u64,
        bytes: Bytes,
    ) {
        let Some(partner) = self.streams.calls.get_mut(&lane) else {
            // It has a call that is over on this side.
            return self.turn_away(lane, from);
        };
        match &partner.queue {
            Some(known) if *known == from => {}
            Some(_) => {
                // Its worker was lost, and it has begun anew.
                self.turn_away(lane, from);
                return self.fail(lane, lost("the worker that had the call was lost"));
            }
            None => {
                let (waiting, hint) = (std::mem::take(&mut partner.waiting), partner.hint);
                partner.queue = Some(from.clone());
                for bytes in waiting {
                    let to = To::Up(from.clone(), partner.counts.say());
                    self.outbox.push_back(Message { lane, bytes, hint, to });
                }
            }
        }
        if !bytes.is_empty() && !partner.counts.hear(count) {
            self.turn_away(lane, from);
            return self.fail(lane, lost(MISSING));
        }
        self.answer_within(lane, bytes);
    }

    /// Whoever has called said something within its call.
    pub(in crate::amqp) fn up(&mut self, origin: &Origin, count: u64, bytes: Bytes) {
        let Some(&lane) = self.streams.served.get(origin) else { return };
        let Some((_, counts)) = self.streams.called.get_mut(&lane) else { return };
        self.waiting += bytes.len();
        if !bytes.is_empty() && counts.hear(count) && self.waiting <= MOST_BYTES {
            let frame = Frame { lane, bytes, hint: Hint::Within };
            return self.inbox.push_back(Arrived::Frame(frame));
        }
        if !bytes.is_empty() {
            self.say_end(origin.clone(), lane);
        }
        self.close_called(lane);
    }

    /// A queue is gone, and whoever has read it: calls that it had do not go on.
    pub(in crate::amqp) fn gone(&mut self, queue: &ShortString) {
        let lost_calls = self.streams.calls.iter();
        let lost_calls = lost_calls.filter(|(_, partner)| partner.queue.as_ref() == Some(queue));
        let lanes: Vec<_> = lost_calls.map(|(lane, _)| *lane).collect();
        for lane in lanes {
            self.fail(lane, lost("the worker that had the call is gone"));
        }
        let served = self.streams.served.iter();
        let served = served.filter(|(origin, _)| origin.reply_to == *queue);
        let lanes: Vec<_> = served.map(|(_, lane)| *lane).collect();
        lanes.into_iter().for_each(|lane| self.close_called(lane));
    }

    /// Asks everybody at the other end of a stream whether it is there: what does not reach its queue
    /// comes back.
    pub(in crate::amqp) fn ping(&mut self) {
        let workers = self.streams.calls.values().filter_map(|partner| partner.queue.clone());
        let callers = self.streams.served.keys().map(|origin| origin.reply_to.clone());
        let queues: HashSet<_> = workers.chain(callers).collect();
        for queue in queues {
            self.send_within(Lane::DUPLEX, END, Hint::None, To::Ping(queue));
        }
    }

    /// Something is said within a call; true where it can be sent now.
    pub(super) fn post_within(&mut self, lane: Lane, bytes: Bytes) -> bool {
        if lane.is_back() {
            let (Some(origin), Some((hint, counts))) =
                (self.origins.get(&lane).cloned(), self.streams.called.get_mut(&lane))
            else {
                return false;
            };
            let (hint, to) = (*hint, To::Down(origin, counts.say()));
            self.send_within(lane, bytes, hint, to);
            return true;
        }
        let Some(partner) = self.streams.calls.get_mut(&lane) else { return false };
        let Some(queue) = partner.queue.clone() else {
            // Nothing has been granted yet, so this is little.
            partner.waiting.push(bytes);
            return false;
        };
        let (hint, to) = (partner.hint, To::Up(queue, partner.counts.say()));
        self.send_within(lane, bytes, hint, to);
        true
    }

    /// A call of this side is over; true where its worker is to be told.
    pub(super) fn end_stream(&mut self, lane: Lane, how: Ended) -> bool {
        let Some(partner) = self.streams.calls.remove(&lane) else { return false };
        let is_given_up = matches!(how, Ended::Abandoned | Ended::Failed);
        // One that has said nothing yet is told when it does.
        let Some(queue) = partner.queue.filter(|_| is_given_up) else { return false };
        self.turn_away(lane, queue);
        true
    }

    /// The connection to the broker is lost, and nobody knows what arrived of what was said.
    pub(super) fn lose_streams(&mut self) {
        self.outbox.retain_mut(|message| match &message.to {
            To::Service(_) | To::Answer(_, 0) => true,
            To::Answer(origin, _) => {
                (message.bytes, message.to) = (END, To::Answer(origin.clone(), 0));
                true
            }
            To::Down(..) | To::Up(..) | To::Ping(_) => false,
        });
        let lanes: Vec<_> = self.streams.served.drain().collect();
        for (origin, lane) in lanes {
            self.say_end(origin, lane);
            self.close_called(lane);
        }
        self.streams.told.clear();
    }

    /// Nobody is here any more.
    pub(super) fn leave_streams(&mut self) {
        let calls = std::mem::take(&mut self.streams.calls);
        for (lane, partner) in calls {
            if let Some(queue) = partner.queue {
                self.turn_away(lane, queue);
            }
        }
        let served: Vec<_> = self.streams.served.drain().collect();
        served.into_iter().for_each(|(origin, lane)| self.say_end(origin, lane));
    }

    /// Tells whoever executes a call of this side that it is over.
    fn turn_away(&mut self, lane: Lane, queue: ShortString) {
        let known = self.streams.told.iter().any(|(of, who)| *of == lane && *who == queue);
        if known || self.outbox.len() >= MOST_TURNED_AWAY {
            return;
        }
        if self.streams.told.len() >= MOST_TOLD {
            self.streams.told.pop_front();
        }
        self.streams.told.push_back((lane, queue.clone()));
        self.send_within(lane, END, Hint::None, To::Up(queue, 0));
    }

    /// Tells whoever has called that no answer comes.
    fn say_end(&mut self, origin: Origin, lane: Lane) {
        self.send_within(lane, END, Hint::None, To::Answer(origin, 0));
    }

    /// Ends a call of the server on this side.
    fn close_called(&mut self, lane: Lane) {
        self.streams.forget(lane);
        if self.origins.remove(&lane).is_some() {
            self.inbox.push_back(Arrived::Closed(lane));
        }
    }

    fn send_within(&mut self, lane: Lane, bytes: Bytes, hint: Hint, to: To) {
        self.outbox.push_back(Message { lane, bytes, hint, to });
    }
}

/// Nobody knows how far a call got.
fn lost(why: &str) -> Error {
    let error = io::Error::new(io::ErrorKind::ConnectionReset, why);
    Error::Unknown(Reason::Io(Arc::new(error)))
}

const MISSING: &str = "a message within the call was lost on its way";
/// Bytes of what comes within calls of the server and was not looked at: its credit is less.
const MOST_BYTES: usize = 64 << 20;
/// How many were told last that a call is over: for what they had sent until they read that.
const MOST_TOLD: usize = 64;
/// Nobody is told more while so much waits to be published: it tells us again.
const MOST_TURNED_AWAY: usize = 4096;
