//! `Broadcast`: what became of a notification to many peers.

use std::sync::Arc;

use serde::Serialize;
use tinyrpc_core::{Announcement, Error, Reason};
use tinyrpc_dispatch::Scope;

use super::ServerHandle;

/// Whom a broadcast reached, and whom it did not.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Broadcast {
    /// How many peers have it in their queues.
    pub sent: usize,
    /// Peers that were not told, each with the reason: its queue is full, it has not spoken yet
    /// so that its protocol is not known, its connection is about to end, or the params cannot be
    /// encoded in its format.
    pub skipped: Vec<(Arc<Scope>, Error)>,
    /// Peers that can never be told: behind a transport of exchanges, or a protocol without
    /// notifications.
    pub unsupported: Vec<Arc<Scope>>,
}

impl ServerHandle {
    /// Sends a notification to every peer.
    ///
    /// It waits for nobody: a peer whose queue is full is left out. The params are encoded once
    /// for each format.
    ///
    /// ```
    /// # fn example(server: tinyrpc::ServerHandle) {
    /// let told = server.broadcast("news", ("hello",));
    /// println!("{} heard it, {} are too slow", told.sent, told.skipped.len());
    /// # }
    /// ```
    pub fn broadcast<P: Serialize>(&self, method: &str, params: P) -> Broadcast {
        self.broadcast_to(|_| true, method, params)
    }

    /// Sends a notification to those peers of which `chosen` is true: by their address, or by
    /// data that [`Server::on_connect`](crate::Server::on_connect) gave them.
    ///
    /// ```
    /// # fn example(server: tinyrpc::ServerHandle) {
    /// struct Room(u32);
    ///
    /// let in_room = |peer: &tinyrpc::Scope| peer.data::<Room>().is_some_and(|room| room.0 == 7);
    /// server.broadcast_to(in_room, "said", ("hello",));
    /// # }
    /// ```
    pub fn broadcast_to<P: Serialize>(
        &self,
        chosen: impl Fn(&Scope) -> bool,
        method: &str,
        params: P,
    ) -> Broadcast {
        let mut announcement = Announcement::new(method, params);
        let mut told = Broadcast::default();
        for peer in self.peers() {
            if !chosen(&peer) {
                continue;
            }
            match announcement.send(&peer.caller) {
                Ok(()) => told.sent += 1,
                Err(Error::NotExecuted(Reason::Unsupported(_))) => told.unsupported.push(peer),
                Err(error) => told.skipped.push((peer, error)),
            }
        }
        told
    }
}
