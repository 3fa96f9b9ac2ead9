//! The calling side: what the halves of a connection and its task share, and the halves.

mod streams;

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use lapin::types::ShortString;
use tinyrpc_core::{
    Arrived, Connection, Ended, Error, Frame, Hint, Incoming, Lane, Outgoing, PeerAddress, Reason,
    Received, RecvHalf, SendHalf, Shape, Taken,
};

use self::streams::Streams;
use super::within::{END, Origin, plain};

/// What is behind the lock of a [`Desk`].
#[derive(Debug, Default)]
pub(super) struct State {
    /// The broker is there and takes messages.
    pub(super) is_open: bool,
    /// Messages that nobody has published.
    outbox: VecDeque<Message>,
    /// How many messages were published that the broker has not confirmed.
    pub(super) unconfirmed: usize,
    /// Exchanges that wait for an answer, and whether their message was published.
    lanes: HashMap<Lane, bool>,
    /// Exchanges that the server has begun, until they are answered.
    origins: HashMap<Lane, Origin>,
    /// Of those of either, the ones that stream.
    streams: Streams,
    /// How many these ever were.
    called: u64,
    /// Bytes of those that wait in the inbox.
    waiting: usize,
    inbox: VecDeque<Arrived>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    closer: Option<Waker>,
    /// The task.
    pump: Option<Waker>,
    /// How many halves there are.
    halves: usize,
}

/// A message that is to be published.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) lane: Lane,
    pub(super) bytes: Bytes,
    pub(super) hint: Hint,
    pub(super) to: To,
}

/// Where a message goes, and what it is there.
#[derive(Debug)]
pub(super) enum To {
    /// A request to whoever serves; true where its call streams.
    Service(bool),
    /// An answer to whoever has called; its number, where something was said within the call.
    Answer(Origin, u64),
    /// A message within such a call, and its number.
    Down(Origin, u64),
    /// A message within a call of ours, to the worker that has it, and its number.
    Up(ShortString, u64),
    /// To somebody who may be gone.
    Ping(ShortString),
}

/// What the halves and the task share. No waker is woken or dropped under its lock.
#[derive(Debug, Default)]
pub(super) struct Desk(Mutex<State>);

