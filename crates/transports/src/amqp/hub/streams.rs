//! `Streams`: the calls of clients that stream, and what is said within them and within calls to
//! clients.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
    task::Waker,
    time::Instant,
};

use bytes::Bytes;
use lapin::types::ShortString;
use tinyrpc_core::{Arrived, Error, Frame, Hint, Lane, Reason};

use super::{Open, State};
use crate::amqp::{
    back::Heard,
    job::{Job, What},
    request::Tag,
    within::{Counts, END, Origin, comes_back},
};

/// INVARIANT: `lanes` has the lane of each `Open` that streams, and no other.
#[derive(Debug, Default)]
pub(super) struct Streams {
    lanes: HashMap<Origin, (u64, Counts)>,
    /// When something was heard of those who read no queue and have such calls.
    heard: HashMap<ShortString, Instant>,
}

impl Streams {
    /// A call that streams came; `None` where another one goes by the same name.
    pub(super) fn begin(&mut self, origin: Origin, lane: u64) -> Option<Origin> {
        if self.lanes.contains_key(&origin) {
            return None;
        }
        self.hear(&origin.reply_to);
        self.lanes.insert(origin.clone(), (lane, Counts::default()));
        Some(origin)
    }

    /// It is over.
    pub(super) fn end(&mut self, origin: &Origin) {
        self.lanes.remove(origin);
    }

    fn hear(&mut self, reply_to: &ShortString) {
        if !comes_back(reply_to) {
            self.heard.insert(reply_to.clone(), Instant::now());
        }
    }

    /// The lanes of whoever reads a queue.
    fn of(&self, reply_to: &ShortString) -> Vec<u64> {
        let lanes = self.lanes.iter().filter(|(origin, _)| origin.reply_to == *reply_to);
        lanes.map(|(_, (lane, _))| *lane).collect()
    }
}

impl State {
    /// Something is said within a call: one of a client, or one to a client.
    pub(super) fn say(&mut self, number: u64, lane: Lane, bytes: Bytes) {
        let what = if lane.is_back() {
            let Some((call, count, (key, hint))) = self.back.say(number, lane) else { return };
            What::Up { number: call, count, key, body: bytes, hint }
        } else {
            let Some(open) = self.lanes.get_mut(&lane.0) else { return };
            let Some(origin) = open.stream.clone() else { return };
            open.said += 1;
            What::Down { origin, count: open.said, body: bytes, hint: open.request.hint() }
        };
        self.send(number, what);
    }

    /// Gives a message of a seat to the broker.
    pub(super) fn send(&mut self, number: u64, what: What) {
        if let Some(seat) = self.seats.get_mut(&number) {
            seat.busy += 1;
            seat.saying += what.within();
        }
        self.jobs.push_back(Job::new(Some(number), Tag::NONE, what));
    }

    /// The broker has a message that was said within a call.
    pub(in crate::amqp) fn said(&mut self, number: u64, size: usize, wakers: &mut Vec<Waker>) {
        if let Some(seat) = self.seats.get_mut(&number) {
            seat.saying = seat.saying.saturating_sub(size);
            wakers.extend(seat.writer.take());
        }
    }

    /// A client said something within its call.
    pub(in crate::amqp) fn up(
        &mut self,
        origin: &Origin,
        count: u64,
        bytes: Bytes,
        wakers: &mut Vec<Waker>,
    ) {
        self.streams.hear(&origin.reply_to);
        let Some((lane, counts)) = self.streams.lanes.get_mut(origin) else { return };
        let lane = *lane;
        if bytes.is_empty() {
            return self.break_off(lane, false, Some(wakers));
        }
        if !counts.hear(count) {
            // Something was lost on its way.
            return self.break_off(lane, true, Some(wakers));
        }
        let seat = self.lanes.get(&lane).map(|open| open.seat);
        let Some(seat) = seat.and_then(|seat| self.seats.get_mut(&seat)) else { return };
        seat.heard += bytes.len();
        if seat.heard > MOST_HEARD {
            return self.break_off(lane, true, Some(wakers));
        }
        let frame = Frame { lane: Lane(lane), bytes, hint: Hint::Within };
        seat.inbox.push_back(Arrived::Frame(frame));
        wakers.extend(seat.reader.take());
    }

    /// Something came for a call to a client, which streams.
    pub(super) fn hear(
        &mut self,
        number: u64,
        Heard { seat, lane, follows }: Heard,
        bytes: Bytes,
        wakers: &mut Vec<Waker>,
    ) {
        if follows {
            let frame = Frame { lane, bytes, hint: Hint::Within };
            return self.arrive(seat, Arrived::Frame(frame), wakers);
        }
        if let Some((call, _, (key, hint))) = self.back.say(seat, lane) {
            self.send(seat, What::Up { number: call, count: 0, key, body: END, hint });
        }
        let why = "a message within the call was lost on its way";
        let lost = io::Error::new(io::ErrorKind::ConnectionReset, why);
        self.fail(number, Error::Unknown(Reason::Io(Arc::new(lost))), wakers);
    }

