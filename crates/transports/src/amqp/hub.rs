//! `Hub`: what a server's listener, its connections and its task share.

mod streams;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::{Duration, Instant},
};

use bytes::Bytes;
use lapin::types::{AMQPValue, ShortString};
use tinyrpc_core::{Arrived, Ended, Error, Frame, Headers, Hint, Incoming, Lane, Limits, Reason};

use self::streams::Streams;
use super::{
    back::{Back, Forgotten},
    job::{Job, What},
    kept::{Fate, Kept},
    request::{COUNT, Request, Tag},
    target::Target,
    within::{END, Origin, opening, plain},
};

/// The state of a server behind a lock, which is held for what does not wait, and never while
/// anything is woken.
#[derive(Debug)]
pub(super) struct Hub {
    state: Mutex<State>,
    pub(super) target: Target,
}

/// Everything that is behind the lock of a [`Hub`].
///
/// INVARIANT: `routes` has the number of every seat that has not ended, and a lane is in `lanes`
/// from its delivery until it is settled by a [`Job`] or its seat is gone.
#[derive(Debug, Default)]
pub(super) struct State {
    last_seat: u64,
    last_lane: u64,
    seats: HashMap<u64, Seat>,
    routes: HashMap<Route, u64>,
    lanes: HashMap<u64, Open>,
    kept: Kept,
    /// Calls to clients.
    back: Back,
    /// Calls of clients that stream.
    streams: Streams,
    jobs: VecDeque<Job>,
    /// Seats that nobody has accepted yet; `None` once nobody ever will.
    newcomers: Option<VecDeque<u64>>,
    most_seats: usize,
    /// The broker takes no messages.
    is_blocked: bool,
    idle: Duration,
    tries: u32,
    pub(super) acceptor: Option<Waker>,
    /// The task.
    pump: Option<Waker>,
    /// How many hold on to it.
    users: usize,
}

/// Whose messages come to a seat: the address for answers, and the content type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Route {
    reply_to: ShortString,
    hint: Hint,
}

/// Where a client sits.
#[derive(Debug)]
struct Seat {
    route: Route,
    inbox: VecDeque<Arrived>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    closer: Option<Waker>,
    /// Calls to the client that are not published.
    calling: usize,
    /// What was said within calls and is not with the broker, in bytes.
    saying: usize,
    /// What came within calls and was not looked at, in bytes.
    heard: usize,
    /// Messages that are not settled, as far as this side can see to it.
    busy: usize,
    /// When the last one was.
    since: Instant,
    has_ended: bool,
}

/// A message that is being handled.
#[derive(Debug)]
struct Open {
    seat: u64,
    request: Request,
    key: Option<String>,
    answer: Option<(Bytes, Hint)>,
    /// Whose call it is, where that streams.
    stream: Option<Origin>,
    /// What was said within it, in messages: its caller knows who has it.
    said: u64,
}

impl Hub {
    pub(super) fn new(target: Target, limits: &Limits) -> Arc<Self> {
        let state = State {
            newcomers: Some(VecDeque::new()),
            // Those that ended may be there for another moment.
            most_seats: (limits.max_connections / 2).max(1),
            idle: limits.idle,
            tries: target.tries,
            ..State::default()
        };
        Arc::new(Self { state: Mutex::new(state), target })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody holds on to it.
    pub(super) fn enter(&self) {
        self.lock().users += 1;
    }

    /// Somebody lets go; the task ends after the last.
    pub(super) fn exit(&self) {
        let mut state = self.lock();
        state.users -= 1;
        let pump = if state.users == 0 { state.pump.take() } else { None };
        drop(state);
        pump.into_iter().for_each(Waker::wake);
    }
}

impl Headers for Hub {
    fn get(&self, lane: Lane, name: &str) -> Option<String> {
        self.lock().lanes.get(&lane.0)?.request.header(name)
    }
}

impl State {
    /// Has the task woken when there is something to do; gives the waker that was there.
    pub(super) fn wait(&mut self, waker: &Waker) -> Option<Waker> {
        match &self.pump {
            Some(old) if old.will_wake(waker) => None,
            _ => self.pump.replace(waker.clone()),
        }
    }

