//! `Router`: to which subscription a notification belongs.

use std::{
    collections::{HashMap, VecDeque},
    fmt, mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::Waker,
};

use super::{Key, inbox::Inbox};
use crate::{Error, Payload, Reason, Request, SubscriptionId, calls::Calls};

/// The subscriptions of one side of a connection.
///
/// Its lock may be taken under that of [`Calls`], and none under its own but those of inboxes.
#[derive(Debug, Default)]
pub(crate) struct Router {
    /// There is anything to look for.
    active: AtomicBool,
    /// How many full inboxes have the connection not read.
    full: AtomicUsize,
    /// As much as may be is kept for calls that subscribe. Their answers came before that, so that
    /// the connection need not be read for them.
    crowded: AtomicBool,
    /// There is something for the session to do.
    due: AtomicBool,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    routes: HashMap<Key, Arc<Inbox>>,
    /// Calls that subscribe and whose answers were not read.
    subscribing: usize,
    /// What came meanwhile and belongs to nobody yet.
    parked: VecDeque<(Key, Parked)>,
    parked_bytes: usize,
    /// What belongs to nobody, after all.
    released: Vec<Parked>,
    /// Calls that subscribe and whose callers are gone, with the methods that unsubscribe.
    orphans: VecDeque<(u64, Arc<str>)>,
    /// Subscriptions that nobody wants.
    unwanted: Vec<(SubscriptionId, Arc<str>)>,
    /// Those that were forgotten last: more of them may be on the way.
    forgotten: VecDeque<Key>,
    closed: Option<Reason>,
}

/// A notification that is kept.
pub(crate) struct Parked {
    pub(crate) method: Box<str>,
    pub(crate) params: Payload,
}

/// A call that subscribes: until it is dropped, what belongs to nobody is kept.
pub(crate) struct Parking {
    calls: Arc<Calls>,
}

impl Router {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True where a notification may belong to a subscription.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(SeqCst)
    }

    /// True while a subscriber that waits has too much.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(SeqCst) > 0
    }

    /// True while too much came that a call may have subscribed whose answer was not read.
    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded.load(SeqCst)
    }

    pub(super) fn stop(&self) {
        self.full.fetch_add(1, SeqCst);
    }

    pub(super) fn go_on(&self) {
        self.full.fetch_sub(1, SeqCst);
    }

    /// Takes a notification that belongs to a subscription, or may; false where it does not.
    /// Of those that may, the connection is not read behind `most` bytes.
    pub(crate) fn deliver(
        &self,
        key: Key,
        request: &Request<'_>,
        most: usize,
        wakes: &mut Vec<Waker>,
    ) -> bool {
        let mut table = self.lock();
        if let Some(inbox) = table.routes.get(&key).map(Arc::clone) {
            if !inbox.put(request.params.to_payload(), self, wakes) {
                table.routes.remove(&key);
                table.reject(key, &inbox);
                self.due.store(true, SeqCst);
            }
            return true;
        }
        if table.forgotten.contains(&key) {
            return true;
        }
        if table.subscribing == 0 {
            return false;
        }
        table.parked_bytes += request.params.bytes.len();
        let method = request.method.as_ref().into();
        table.parked.push_back((key, Parked { method, params: request.params.to_payload() }));
        if table.parked.len() >= MOST_PARKED || table.parked_bytes >= most {
            self.crowded.store(true, SeqCst);
        }
        true
    }

    /// Has notifications of a key put into an inbox, those that came before included; true where
    /// the connection may be read again.
    pub(super) fn register(&self, key: Key, inbox: &Arc<Inbox>) -> bool {
        let mut wakes = Vec::new();
        let mut guard = self.lock();
        let table = &mut *guard;
        for (whose, parked) in mem::take(&mut table.parked) {
            if whose != key {
                table.parked.push_back((whose, parked));
                continue;
            }
            table.parked_bytes -= parked.params.bytes.len();
            inbox.seed(parked.params, self);
        }
        table.forgotten.retain(|forgotten| *forgotten != key);
        let old = match &table.closed {
            Some(reason) => {
                inbox.end(Error::Interrupted(reason.clone()), &mut wakes);
                None
            }
            None => table.routes.insert(key, Arc::clone(inbox)),
        };
        if let Some(old) = old {
            let why = "the peer gave its id to another subscription";
            old.end(Error::Interrupted(Reason::Invalid(why.into())), &mut wakes);
        }
        self.active.store(true, SeqCst);
        let makes_room = self.crowded.swap(false, SeqCst);
        drop(guard);
        crate::calls::wake_all(wakes);
        makes_room
    }

    /// Forgets an inbox; false where that was done before, or the connection is gone.
    pub(super) fn forget(&self, key: &Key, inbox: &Arc<Inbox>) -> bool {
        let mut table = self.lock();
        inbox.close(self);
        if !table.routes.get(key).is_some_and(|known| Arc::ptr_eq(known, inbox)) {
            return false;
        }
        let removed = table.routes.remove(key);
        if table.forgotten.len() >= MOST_FORGOTTEN {
            table.forgotten.pop_front();
        }
        table.forgotten.push_back(key.clone());
        drop(table);
        drop(removed);
        true
    }

    /// The caller of a call that subscribes is gone: should it be answered, `unsubscribe` is called.
    pub(super) fn orphan(&self, call: u64, unsubscribe: &str) {
        let mut table = self.lock();
        if table.orphans.len() >= MOST_FORGOTTEN {
            table.orphans.pop_front();
        }
        table.orphans.push_back((call, unsubscribe.into()));
        self.active.store(true, SeqCst);
    }

    /// It was answered before.
    pub(super) fn adopt(&self, call: u64) {
        self.lock().orphans.retain(|(orphan, _)| *orphan != call);
    }

    /// An answer for which nobody waits came; `id` reads it.
    pub(crate) fn answer(&self, call: u64, id: impl FnOnce() -> Option<SubscriptionId>) {
        let mut table = self.lock();
        let Some(at) = table.orphans.iter().position(|(orphan, _)| *orphan == call) else { return };
        if let (Some((_, unsubscribe)), Some(id)) = (table.orphans.remove(at), id()) {
            table.unwanted.push((id, unsubscribe));
            self.due.store(true, SeqCst);
        }
    }

    /// True where [`Router::take_due`] has something.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        self.due.load(SeqCst)
    }

    /// What the session is to do: serve notifications that belong to nobody, and unsubscribe.
    pub(crate) fn take_due(&self) -> (Vec<Parked>, Vec<(SubscriptionId, Arc<str>)>) {
        let mut table = self.lock();
        self.due.store(false, SeqCst);
        (mem::take(&mut table.released), mem::take(&mut table.unwanted))
    }

    /// The connection is over, and with it all subscriptions.
    pub(crate) fn end(&self, reason: &Reason, wakes: &mut Vec<Waker>) {
        let mut table = self.lock();
        table.closed.get_or_insert_with(|| reason.clone());
        let ended = mem::take(&mut table.routes);
        for inbox in ended.values() {
            inbox.end(Error::Interrupted(reason.clone()), wakes);
        }
        self.crowded.store(false, SeqCst);
        table.parked_bytes = 0;
        let parked = mem::take(&mut table.parked);
        table.orphans.clear();
        drop(table);
        drop((ended, parked));
    }
}