    /// A client has given a sign of life.
    pub(in crate::amqp) fn pinged(&mut self, reply_to: &ShortString) {
        if self.streams.heard.contains_key(reply_to) {
            self.streams.hear(reply_to);
        }
    }

    /// Asks clients at the other end of streams whether they are there: what does not reach their
    /// queues comes back. Those who read none must have said something lately.
    pub(in crate::amqp) fn ping(&mut self, wakers: &mut Vec<Waker>) {
        let callers: HashSet<_> =
            self.streams.lanes.keys().map(|origin| origin.reply_to.clone()).collect();
        self.streams.heard.retain(|reply_to, _| callers.contains(reply_to));
        let (now, idle) = (Instant::now(), self.idle);
        let silent = self.streams.heard.iter();
        let silent = silent.filter(|(_, heard)| now.saturating_duration_since(**heard) >= idle);
        let silent: Vec<_> = silent.map(|(reply_to, _)| reply_to.clone()).collect();
        silent.iter().for_each(|reply_to| self.gone(reply_to, wakers));
        if self.jobs.iter().any(|job| matches!(job.what, What::Ping { .. })) {
            // The broker does not take them.
            return;
        }
        let callees = self.back.streams().map(|(_, key)| key.clone());
        let keys: HashSet<_> = callers.into_iter().chain(callees).filter(comes_back).collect();
        let pings = keys.into_iter().map(|key| Job::new(None, Tag::NONE, What::Ping { key }));
        self.jobs.extend(pings);
    }

    /// A queue is gone, and with it whoever has read it: calls that stream do not go on.
    pub(in crate::amqp) fn gone(&mut self, queue: &ShortString, wakers: &mut Vec<Waker>) {
        for lane in self.streams.of(queue) {
            self.break_off(lane, false, Some(wakers));
        }
        let calls = self.back.streams().filter(|(_, key)| *key == queue);
        let calls: Vec<_> = calls.map(|(number, _)| number).collect();
        for number in calls {
            let gone = io::Error::new(io::ErrorKind::NotFound, "its queue of answers is gone");
            self.fail(number, Error::Unknown(Reason::Io(Arc::new(gone))), wakers);
        }
    }

    /// Something that was said to whoever reads a queue was not taken by the broker: what comes
    /// behind it is worth nothing.
    pub(in crate::amqp) fn unsaid(&mut self, queue: &ShortString, wakers: &mut Vec<Waker>) {
        for lane in self.streams.of(queue) {
            self.break_off(lane, true, Some(wakers));
        }
        self.gone(queue, wakers);
    }

    /// The connection to the broker is lost, and nobody knows what arrived of what was said. What
    /// comes again of these calls is not executed.
    pub(in crate::amqp) fn lose_streams(&mut self, wakers: &mut Vec<Waker>) {
        let mut dropped = HashMap::<u64, usize>::new();
        self.jobs.retain(|job| {
            let is_lost = matches!(
                job.what,
                What::Up { .. }
                    | What::Down { .. }
                    | What::Ping { .. }
                    | What::Answer { streams: true, .. }
            );
            if is_lost {
                *dropped.entry(job.seat.unwrap_or(0)).or_default() += 1;
            }
            !is_lost
        });
        for seat in self.seats.values_mut() {
            seat.saying = 0;
            wakers.extend(seat.writer.take());
        }
        let lanes: Vec<_> = self.streams.lanes.values().map(|(lane, _)| *lane).collect();
        for lane in lanes {
            if let Some(open) = self.take_stream(lane, Some(&mut *wakers)) {
                *dropped.entry(open.seat).or_default() += 1;
            }
        }
        for (seat, count) in dropped {
            self.settled(seat, count, wakers);
        }
    }

    /// Ends a call of a client that streams, and tells the client, or not. Where its seat stays, that
    /// is told, too.
    pub(super) fn break_off(
        &mut self,
        lane: u64,
        tells_client: bool,
        wakers: Option<&mut Vec<Waker>>,
    ) {
        let seat_stays = wakers.is_some();
        let Some(Open { seat, request, .. }) = self.take_stream(lane, wakers) else { return };
        let what = match tells_client {
            true => What::answer(&request, (END, Hint::None)),
            false => What::Settle,
        };
        self.jobs.push_back(Job::new(seat_stays.then_some(seat), request.tag, what));
    }

    /// Takes such a call away, which is not executed again.
    fn take_stream(&mut self, lane: u64, wakers: Option<&mut Vec<Waker>>) -> Option<Open> {
        let mut open = self.lanes.remove(&lane)?;
        open.stream.iter().for_each(|origin| self.streams.end(origin));
        if let Some(key) = open.key.take() {
            self.kept.end(key, Some((END, Hint::None)), Instant::now());
        }
        if let Some(wakers) = wakers
            && let Some(seat) = self.seats.get_mut(&open.seat)
        {
            seat.inbox.push_back(Arrived::Closed(Lane(lane)));
            wakers.extend(seat.reader.take());
        }
        Some(open)
    }
}

/// Bytes of what comes within the calls of one client and was not looked at: its credit is less.
const MOST_HEARD: usize = 64 << 20;