    pub(super) fn pump(&mut self) -> Option<Waker> {
        self.pump.take()
    }

    /// True once nobody needs the task any more.
    pub(super) fn is_over(&self) -> bool {
        self.users == 0
    }

    /// True while new messages are wanted.
    pub(super) fn is_accepting(&self) -> bool {
        self.newcomers.is_some()
    }

    /// A message came.
    pub(super) fn deliver(&mut self, request: Request, wakers: &mut Vec<Waker>) {
        if self.newcomers.is_none() {
            return self.jobs.push_back(Job::new(None, request.tag, What::GiveBack));
        }
        let key = request.key();
        match key.as_ref().and_then(|key| self.kept.get(key)) {
            Some(&Fate::Running(lane)) => return self.come_again(lane, request),
            Some(Fate::Done(answer)) => {
                let what = match (request.reply_to(), answer.clone()) {
                    (Some(_), Some(answer)) => What::answer(&request, answer),
                    _ => What::Settle,
                };
                return self.jobs.push_back(Job::new(None, request.tag, what));
            }
            None => {}
        }
        if let Some(what) = self.judge(&request) {
            return self.jobs.push_back(Job::new(None, request.tag, what));
        }
        let number = self.seat(Route {
            reply_to: request.reply_to().cloned().unwrap_or_default(),
            hint: request.hint(),
        });
        wakers.extend(self.acceptor.take());
        self.last_lane += 1;
        let lane = self.last_lane;
        let Some(seat) = self.seats.get_mut(&number) else { return };
        let (bytes, mut hint) = (request.body.clone(), opening(&request.properties));
        let stream = plain(hint).and_then(|plain| {
            let begun = self.streams.begin(Origin::of(&request.properties), lane);
            if begun.is_none() {
                hint = plain;
            }
            begun
        });
        seat.inbox.push_back(Arrived::Frame(Frame { lane: Lane(lane), bytes, hint }));
        seat.busy += 1;
        wakers.extend(seat.reader.take());
        if let Some(key) = &key {
            self.kept.begin(key.clone(), lane);
        }
        let open = Open { seat: number, request, key, answer: None, stream, said: 0 };
        self.lanes.insert(lane, open);
    }

    /// A message that is being executed came again, as its delivery was lost with a connection.
    fn come_again(&mut self, lane: u64, request: Request) {
        let Some(open) = self.lanes.get_mut(&lane) else { return };
        if open.request.tag.session == request.tag.session {
            // Its sender has sent it twice.
            return self.jobs.push_back(Job::new(None, request.tag, What::Settle));
        }
        open.request = request;
    }

    /// What is to be done about a message that was given to somebody before, if it is not to be
    /// executed now.
    fn judge(&self, request: &Request) -> Option<What> {
        let count = match request.broker_count() {
            Some(count) => count,
            None if request.redelivered => request.count() + 1,
            None => return None,
        };
        if count > self.tries {
            return Some(What::bury(request, &format!("delivered again {count} times")));
        }
        // A queue that does not count by itself has it counted by a header: it goes back to the
        // queue with that, and comes from there.
        let counts = request.broker_count().is_some();
        (!counts).then(|| What::Again {
            properties: request.carried(COUNT, AMQPValue::LongLongInt(count.into())),
            body: request.body.clone(),
        })
    }

    /// The seat for a route; one that is there where there are many already.
    fn seat(&mut self, route: Route) -> u64 {
        if let Some(&number) = self.routes.get(&route) {
            return number;
        }
        if self.routes.len() >= self.most_seats {
            let alike = self.routes.iter().find(|(other, _)| other.hint == route.hint);
            if let Some((_, &number)) = alike.or_else(|| self.routes.iter().next()) {
                return number;
            }
        }
        self.last_seat += 1;
        let number = self.last_seat;
        self.routes.insert(route.clone(), number);
        let seat = Seat {
            route,
            inbox: VecDeque::new(),
            reader: None,
            writer: None,
            closer: None,
            calling: 0,
            saying: 0,
            heard: 0,
            busy: 0,
            since: Instant::now(),
            has_ended: false,
        };
        self.seats.insert(number, seat);
        if let Some(newcomers) = &mut self.newcomers {
            newcomers.push_back(number);
        }
        number
    }

