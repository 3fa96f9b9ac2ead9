//! `Calls`: the calls that this side makes, shared by all callers and the driver of a connection.
//!
//! Callers encode their params outside of the lock; under it only the envelope is written and the
//! params are copied behind it, into a buffer that the driver takes once a turn. No code of a
//! user (handlers, wakers, `Serialize`, `Drop`) runs under the lock: whatever is replaced or
//! removed under it is dropped behind it.

mod detach;
mod enter;
mod inner;
mod known;
mod line;
mod ring;
mod say;
#[cfg(all(test, feature = "json"))]
mod tests;
mod turn;
mod waiters;

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicBool},
    task::Waker,
};

use bytes::Bytes;

pub(crate) use self::enter::Patience;
pub(crate) use self::line::Line;
pub(crate) use self::say::not_extended;
pub(crate) use self::turn::{Delivery, Found, LateCancel, Rest};
use self::{
    enter::wait,
    inner::Inner,
    ring::{Answer, Ring},
    waiters::Waiters,
};
use crate::{
    Ended, Error, FormatError, Hint, Lane, Limits, Outgoing, Reason, Shape, Unsupported,
    draft::Draft,
    outgoing::{Kind, LARGE},
    streams::Terms,
    subscription::Router,
    wire::Wire,
};

/// The table of calls in flight, and what they wait to have sent.
pub(crate) struct Calls {
    /// How frames are written, once the protocol is known.
    wire: OnceLock<Wire>,
    /// What the peer takes of streams and chunks, once it has said so.
    terms: OnceLock<Terms>,
    /// We have told the peer what we take, so it may send that from its answer on, which may not have
    /// been read yet by whoever asked.
    is_offered: AtomicBool,
    /// The peer has said that it does not know the extension.
    is_stock: AtomicBool,
    pub(crate) line: Line,
    pub(crate) limits: Arc<Limits>,
    /// Of the subscriptions that were made by calls.
    pub(crate) router: Router,
    inner: Mutex<Inner>,
}

/// What became of an attempt to make a call.
pub(crate) enum Begun {
    /// It is on its way, under this id.
    Sent(u64),
    /// There is no room yet: the caller waits under this key.
    Waiting(u64),
}

/// A result as its caller finds it.
pub(crate) enum Body {
    /// In the scratch buffer that the caller brought.
    Scratch,
    /// In a block of its own.
    Block(Bytes),
}

impl Calls {
    pub(crate) fn new(line: Line, limits: Arc<Limits>) -> Arc<Self> {
        Arc::new(Self {
            wire: OnceLock::new(),
            terms: OnceLock::new(),
            is_offered: AtomicBool::new(false),
            is_stock: AtomicBool::new(false),
            line,
            limits,
            router: Router::default(),
            inner: Mutex::new(Inner {
                ring: Ring::new(),
                roots: 0,
                nested: 0,
                waiting_handlers: 0,
                waiters: Waiters::default(),
                outbox: Outgoing::new(line.shape),
                parcels: VecDeque::new(),
                parcel: 1,
                queued: 0,
                fresh: Vec::new(),
                armed: u64::MAX,
                stamp_waiters: false,
                closed: None,
                driver: None,
                discarded: Vec::new(),
                last_lane: line.first_lane,
                given_up: Vec::new(),
                streams: HashMap::new(),
                hopeful: HashMap::new(),
                is_shut: false,
                late: Vec::new(),
                late_cancels: Vec::new(),
            }),
        })
    }

