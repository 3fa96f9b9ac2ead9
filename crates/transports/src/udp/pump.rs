//! `Pump`: the one task that reads the socket of a server, and knows its peers.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tinyrpc_core::{Connection, Limits};
use tokio::{
    net::UdpSocket,
    sync::{Notify, mpsc},
    time::{MissedTickBehavior, interval},
};

use super::{
    READS_PER_TURN,
    inbox::Inbox,
    peer::{self, Desk},
};

/// Reads until the listener and all connections are gone.
pub(super) struct Pump {
    desk: Desk,
    peers: HashMap<SocketAddr, Peer>,
    accepted: mpsc::Sender<Connection>,
    idle: Duration,
    most: usize,
    buffer: Box<[u8]>,
}

struct Peer {
    inbox: Arc<Inbox>,
    /// When something came last.
    heard: Instant,
}

impl Pump {
    pub(super) fn new(
        socket: Arc<UdpSocket>,
        accepted: mpsc::Sender<Connection>,
        largest: usize,
        limits: &Limits,
    ) -> Self {
        Self {
            desk: Desk { socket, left: Arc::new(Notify::new()), largest },
            peers: HashMap::new(),
            accepted,
            idle: limits.idle,
            // A place is free again only after its connection has ended: those who come meanwhile
            // would be refused by a server that is full to the last place.
            most: (limits.max_connections - limits.max_connections / 4).max(1),
            buffer: vec![0; 1 << 16].into(),
        }
    }

    pub(super) async fn run(mut self) {
        let (accepted, desk) = (self.accepted.clone(), self.desk.clone());
        let mut sweep = interval((self.idle / 4).max(SHORTEST_SWEEP));
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !(accepted.is_closed() && self.peers.is_empty()) {
            tokio::select! {
                _ = desk.socket.readable() => self.receive(),
                () = desk.left.notified() => self.peers.retain(|_, peer| !peer.inbox.is_left()),
                () = accepted.closed(), if !accepted.is_closed() => {}
                _ = sweep.tick() => self.expire(),
            }
        }
    }

    fn receive(&mut self) {
        for _ in 0..READS_PER_TURN {
            match self.desk.socket.try_recv_from(&mut self.buffer) {
                Ok((length, address)) => {
                    let datagram = self.buffer.get(..length).unwrap_or_default();
                    let datagram = Bytes::copy_from_slice(datagram);
                    self.deliver(datagram, address);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                // On some systems the error of an answer that reached nobody.
                Err(_) => {}
            }
        }
    }

    /// Gives a datagram to the connection of its peer. It is lost where there is no room for it.
    fn deliver(&mut self, datagram: Bytes, address: SocketAddr) {
        if let Some(peer) = self.peers.get_mut(&address)
            && !peer.inbox.is_left()
        {
            peer.heard = Instant::now();
            // An empty one keeps the way through a router open, and says nothing.
            if !datagram.is_empty() {
                peer.inbox.put(datagram);
            }
            return;
        }
        if datagram.is_empty() {
            return;
        }
        if self.peers.len() >= self.most && !self.make_room() {
            return;
        }
        let Ok(place) = self.accepted.try_reserve() else { return };
        let inbox = Arc::new(Inbox::default());
        inbox.put(datagram);
        place.send(peer::connection(self.desk.clone(), Arc::clone(&inbox), address));
        self.peers.insert(address, Peer { inbox, heard: Instant::now() });
    }

    /// Parts with the peer that was silent for the longest time, of those for whom there is nothing
    /// to be done.
    fn make_room(&mut self) -> bool {
        let idle = self.peers.iter().filter(|(_, peer)| peer.inbox.is_idle());
        let silent = idle.min_by_key(|(_, peer)| peer.heard).map(|(address, _)| *address);
        let gone = silent.and_then(|address| self.peers.remove(&address));
        gone.is_some_and(|peer| peer.inbox.end_if_idle())
    }

    fn expire(&mut self) {
        let idle = self.idle;
        self.peers.retain(|_, peer| peer.heard.elapsed() < idle || !peer.inbox.end_if_idle());
    }
}

/// However short a peer may be idle.
const SHORTEST_SWEEP: Duration = Duration::from_millis(10);