impl Desk {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that has this desk.
    pub(super) fn connection(self: &Arc<Self>, peer: PeerAddress) -> Connection {
        self.lock().halves = 2;
        let half = || Box::new(Half(Arc::clone(self)));
        let connection = Connection::new(Shape::Exchange, peer, half(), half());
        Connection { calls_back: true, streams: true, ..connection }
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

    /// True once both halves are gone.
    pub(super) fn is_over(&self) -> bool {
        self.halves == 0
    }

    /// The next message to publish.
    pub(super) fn next(&mut self) -> Option<Message> {
        let message = self.outbox.pop_front()?;
        if matches!(message.to, To::Service(_))
            && let Some(published) = self.lanes.get_mut(&message.lane)
        {
            *published = true;
        }
        self.unconfirmed += 1;
        Some(message)
    }

    /// An answer came.
    pub(super) fn answer(&mut self, lane: Lane, count: u64, bytes: Bytes, hint: Hint) {
        if self.streams.has(lane) {
            return self.answer_stream(lane, count, bytes);
        }
        // Late ones, and those to nobody.
        if self.lanes.remove(&lane).is_none() {
            return;
        }
        self.inbox.push_back(match bytes.is_empty() {
            true => Arrived::Closed(lane),
            false => Arrived::Frame(Frame { lane, bytes, hint }),
        });
    }

    /// A call of the server came, or a notification. Anybody can send one who knows the queue: what
    /// is too much is not executed, and ends without an answer.
    pub(super) fn called(&mut self, origin: Origin, bytes: Bytes, hint: Hint) {
        let waiting = self.waiting + bytes.len();
        if waiting > MOST_BYTES || self.inbox.len() >= MOST_CALLED {
            if !origin.reply_to.as_str().is_empty() && self.outbox.len() < MOST_CALLED {
                let to = To::Answer(origin, 0);
                self.outbox.push_back(Message {
                    lane: Lane::BACK,
                    bytes: END,
                    hint: Hint::None,
                    to,
                });
            }
            return;
        }
        self.waiting = waiting;
        self.called += 1;
        let lane = Lane(Lane::BACK.0 | self.called);
        if let Some(hint) = plain(hint) {
            self.streams.called(origin.clone(), lane, hint);
        }
        self.origins.insert(lane, origin);
        self.inbox.push_back(Arrived::Frame(Frame { lane, bytes, hint }));
    }

    /// No answer will come, in the words of an error.
    pub(super) fn fail(&mut self, lane: Lane, error: Error) {
        if self.lanes.remove(&lane).is_some() {
            self.streams.forget(lane);
            self.inbox.push_back(Arrived::Failed(lane, error));
        }
    }

    /// The connection to the broker is lost, and with it the queue of the answers.
    pub(super) fn lose(&mut self, error: &Arc<io::Error>) {
        self.is_open = false;
        self.unconfirmed = 0;
        self.lose_streams();
        let Self { lanes, inbox, .. } = &mut *self;
        lanes.retain(|lane, published| {
            if *published {
                let error = Error::Unknown(Reason::Io(Arc::clone(error)));
                inbox.push_back(Arrived::Failed(*lane, error));
            }
            !*published
        });
        let Self { lanes, streams, .. } = self;
        streams.keep(lanes);
    }

    /// Whoever waits for what has changed.
    pub(super) fn wakers(&mut self, into: &mut Vec<Waker>) {
        if !self.inbox.is_empty() {
            into.extend(self.reader.take());
        }
        if self.has_room() {
            into.extend(self.writer.take());
        }
        if self.is_flushed() {
            into.extend(self.closer.take());
        }
    }

    fn has_room(&self) -> bool {
        self.is_open && self.outbox.len() < MOST_WAITING
    }

    /// True when the broker has all that it was to have.
    pub(super) fn is_flushed(&self) -> bool {
        self.outbox.is_empty() && self.unconfirmed == 0
    }

    /// A message is to be published; false where there is nobody for it.
    fn post(&mut self, Frame { lane, bytes, hint }: Frame) -> bool {
        if hint == Hint::Within {
            return self.post_within(lane, bytes);
        }
        if lane.is_back() {
            // The end without words has no number.
            let count = self.streams.forget(lane).filter(|_| !bytes.is_empty());
            let Some(origin) = self.origins.remove(&lane) else { return false };
            let is_addressed = !origin.reply_to.as_str().is_empty();
            if is_addressed {
                let to = To::Answer(origin, count.unwrap_or(0));
                self.outbox.push_back(Message { lane, bytes, hint, to });
            }
            return is_addressed;
        }
        let stream = plain(hint);
        if let Some(hint) = stream {
            self.streams.call(lane, hint);
        }
        self.lanes.insert(lane, false);
        let (hint, to) = (stream.unwrap_or(hint), To::Service(stream.is_some()));
        self.outbox.push_back(Message { lane, bytes, hint, to });
        true
    }

    /// A lane ended; true where the other side has to be told.
    fn end(&mut self, lane: Lane, how: Ended) -> bool {
        if !lane.is_back() {
            return self.forget(lane, how);
        }
        if how == Ended::Silent {
            self.streams.forget(lane);
            self.origins.remove(&lane);
            return false;
        }
        // Where it was answered, nobody is there any more.
        self.post(Frame { lane, bytes: END, hint: Hint::None })
    }

    /// Nobody waits for an answer on a lane.
    fn forget(&mut self, lane: Lane, how: Ended) -> bool {
        let published = self.lanes.remove(&lane);
        if published == Some(false) && how == Ended::Abandoned {
            self.outbox.retain(|message| message.lane != lane);
        }
        self.end_stream(lane, how)
    }

    fn take(&mut self, into: &mut Incoming) -> bool {
        let any = !self.inbox.is_empty();
        self.waiting = 0;
        for arrived in self.inbox.drain(..) {
            match arrived {
                Arrived::Frame(frame) => into.push(frame),
                Arrived::Closed(lane) => into.close_lane(lane),
                Arrived::Failed(lane, error) => into.fail_lane(lane, error),
            }
        }
        any
    }
}

/// One task polls both halves, so the lock is waited for by the task of the broker alone.
struct Half(Arc<Desk>);

impl RecvHalf for Half {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let mut state = self.0.lock();
        // It never ends: a broker that is gone comes back.
        if state.take(into) {
            return Poll::Ready(Ok(Received::Some));
        }
        let old = state.reader.replace(cx.waker().clone());
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl SendHalf for Half {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        let mut posted = false;
        while state.has_room() {
            match out.pop() {
                Some(Taken::Frame(frame)) => posted |= state.post(frame),
                Some(Taken::Ended(lane, how)) => posted |= state.end(lane, how),
                None => break,
            }
        }
        let waits = !out.is_empty();
        // What waits for a broker that is away waits for as long as its caller does.
        out.set_vacant(waits && !state.is_open);
        let old =
            if waits { state.writer.replace(cx.waker().clone()) } else { state.writer.take() };
        let pump = if posted { state.pump.take() } else { None };
        drop(state);
        drop(old);
        pump.into_iter().for_each(Waker::wake);
        if waits { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// Waits for the broker to confirm what it was sent.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        if state.is_flushed() {
            return Poll::Ready(Ok(()));
        }
        let old = state.closer.replace(cx.waker().clone());
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.halves -= 1;
        if state.is_over() {
            state.leave_streams();
        }
        let pump = if state.is_over() { state.pump.take() } else { None };
        drop(state);
        pump.into_iter().for_each(Waker::wake);
    }
}

/// Messages that were taken and are not published: a few turns of the task.
const MOST_WAITING: usize = 256;
/// Calls of servers that wait to be looked at: more than are in flight at the same time.
const MOST_CALLED: usize = 2048;
/// Bytes of these: four of the largest.
const MOST_BYTES: usize = 16 << 20;