    /// Locks the table. A poisoned lock is taken all the same: no user code runs under it, so a
    /// panic under it is a bug of ours that must not take every caller along.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wire(&self) -> Option<&Wire> {
        self.wire.get()
    }

    /// From now on the boundaries of what callers write are kept, for a trace.
    pub(crate) fn keep_marks(&self) {
        self.lock().outbox.keep_marks();
    }

    /// The protocol is known: calls may go out.
    pub(crate) fn decide(&self, wire: Wire, wakes: &mut Vec<Waker>) {
        let hint = wire.hint();
        if self.wire.set(wire).is_ok() {
            let mut inner = self.lock();
            inner.outbox.set_hint(hint);
            inner.let_in(&self.limits, true, wakes);
        }
    }

    /// Fails at once where this side can never call.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.line.can_call {
            return Ok(());
        }
        Err(Unsupported {
            who: "a transport of exchanges",
            what: "carry calls from the serving side: use a permanent connection",
        }
        .into())
    }

    /// Fails where answers are wanted, and none can come.
    fn check_answers(&self, calls: usize) -> Result<(), Error> {
        if self.line.shape != Shape::OneWay || calls == 0 {
            return Ok(());
        }
        Err(Unsupported {
            who: "a transport of one-way messages",
            what: "bring answers back: send notifications",
        }
        .into())
    }

    /// Makes one call, or joins the queue.
    ///
    /// `waker` is woken by the answer, so that a caller need not ask for it right away.
    pub(crate) fn begin(
        &self,
        draft: &Draft<'_>,
        patience: Patience<'_>,
        waker: Option<Waker>,
    ) -> Result<Begun, Error> {
        self.check_answers(1)?;
        let mut inner = self.lock();
        let Some((wire, deadline)) = self.enter(&mut inner, 1, draft, &patience)? else {
            return Ok(Begun::Waiting(wait(inner, patience, 1, draft.timeout)));
        };
        let id = inner.insert(draft, deadline);
        let lane = inner.open_lane(self.line.shape);
        if let Some(opening) = draft.opening {
            opening.duct.begin(id, lane);
        }
        if draft.params.len() >= LARGE {
            return self.begin_large(inner, wire, draft, (id, lane), waker).map(Begun::Sent);
        }
        let segments = inner.outbox.segments();
        let out = inner.outbox.encode();
        let start = out.len();
        if let Err(error) = self.write_request(wire, out, Some(id), draft) {
            out.truncate(start);
            self.undo(inner, [id]);
            return Err(error);
        }
        let hint = self.open(&mut inner, wire, lane, draft);
        inner.outbox.commit(start, lane, Kind::Call, None);
        inner.outbox.set_hint(hint);
        if draft.concealed {
            inner.outbox.hide_last(Some(draft.params));
        }
        inner.send(id, lane, start, segments, waker);
        wake_driver(inner);
        Ok(Begun::Sent(id))
    }

    /// Makes a call whose params are too large to be copied under the lock.
    fn begin_large(
        &self,
        inner: MutexGuard<'_, Inner>,
        wire: &Wire,
        draft: &Draft<'_>,
        (id, lane): (u64, Lane),
        waker: Option<Waker>,
    ) -> Result<u64, Error> {
        drop(inner);
        let mut frame = Vec::with_capacity(draft.params.len() + draft.method.len() + 128);
        let written = self.write_request(wire, &mut frame, Some(id), draft);
        let mut inner = self.lock();
        if let Err(error) = written {
            self.undo(inner, [id]);
            return Err(error);
        }
        if let Some(reason) = inner.closed.clone() {
            // The connection ended meanwhile: nothing of the call is sent.
            self.undo(inner, [id]);
            return Err(Error::NotExecuted(reason));
        }
        let segments = inner.outbox.segments();
        // What is sent into a call keeps behind its request.
        let sends = draft.opening.is_some_and(|opening| opening.sends);
        let kind = if sends { Kind::Notification } else { Kind::Call };
        let hint = self.open(&mut inner, wire, lane, draft);
        inner.outbox.push_segment(Bytes::from(frame).into(), lane, kind, None);
        inner.outbox.set_hint(hint);
        if draft.concealed {
            inner.outbox.hide_last(Some(draft.params));
        }
        inner.send(id, lane, 0, segments, waker);
        wake_driver(inner);
        Ok(id)
    }

    /// Makes several calls and notifications (the drafts marked true) in one frame, all or none;
    /// their ids are appended to `ids`. Gives the key under which the caller waits, if it does.
    pub(crate) fn begin_batch(
        &self,
        drafts: &[(Draft<'_>, bool)],
        patience: Patience<'_>,
        ids: &mut Vec<Option<u64>>,
    ) -> Result<Option<u64>, Error> {
        let calls = drafts.iter().filter(|(_, notify)| !notify).count();
        // All of them are alike in what matters here.
        let Some((first, _)) = drafts.first() else { return Ok(None) };
        self.check_answers(calls)?;
        let mut inner = self.lock();
        let Some((wire, deadline)) = self.enter(&mut inner, calls, first, &patience)? else {
            return Ok(Some(wait(inner, patience, calls, first.timeout)));
        };
        let concealed = first.concealed;
        let segments = inner.outbox.segments();
        let start = inner.outbox.encode().len();
        let first = ids.len();
        ids.extend(
            drafts.iter().map(|(draft, notify)| (!notify).then(|| inner.insert(draft, deadline))),
        );
        let fresh = ids.get(first..).unwrap_or_default();
        // Where each frame ends: one for the batch, or one for each member.
        let mut ends = Vec::new();
        let written = match wire.profile.batches {
            true => wire.batch(inner.outbox.encode(), fresh, drafts),
            false => wire.group(inner.outbox.encode(), fresh, drafts, &mut ends),
        };
        if let Err(error) = written {
            inner.outbox.encode().truncate(start);
            self.undo(inner, ids.drain(first..).flatten());
            return Err(error);
        }
        if wire.profile.batches {
            let lane = inner.open_lane(self.line.shape);
            let ended = if calls == 0 { unawaited(lane) } else { None };
            inner.outbox.commit(start, lane, Kind::Call, ended);
            if concealed {
                inner.outbox.hide_last(None);
            }
            fresh.iter().flatten().for_each(|&id| inner.send(id, lane, start, segments, None));
        } else {
            let mut begin = start;
            for (&id, end) in fresh.iter().zip(ends) {
                let lane = inner.open_lane(self.line.shape);
                let ended = if id.is_none() { unawaited(lane) } else { None };
                inner.outbox.cut(end, lane, ended);
                if concealed {
                    inner.outbox.hide_last(None);
                }
                if let Some(id) = id {
                    inner.send(id, lane, begin, segments, None);
                }
                begin = end;
            }
        }
        wake_driver(inner);
        Ok(None)
    }

    /// Sends a notification, or joins the queue.
    pub(crate) fn notify(
        &self,
        draft: &Draft<'_>,
        patience: Patience<'_>,
    ) -> Result<Option<u64>, Error> {
        let mut inner = self.lock();
        let Some((wire, _)) = self.enter(&mut inner, 0, draft, &patience)? else {
            return Ok(Some(wait(inner, patience, 0, draft.timeout)));
        };
        self.push_notification(inner, wire, draft)?;
        Ok(None)
    }

    /// Sends a notification whoever waits, or fails where the queue is full.
    pub(crate) fn announce(&self, draft: &Draft<'_>) -> Result<(), Error> {
        let inner = self.lock();
        if let Some(reason) = &inner.closed {
            return Err(Error::NotExecuted(reason.clone()));
        }
        let wire = self.wire.get().filter(|_| draft.encoded).ok_or_else(undecided)?;
        if !inner.has_room(&self.limits, 0) {
            return Err(Error::limit("max_outgoing", self.limits.max_outgoing as u64));
        }
        self.push_notification(inner, wire, draft)
    }

    fn push_notification(
        &self,
        mut inner: MutexGuard<'_, Inner>,
        wire: &Wire,
        draft: &Draft<'_>,
    ) -> Result<(), Error> {
        let lane = inner.open_lane(self.line.shape);
        let out = inner.outbox.encode();
        let start = out.len();
        if let Err(error) = wire.request(out, None, draft) {
            out.truncate(start);
            return Err(error);
        }
        inner.outbox.commit(start, lane, Kind::Notification, unawaited(lane));
        if draft.concealed {
            inner.outbox.hide_last(Some(draft.params));
        }
        wake_driver(inner);
        Ok(())
    }

    /// Looks for the answer; a small result is put into `scratch`.
    pub(crate) fn poll_answer(
        &self,
        id: u64,
        waker: &Waker,
        scratch: &mut Vec<u8>,
    ) -> Option<Result<Body, Error>> {
        let mut inner = self.lock();
        let Some(slot) = inner.ring.get_mut(id) else {
            return Some(Err(Error::invalid("the answer was collected before")));
        };
        let answer = match std::mem::take(&mut slot.answer) {
            Answer::Awaited => {
                let old = match &mut slot.waker {
                    Some(old) if old.will_wake(waker) => None,
                    other => other.replace(waker.clone()),
                };
                drop(inner);
                drop(old);
                return None;
            }
            Answer::Small => {
                std::mem::swap(&mut slot.small, scratch);
                Ok(Body::Scratch)
            }
            Answer::Large(block) => Ok(Body::Block(block)),
            Answer::Error(error) => Err(Error::from_peer(*error)),
            Answer::Ended(error) => Err(*error),
        };
        let removed = inner.forget(id);
        let woken = inner.let_one_in(&self.limits);
        let driver = inner.driver_if_last();
        drop(inner);
        drop(removed);
        wake_all(woken.into_iter().chain(driver));
        Some(answer)
    }

    /// The caller no longer wants the answer.
    pub(crate) fn abandon(&self, id: u64) {
        let mut inner = self.lock();
        let mut driver = if inner.give_up(id) { inner.driver.take() } else { None };
        let stands = inner.stands(id);
        let removed = inner.forget(id);
        if removed.as_ref().is_some_and(|removed| removed.was_awaited)
            && self.push_cancel(&mut inner, id, stands)
        {
            driver = driver.or_else(|| inner.driver.take());
        }
        self.undo(inner, []);
        if let Some(removed) = removed {
            let mut wakes = Vec::new();
            removed.end_streams(&mut wakes);
            wake_all(wakes);
        }
        wake_all(driver);
    }

    /// The caller no longer waits for room.
    pub(crate) fn leave(&self, key: u64) {
        let mut inner = self.lock();
        let old = inner.waiters.leave(key);
        self.undo(inner, []);
        drop(old);
    }

    /// Forgets calls and lets others have their places.
    fn undo(&self, mut inner: MutexGuard<'_, Inner>, ids: impl IntoIterator<Item = u64>) {
        let removed: Vec<_> = ids.into_iter().filter_map(|id| inner.forget(id)).collect();
        let mut wakes = Vec::new();
        inner.let_in(&self.limits, self.wire.get().is_some(), &mut wakes);
        wakes.extend(inner.driver_if_last());
        drop(inner);
        drop(removed);
        wake_all(wakes);
    }

    /// True when no more calls can be made.
    pub(crate) fn closed(&self) -> Option<Reason> {
        self.lock().closed.clone()
    }

    /// Wakes the driver, to have it look at something that changed beside the calls.
    pub(crate) fn wake_driver(&self) {
        wake_driver(self.lock());
    }

    /// Has the message that comes next open an exchange for its streams, where it has both; gives the
    /// hint that was there.
    fn open(&self, inner: &mut Inner, wire: &Wire, lane: Lane, draft: &Draft<'_>) -> Hint {
        let own = inner.outbox.hint();
        let opens = draft.opening.is_some() && !lane.is_duplex();
        inner.outbox.set_hint(match opens {
            true if self.takes_streams() => Hint::Streams,
            true => wire.opening_hint(),
            false => own,
        });
        own
    }
}

/// How a lane of ours ends whose message has no answer.
fn unawaited(lane: Lane) -> Option<Ended> {
    (!lane.is_duplex()).then_some(Ended::Silent)
}

fn wake_driver(mut inner: MutexGuard<'_, Inner>) {
    let driver = inner.driver.take();
    drop(inner);
    wake_all(driver);
}

fn undecided() -> Error {
    Error::NotExecuted(Reason::Closed(
        "the peer has not spoken yet, so its protocol is not known: name one in the URL".into(),
    ))
}

pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls").field("shape", &self.line.shape).finish_non_exhaustive()
    }
}

impl From<FormatError> for Error {
    fn from(error: FormatError) -> Self {
        Self::encode(error)
    }
}