    /// The next seat that nobody has accepted, and the name of who sits there.
    pub(super) fn accept(&mut self) -> Option<(u64, String)> {
        loop {
            let number = self.newcomers.as_mut()?.pop_front()?;
            let Some(seat) = self.seats.get(&number) else { continue };
            self.users += 1;
            let name = match seat.route.reply_to.as_str() {
                "" => "senders without an address".into(),
                name => format!("whoever reads {name}"),
            };
            return Some((number, name));
        }
    }

    /// Nobody accepts connections any more: what comes goes back to the queue.
    pub(super) fn stop_accepting(&mut self) -> Option<Waker> {
        for number in self.newcomers.take().into_iter().flatten() {
            self.leave(number);
        }
        self.pump.take()
    }

    /// Moves what came for a seat into `into`; `None` where it has ended.
    pub(super) fn take(&mut self, number: u64, into: &mut Incoming) -> Option<bool> {
        let seat = self.seats.get_mut(&number)?;
        let any = !seat.inbox.is_empty();
        seat.heard = 0;
        for arrived in seat.inbox.drain(..) {
            match arrived {
                Arrived::Frame(frame) => into.push(frame),
                Arrived::Closed(lane) => into.close_lane(lane),
                Arrived::Failed(lane, error) => into.fail_lane(lane, error),
            }
        }
        if !any && seat.has_ended {
            return None;
        }
        Some(any)
    }

    /// Has a task woken when something comes for a seat; gives the waker that was there.
    pub(super) fn wait_reading(&mut self, number: u64, waker: &Waker) -> Option<Waker> {
        self.seats.get_mut(&number)?.reader.replace(waker.clone())
    }

    /// The same where all is settled; `None` where it is.
    pub(super) fn wait_settled(&mut self, number: u64, waker: &Waker) -> Option<Option<Waker>> {
        let seat = self.seats.get_mut(&number).filter(|seat| seat.busy > 0)?;
        Some(seat.closer.replace(waker.clone()))
    }

    /// True where a seat takes what its connection has to send.
    pub(super) fn has_room(&self, number: u64) -> bool {
        let has_room = |seat: &Seat| seat.calling < MOST_CALLING && seat.saying < MOST_SAYING;
        self.seats.get(&number).is_none_or(has_room)
    }

    /// True where nobody is there for what a seat does not take, however long that may be.
    pub(super) fn is_vacant(&self, number: u64) -> bool {
        let calls = |seat: &Seat| seat.calling >= MOST_CALLING;
        self.is_blocked || self.seats.get(&number).is_some_and(calls)
    }

    /// The broker takes messages, or does not.
    pub(super) fn set_blocked(&mut self, is_blocked: bool) {
        self.is_blocked = is_blocked;
    }

    /// Has a task woken when there is room; gives the waker that was there.
    pub(super) fn wait_writing(&mut self, number: u64, waker: &Waker) -> Option<Waker> {
        self.seats.get_mut(&number)?.writer.replace(waker.clone())
    }

    /// A frame of a seat's connection: a call, or an answer, whose lane ends next.
    pub(super) fn write(&mut self, number: u64, Frame { lane, bytes, hint }: Frame) {
        if hint == Hint::Within {
            return self.say(number, lane, bytes);
        }
        if lane.is_back() {
            let Some(seat) = self.seats.get_mut(&number) else { return };
            let key = seat.route.reply_to.clone();
            if key.as_str().is_empty() {
                let words = "the sender has no address for what it is asked";
                let unsupported = std::io::Error::new(std::io::ErrorKind::Unsupported, words);
                let error = Error::NotExecuted(Reason::Io(Arc::new(unsupported)));
                seat.inbox.push_back(Arrived::Failed(lane, error));
                return;
            }
            seat.busy += 1;
            seat.calling += 1;
            let stream = plain(hint).map(|hint| (key.clone(), hint));
            let (hint, streams) = (plain(hint).unwrap_or(hint), stream.is_some());
            let call = self.back.begin(number, lane, stream);
            let call = What::Call { number: call, key, body: bytes, hint, streams };
            return self.jobs.push_back(Job::new(Some(number), Tag::NONE, call));
        }
        if let Some(open) = self.lanes.get_mut(&lane.0) {
            open.answer = Some((bytes, hint));
        }
    }