impl Table {
    /// A subscription ended because of this side: its peer is to be told.
    fn reject(&mut self, key: Key, inbox: &Inbox) {
        if let Key::Subscription(id) = &key {
            self.unwanted.push((id.clone(), Arc::clone(inbox.unsubscribe())));
        }
        if self.forgotten.len() >= MOST_FORGOTTEN {
            self.forgotten.pop_front();
        }
        self.forgotten.push_back(key);
    }
}

impl Parking {
    pub(crate) fn new(calls: &Arc<Calls>) -> Self {
        let router = &calls.router;
        router.lock().subscribing += 1;
        router.active.store(true, SeqCst);
        Self { calls: Arc::clone(calls) }
    }

    /// True where it is for calls of this connection.
    pub(crate) fn is_on(&self, calls: &Arc<Calls>) -> bool {
        Arc::ptr_eq(&self.calls, calls)
    }
}

impl Drop for Parking {
    fn drop(&mut self) {
        let router = &self.calls.router;
        let mut guard = router.lock();
        let table = &mut *guard;
        table.subscribing -= 1;
        router.crowded.store(false, SeqCst);
        if table.subscribing > 0 || table.parked.is_empty() {
            return;
        }
        table.parked_bytes = 0;
        table.released.extend(table.parked.drain(..).map(|(_, parked)| parked));
        router.due.store(true, SeqCst);
        drop(guard);
        self.calls.wake_driver();
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("routes", &self.routes.len())
            .field("subscribing", &self.subscribing)
            .field("parked", &self.parked.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Parking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parking")
    }
}

/// Notifications that are kept for calls that subscribe before the connection is read no further:
/// as many as a turn handles.
const MOST_PARKED: usize = 256;
/// Subscriptions of which more may come although nobody wants it, and calls that may be answered
/// although nobody waits.
const MOST_FORGOTTEN: usize = 64;
