//! `Peers`: the connections that a server has.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tinyrpc_core::{Limits, PeerAddress};
use tinyrpc_dispatch::Scope;

use crate::control::Control;

/// All connections, by a number of their own.
#[derive(Debug, Default)]
pub(super) struct Peers {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    last: u64,
    /// Places that are taken; those of connections being made are not in `connected` yet.
    places: usize,
    connected: HashMap<u64, (Arc<Scope>, Arc<Control>)>,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place in the table; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    peers: Arc<Peers>,
    number: u64,
    address: Option<IpAddr>,
}

impl Peers {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place; the name of the limit is the error where there is none.
    pub(super) fn enter(
        self: &Arc<Self>,
        peer: &PeerAddress,
        limits: &Limits,
    ) -> Result<Place, &'static str> {
        let mut table = self.lock();
        if table.places >= limits.max_connections {
            return Err("max_connections");
        }
        let address = counted(peer);
        if let Some(address) = address {
            let taken = table.by_address.entry(address).or_default();
            if *taken >= limits.max_connections_per_address {
                return Err("max_connections_per_address");
            }
            *taken += 1;
        }
        table.places += 1;
        table.last += 1;
        Ok(Place { peers: Arc::clone(self), number: table.last, address })
    }

    pub(super) fn scopes(&self) -> Vec<Arc<Scope>> {
        self.lock().connected.values().map(|(scope, _)| Arc::clone(scope)).collect()
    }

    pub(super) fn controls(&self) -> Vec<Arc<Control>> {
        self.lock().connected.values().map(|(_, control)| Arc::clone(control)).collect()
    }
}

impl Place {
    /// Names the connection that has the place.
    pub(super) fn fill(&self, scope: Arc<Scope>, control: Arc<Control>) {
        self.peers.lock().connected.insert(self.number, (scope, control));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let removed = {
            let mut table = self.peers.lock();
            table.places -= 1;
            if let Some(address) = self.address
                && let Some(count) = table.by_address.get_mut(&address)
            {
                *count -= 1;
                if *count == 0 {
                    table.by_address.remove(&address);
                }
            }
            table.connected.remove(&self.number)
        };
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