    /// The message of a call is given to the broker now.
    pub(super) fn publish(&mut self, seat: u64, number: u64, wakers: &mut Vec<Waker>) {
        self.back.publish(number);
        if let Some(seat) = self.seats.get_mut(&seat) {
            seat.calling = seat.calling.saturating_sub(1);
            wakers.extend(seat.writer.take());
        }
    }

    /// The answer to a call came.
    pub(super) fn called(
        &mut self,
        number: u64,
        (count, within): (u64, bool),
        bytes: Bytes,
        hint: Hint,
        wakers: &mut Vec<Waker>,
    ) {
        if !bytes.is_empty()
            && let Some(heard) = self.back.hear(number, count, within)
        {
            return self.hear(number, heard, bytes, wakers);
        }
        let Some((seat, lane)) = self.back.end(number) else { return };
        let arrived = match bytes.is_empty() {
            true => Arrived::Closed(lane),
            false => Arrived::Frame(Frame { lane, bytes, hint }),
        };
        self.arrive(seat, arrived, wakers);
    }

    /// A call has failed.
    pub(super) fn fail(&mut self, number: u64, error: Error, wakers: &mut Vec<Waker>) {
        let Some((seat, lane)) = self.back.end(number) else { return };
        self.arrive(seat, Arrived::Failed(lane, error), wakers);
    }

    /// The queue of the answers is lost, with what was on its way to it.
    pub(super) fn lose_calls(&mut self, error: &Arc<std::io::Error>, wakers: &mut Vec<Waker>) {
        for (seat, lane) in self.back.lose() {
            let error = Error::Unknown(Reason::Io(Arc::clone(error)));
            self.arrive(seat, Arrived::Failed(lane, error), wakers);
        }
    }

    fn arrive(&mut self, seat: u64, arrived: Arrived, wakers: &mut Vec<Waker>) {
        let Some(seat) = self.seats.get_mut(&seat) else { return };
        seat.inbox.push_back(arrived);
        seat.since = Instant::now();
        wakers.extend(seat.reader.take());
    }

    /// Nobody waits for the answer to a call: it is not published, where it was not yet.
    fn forget_call(&mut self, number: u64, lane: Lane, how: Ended) {
        let Some(Forgotten { number: call, published, stream }) = self.back.forget(number, lane)
        else {
            return;
        };
        if published {
            let is_given_up = matches!(how, Ended::Abandoned | Ended::Failed);
            if let Some((key, hint)) = stream.filter(|_| is_given_up) {
                self.send(number, What::Up { number: call, count: 0, key, body: END, hint });
            }
            return;
        }
        if how != Ended::Abandoned {
            return;
        }
        let is_it = |job: &Job| matches!(job.what, What::Call { number, .. } if number == call);
        self.jobs.retain(|job| !is_it(job));
        if let Some(seat) = self.seats.get_mut(&number) {
            seat.busy = seat.busy.saturating_sub(1);
            seat.calling = seat.calling.saturating_sub(1);
        }
    }

