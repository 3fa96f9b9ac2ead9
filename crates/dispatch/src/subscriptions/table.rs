//! `Subscriptions`: those of one peer, by their ids.

use std::{
    collections::{HashMap, hash_map::RandomState},
    fmt,
    future::Future,
    hash::BuildHasher,
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use futures_util::future::{AbortHandle, AbortRegistration};
use tinyrpc_core::{LimitReached, SubscriptionId};

use super::Channel;

/// The subscriptions of a connection's peer. Streams are elsewhere, but for those that are new.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    table: Mutex<Table>,
    /// There are new ones.
    fresh: AtomicBool,
}

#[derive(Default)]
struct Table {
    live: HashMap<SubscriptionId, Live>,
    /// Places for those whose handlers have not finished.
    reserved: usize,
    /// How many there have been.
    count: u64,
    /// Makes ids of numbers.
    key: Option<u64>,
    fresh: Vec<Fresh>,
    /// The connection is over.
    closed: bool,
}

#[derive(Debug)]
struct Live {
    channel: Arc<Channel>,
    abort: AbortHandle,
}

/// A subscription that has not begun.
pub(super) struct Fresh {
    /// The request that made it.
    pub(super) number: u64,
    pub(super) work: Work,
    pub(super) abort: AbortRegistration,
}

/// Sends items for as long as there are any.
pub(super) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A place among the subscriptions of a peer; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    subscriptions: Arc<Subscriptions>,
    /// `None` while it is only reserved.
    id: Option<SubscriptionId>,
}

impl Subscriptions {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a subscription that is about to be made.
    pub(super) fn reserve(self: &Arc<Self>, limit: usize) -> Result<Place, LimitReached> {
        let mut table = self.lock();
        if table.live.len() + table.reserved >= limit {
            return Err(LimitReached { name: "max_subscriptions", limit: limit as u64 });
        }
        table.reserved += 1;
        Ok(Place { subscriptions: Arc::clone(self), id: None })
    }

    /// Ends a subscription; false where there is none of that id and channel.
    pub(super) fn leave(&self, id: &SubscriptionId, channel: &Arc<Channel>) -> bool {
        let mut table = self.lock();
        if !table.live.get(id).is_some_and(|live| Arc::ptr_eq(&live.channel, channel)) {
            return false;
        }
        let removed = table.live.remove(id);
        drop(table);
        // It wakes whoever drives the connection, who drops the stream.
        removed.iter().for_each(|live| live.abort.abort());
        true
    }

    /// Those that are new, and none again before there are more.
    pub(super) fn take_fresh(&self) -> Vec<Fresh> {
        match self.fresh.swap(false, SeqCst) {
            true => mem::take(&mut self.lock().fresh),
            false => Vec::new(),
        }
    }

    /// The connection is over: nobody subscribes any more.
    pub(super) fn close(&self) -> Vec<Fresh> {
        let mut table = self.lock();
        table.closed = true;
        mem::take(&mut table.fresh)
    }
}

impl Table {
    /// An id that looks like any other and comes only once: each step has exactly one inverse, so
    /// different numbers have different ids.
    fn next_id(&mut self) -> SubscriptionId {
        self.count += 1;
        // The keys of a hasher are random, and that is all that is needed here.
        let key = *self.key.get_or_insert_with(|| RandomState::new().hash_one(()));
        let mut id = self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ key;
        // The finalizer of SplitMix64.
        id = (id ^ (id >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        id = (id ^ (id >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        id ^= id >> 31;
        SubscriptionId::from(&*format!("0x{id:016x}"))
    }
}

impl Place {
    /// Makes the subscription, and gives its id. What `work` makes begins when the answer to the
    /// request of this number has left.
    pub(super) fn fill(
        mut self,
        number: u64,
        channel: &Arc<Channel>,
        work: impl FnOnce(SubscriptionId, Self) -> Work,
    ) -> SubscriptionId {
        let subscriptions = Arc::clone(&self.subscriptions);
        let (abort, registration) = AbortHandle::new_pair();
        let mut table = subscriptions.lock();
        let id = table.next_id();
        table.reserved -= 1;
        table.live.insert(id.clone(), Live { channel: Arc::clone(channel), abort });
        self.id = Some(id.clone());
        drop(table);
        let fresh = Fresh { number, work: work(id.clone(), self), abort: registration };
        let mut table = subscriptions.lock();
        if table.closed {
            drop(table);
            drop(fresh);
            return id;
        }
        table.fresh.push(fresh);
        subscriptions.fresh.store(true, SeqCst);
        id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.subscriptions.lock();
        match &self.id {
            None => table.reserved -= 1,
            Some(id) => {
                let removed = table.live.remove(id);
                drop(table);
                drop(removed);
            }
        }
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
impl Subscriptions {
    /// How many there are, those that are being made included.
    pub(super) fn len(&self) -> usize {
        let table = self.lock();
        table.live.len() + table.reserved + table.fresh.len()
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("live", &self.live.len())
            .field("fresh", &self.fresh.len())
            .finish_non_exhaustive()
    }
}
