//! `Peers`: the connections that a server has, and those that are about to be.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::future::AbortHandle;
use tinyrpc_core::{Limits, PeerAddress};
use tinyrpc_dispatch::Scope;

use crate::control::Control;

/// All places, by a number of their own.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    /// In the order in which they were taken.
    places: BTreeMap<u64, Seat>,
    by_address: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Seat {
    address: Option<IpAddr>,
    taken: Taken,
}

/// By what a place is taken.
#[derive(Debug)]
enum Taken {
    /// A connection that is being made.
    Made,
    /// A peer whose handshake is not over.
    Opening(AbortHandle),
    Connected(Arc<Scope>, Arc<Control>),
}

/// A connection's place in the table; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    peers: Arc<Peers>,
    number: u64,
}

impl Peers {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, that of the oldest peer still opening where all are taken; the name of the
    /// limit is the error where there is none.
    pub(crate) fn enter(
        self: &Arc<Self>,
        peer: &PeerAddress,
        limits: &Limits,
    ) -> Result<Place, &'static str> {
        let mut table = self.lock();
        let address = counted(peer);
        let alike = address.and_then(|address| table.by_address.get(&address)).copied();
        if alike.unwrap_or(0) >= limits.max_connections_per_address {
            return Err("max_connections_per_address");
        }
        let evicted = match table.places.len() >= limits.max_connections {
            true => Some(table.evict().ok_or("max_connections")?),
            false => None,
        };
        table.last += 1;
        let number = table.last;
        table.places.insert(number, Seat { address, taken: Taken::Made });
        if let Some(address) = address {
            *table.by_address.entry(address).or_default() += 1;
        }
        drop(table);
        // It wakes a task, which is code of the runtime: not under the lock.
        evicted.inspect(AbortHandle::abort);
        Ok(Place { peers: Arc::clone(self), number })
    }

    pub(crate) fn scopes(&self) -> Vec<Arc<Scope>> {
        self.connected(|scope, _| Arc::clone(scope))
    }

    pub(crate) fn controls(&self) -> Vec<Arc<Control>> {
        self.connected(|_, control| Arc::clone(control))
    }

    fn connected<T>(&self, get: impl Fn(&Arc<Scope>, &Arc<Control>) -> T) -> Vec<T> {
        let table = self.lock();
        let connected = table.places.values().filter_map(|seat| match &seat.taken {
            Taken::Connected(scope, control) => Some(get(scope, control)),
            Taken::Made | Taken::Opening(_) => None,
        });
        connected.collect()
    }

    /// Gives up every peer whose handshake is not over.
    pub(crate) fn abort_opening(&self) {
        loop {
            let evicted = self.lock().evict();
            let Some(abort) = evicted else { return };
            abort.abort();
        }
    }
}

impl Table {
    /// Takes the place of the oldest peer whose handshake is not over.
    fn evict(&mut self) -> Option<AbortHandle> {
        let opening = |(_, seat): &(&u64, &Seat)| matches!(seat.taken, Taken::Opening(_));
        let number = *self.places.iter().find(opening)?.0;
        match self.remove(number)?.taken {
            Taken::Opening(abort) => Some(abort),
            Taken::Made | Taken::Connected(..) => None,
        }
    }

    fn remove(&mut self, number: u64) -> Option<Seat> {
        let seat = self.places.remove(&number)?;
        if let Some(address) = seat.address
            && let Some(count) = self.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
        Some(seat)
    }
}

impl Place {
    /// Says that a handshake comes before the connection, and how to give it up.
    pub(crate) fn opens(&self, abort: AbortHandle) {
        self.set(Taken::Opening(abort));
    }

    /// Names the connection that has the place; false where the place went to another meanwhile.
    pub(crate) fn fill(&self, scope: Arc<Scope>, control: Arc<Control>) -> bool {
        self.set(Taken::Connected(scope, control))
    }

    fn set(&self, taken: Taken) -> bool {
        let mut table = self.peers.lock();
        let Some(seat) = table.places.get_mut(&self.number) else { return false };
        let old = std::mem::replace(&mut seat.taken, taken);
        drop(table);
        drop(old);
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let removed = self.peers.lock().remove(self.number);
        drop(removed);
    }
}

/// The address under which a peer is counted; loopback is exempt.
fn counted(peer: &PeerAddress) -> Option<IpAddr> {
    match peer {
        PeerAddress::Socket(address) if !address.ip().is_loopback() => Some(address.ip()),
        _ => None,
    }
}