    /// A lane of a seat's connection ended.
    pub(super) fn end(&mut self, number: u64, lane: Lane, how: Ended) {
        if lane.is_back() {
            return self.forget_call(number, lane, how);
        }
        let Some(open) = self.lanes.remove(&lane.0) else { return };
        let Open { seat, request, key, answer, stream, said } = open;
        let introduced = said > 0;
        let leaves = self.newcomers.is_none();
        let is_done = matches!(how, Ended::Answered | Ended::Silent) || introduced;
        if let Some(key) = key {
            // What was said before an answer is not kept, so the answer is worth nothing again.
            let kept = if introduced { Some((END, Hint::None)) } else { answer.clone() };
            match is_done {
                true => self.kept.end(key, kept, Instant::now()),
                false => self.kept.give_up(&key),
            }
        }
        stream.into_iter().for_each(|origin| self.streams.end(&origin));
        if how == Ended::Failed && answer.is_none() && request.reply_to().is_some() {
            // The protocol has no words for it; nobody is to wait for ever.
            let nothing = What::answer(&request, (Bytes::new(), Hint::None));
            self.jobs.push_back(Job::new(None, Tag::NONE, nothing));
        }
        let what = match (how, answer, request.reply_to()) {
            // Another worker may have time for it.
            (Ended::Refused, _, _) if leaves => What::GiveBack,
            (Ended::Refused, None, _) | (Ended::Abandoned, _, _) => What::GiveBack,
            (Ended::TurnedAway, None, _) | (Ended::TurnedAway, _, None) => What::Settle,
            (_, Some(answer), Some(_)) if introduced => {
                What::answer(&request, answer).behind_stream(said + 1)
            }
            (_, Some(answer), Some(_)) => What::answer(&request, answer),
            (_, Some(_), None) => What::bury(&request, "its answer has nowhere to go"),
            (Ended::Failed, None, _) => What::bury(&request, "it cannot be followed"),
            (_, None, _) => What::Settle,
        };
        self.jobs.push_back(Job::new(Some(seat), request.tag, what));
    }

    /// A seat is given up, with everything on it.
    pub(super) fn leave(&mut self, number: u64) {
        let Some(seat) = self.seats.remove(&number) else { return };
        if self.routes.get(&seat.route) == Some(&number) {
            self.routes.remove(&seat.route);
        }
        self.back.leave(number);
        let is_call = |job: &Job| matches!(job.what, What::Call { .. });
        self.jobs.retain(|job| job.seat != Some(number) || !is_call(job));
        let lanes: Vec<_> = self.lanes.iter().filter(|(_, open)| open.seat == number).collect();
        let mut lanes: Vec<u64> = lanes.into_iter().map(|(lane, _)| *lane).collect();
        lanes.sort_unstable();
        for lane in lanes {
            if self.lanes.get(&lane).is_some_and(|open| open.said > 0) {
                // Its caller takes it from nobody else.
                self.break_off(lane, true, None);
                continue;
            }
            let Some(open) = self.lanes.remove(&lane) else { continue };
            open.stream.iter().for_each(|origin| self.streams.end(origin));
            if let Some(key) = open.key {
                self.kept.give_up(&key);
            }
            self.jobs.push_back(Job::new(None, open.request.tag, What::GiveBack));
        }
    }

    /// The next thing to tell the broker; answers only where it takes messages.
    pub(super) fn next(&mut self, publishes: bool) -> Option<Job> {
        let index = match publishes {
            true => 0,
            false => self.jobs.iter().position(|job| !job.what.publishes())?,
        };
        self.jobs.remove(index)
    }

    /// Something is to be told again.
    pub(super) fn put_back(&mut self, job: Job) {
        self.jobs.push_front(job);
    }

    pub(super) fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// The broker has been told what became of messages of a seat.
    pub(super) fn settled(&mut self, seat: u64, count: usize, wakers: &mut Vec<Waker>) {
        let Some(seat) = self.seats.get_mut(&seat) else { return };
        seat.busy = seat.busy.saturating_sub(count);
        seat.since = Instant::now();
        if seat.busy == 0 {
            wakers.extend(seat.closer.take());
        }
    }

    /// Ends seats that nothing comes for.
    pub(super) fn expire(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        let idle = self.idle;
        for (number, seat) in &mut self.seats {
            let is_idle =
                now.saturating_duration_since(seat.since) >= idle && !self.back.is_calling(*number);
            if seat.busy == 0 && seat.inbox.is_empty() && is_idle && !seat.has_ended {
                seat.has_ended = true;
                self.routes.remove(&seat.route);
                wakers.extend(seat.reader.take());
            }
        }
    }
}

/// Bytes of what is said within calls of one client and waits for the broker: as much as may wait
/// before that.
const MOST_SAYING: usize = 1 << 20;
/// Calls to one client that wait for a broker that is away, or for their turn.
const MOST_CALLING: usize = 256;
