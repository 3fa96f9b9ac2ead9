//! `Router`: a ROUTER socket and the peers behind it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    task::Waker,
};

use bytes::Bytes;
use tinyrpc_core::{Frame, Hint, Incoming, Lane, Limits, PeerAddress, Shape};
use zmq::POLLIN;

use super::{
    message::{self, Origin, Parts},
    watch::{Event, Watched},
};

/// Everything that is behind the lock of a [`Hub`](super::hub::Hub).
///
/// INVARIANT: `routes` has the number of every peer in `peers` that has not left.
pub(super) struct Router {
    socket: Watched,
    most_waiting: usize,
    last_number: u64,
    last_lane: u64,
    peers: HashMap<u64, Peer>,
    routes: HashMap<Route, u64>,
    /// Whose network connection a descriptor is.
    descriptors: HashMap<i32, Vec<u64>>,
    /// Network connections that closed, although nothing was known of a peer behind them: its
    /// messages may still wait to be received.
    gone: HashSet<i32>,
    /// Peers that are to end once all was received that they sent.
    leaving: Vec<u64>,
    /// Peers that nobody has accepted yet; `None` once nobody ever will.
    newcomers: Option<VecDeque<u64>>,
    /// Whoever waits for newcomers.
    pub(super) acceptor: Option<Waker>,
    /// The task that receives.
    pub(super) pump: Option<Waker>,
    /// Who waits for room in the queue of a peer.
    pub(super) blocked: HashMap<u64, Waker>,
    /// How many hold on to it.
    pub(super) users: usize,
}

/// A peer, and in which of the two ways it speaks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Route {
    id: Bytes,
    is_exchange: bool,
}

#[derive(Debug)]
struct Peer {
    route: Route,
    address: PeerAddress,
    descriptor: Option<i32>,
    inbox: VecDeque<Frame>,
    /// Bytes in `inbox`, with what keeping them costs.
    waiting: usize,
    /// The envelopes of exchanges that are not over, each with the id of the peer in front.
    lanes: HashMap<u64, Vec<Bytes>>,
    reader: Option<Waker>,
    end: Option<End>,
}

/// How a peer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    /// It sent more than may wait.
    Flooded,
}

/// What a half gets for its peer.
#[derive(Debug)]
pub(super) enum Inbox {
    Some,
    Empty,
    Ended,
}

impl Router {
    pub(super) fn new(socket: Watched, limits: &Limits) -> Self {
        Self {
            socket,
            most_waiting: MOST_WAITING_MESSAGES * limits.max_message.max(limits.max_backlog),
            last_number: 0,
            last_lane: 0,
            peers: HashMap::new(),
            routes: HashMap::new(),
            descriptors: HashMap::new(),
            gone: HashSet::new(),
            leaving: Vec::new(),
            newcomers: Some(VecDeque::new()),
            acceptor: None,
            pump: None,
            blocked: HashMap::new(),
            users: 0,
        }
    }

    pub(super) fn socket(&self) -> &Watched {
        &self.socket
    }

    /// Receives what is there, up to a bound; true where there is more.
    pub(super) fn receive(&mut self, wakers: &mut Vec<Waker>) -> io::Result<bool> {
        // What closed before now sent everything before now.
        self.observe();
        for _ in 0..MESSAGES_PER_TURN {
            let Some(parts) = message::receive(self.socket.socket(), Origin::Wanted)? else {
                for number in std::mem::take(&mut self.leaving) {
                    self.end(number, End::Closed, wakers);
                }
                self.gone.clear();
                return Ok(false);
            };
            self.deliver(parts, wakers);
        }
        Ok(true)
    }

    /// Takes notice of network connections that opened and closed.
    fn observe(&mut self) {
        while let Some(event) = self.socket.next_event() {
            match event {
                Event::Opened(descriptor) => {
                    self.gone.remove(&descriptor);
                }
                Event::Closed(descriptor) => match self.descriptors.remove(&descriptor) {
                    Some(numbers) => self.leaving.extend(numbers),
                    None => {
                        self.gone.insert(descriptor);
                    }
                },
                _ => {}
            }
        }
    }

    fn deliver(&mut self, parts: Parts, wakers: &mut Vec<Waker>) {
        let Parts { envelope, body, descriptor, address } = parts;
        // The socket puts the id of the peer in front of everything.
        let Some(id) = envelope.first() else { return };
        let route = Route { id: id.clone(), is_exchange: envelope.len() > 1 };
        let known = self.routes.get(&route).copied();
        // A client of ours says by an empty message that it is gone, where nothing else says it.
        let is_farewell = body.is_empty() && !route.is_exchange;
        let number = match known {
            // The same id over another network connection is another peer.
            Some(number) if self.is_over(number, descriptor) => {
                self.end(number, End::Closed, wakers);
                None
            }
            known => known,
        };
        if is_farewell {
            number.into_iter().for_each(|number| self.end(number, End::Closed, wakers));
            return;
        }
        let number = match number {
            Some(number) => number,
            None => match self.greet(route.clone(), descriptor, address, wakers) {
                Some(number) => number,
                None => {
                    // As far as that can be said.
                    _ = message::send(self.socket.socket(), &envelope, &Bytes::new());
                    return;
                }
            },
        };
        self.last_lane += 1;
        let Some(peer) = self.peers.get_mut(&number) else { return };
        let mut lane = Lane::DUPLEX;
        if route.is_exchange {
            lane = Lane(self.last_lane);
            peer.lanes.insert(lane.0, envelope);
        }
        peer.waiting += body.len() + COST;
        peer.inbox.push_back(Frame { lane, bytes: body, hint: Hint::None });
        wakers.extend(peer.reader.take());
        if peer.waiting > self.most_waiting {
            self.end(number, End::Flooded, wakers);
        }
    }

    fn is_over(&self, number: u64, descriptor: Option<i32>) -> bool {
        self.peers
            .get(&number)
            .is_none_or(|peer| peer.end.is_some() || peer.descriptor != descriptor)
    }

    /// A peer that was not known; `None` where it cannot be served.
    fn greet(
        &mut self,
        route: Route,
        descriptor: Option<i32>,
        address: Option<String>,
        wakers: &mut Vec<Waker>,
    ) -> Option<u64> {
        if let Some(descriptor) = &descriptor
            && self.descriptors.contains_key(descriptor)
            && !self.shares(*descriptor, &route)
        {
            // The system gave the number of a closed connection to a new one.
            self.observe();
        }
        let newcomers = self.newcomers.as_mut()?;
        if newcomers.len() >= BACKLOG {
            return None;
        }
        self.last_number += 1;
        let number = self.last_number;
        newcomers.push_back(number);
        wakers.extend(self.acceptor.take());
        if let Some(descriptor) = descriptor {
            match self.gone.contains(&descriptor) {
                true => self.leaving.push(number),
                false => self.descriptors.entry(descriptor).or_default().push(number),
            }
        }
        let address = match (descriptor, address.map(|text| text.parse::<IpAddr>())) {
            // The port is known to nobody but ZeroMQ.
            (_, Some(Ok(address))) => PeerAddress::Socket(SocketAddr::new(address, 0)),
            (Some(_), _) => PeerAddress::Other("a peer over ipc".into()),
            (None, _) => PeerAddress::Memory,
        };
        let peer = Peer {
            route: route.clone(),
            address,
            descriptor,
            inbox: VecDeque::new(),
            waiting: 0,
            lanes: HashMap::new(),
            reader: None,
            end: None,
        };
        self.peers.insert(number, peer);
        self.routes.insert(route, number);
        Some(number)
    }

    /// True where one peer speaks in both ways over one network connection.
    fn shares(&self, descriptor: i32, route: &Route) -> bool {
        let numbers = self.descriptors.get(&descriptor);
        numbers
            .into_iter()
            .flatten()
            .all(|number| self.peers.get(number).is_some_and(|peer| peer.route.id == route.id))
    }

    /// Nothing more is received for a peer.
    fn end(&mut self, number: u64, how: End, wakers: &mut Vec<Waker>) {
        let Some(peer) = self.peers.get_mut(&number) else { return };
        peer.end.get_or_insert(how);
        wakers.extend(peer.reader.take());
        wakers.extend(self.blocked.remove(&number));
        self.forget_route(number);
    }

    fn forget_route(&mut self, number: u64) {
        let Some(peer) = self.peers.get(&number) else { return };
        if self.routes.get(&peer.route) == Some(&number) {
            self.routes.remove(&peer.route);
        }
        if let Some(descriptor) = peer.descriptor
            && let Some(numbers) = self.descriptors.get_mut(&descriptor)
        {
            numbers.retain(|other| *other != number);
        }
    }

    /// The next peer that nobody has accepted.
    pub(super) fn accept(&mut self) -> Option<(u64, PeerAddress, Shape)> {
        loop {
            let number = self.newcomers.as_mut()?.pop_front()?;
            let Some(peer) = self.peers.get(&number) else { continue };
            let shape = if peer.route.is_exchange { Shape::Exchange } else { Shape::Messages };
            return Some((number, peer.address.clone(), shape));
        }
    }

    /// Nobody accepts peers any more.
    pub(super) fn stop_accepting(&mut self) {
        for number in self.newcomers.take().into_iter().flatten() {
            self.leave(number);
        }
    }

    /// Moves what came from a peer into `into`.
    pub(super) fn take(&mut self, number: u64, into: &mut Incoming) -> io::Result<Inbox> {
        let Some(peer) = self.peers.get_mut(&number) else { return Ok(Inbox::Ended) };
        if peer.end == Some(End::Flooded) {
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, FLOODED));
        }
        if !peer.inbox.is_empty() {
            peer.waiting = 0;
            peer.inbox.drain(..).for_each(|frame| into.push(frame));
            return Ok(Inbox::Some);
        }
        Ok(if peer.end.is_some() { Inbox::Ended } else { Inbox::Empty })
    }

    /// Has a task woken when something comes from a peer; gives the waker that was there.
    pub(super) fn wait(&mut self, number: u64, waker: &Waker) -> Option<Waker> {
        self.peers.get_mut(&number)?.reader.replace(waker.clone())
    }

    /// Sends a message to a peer, on its exchange or by itself; false where there is no room now.
    pub(super) fn send(&mut self, number: u64, lane: Lane, body: &Bytes) -> io::Result<bool> {
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the peer is gone");
        let Some(peer) = self.peers.get(&number) else { return Err(gone()) };
        let sent = if lane.is_duplex() {
            message::send(self.socket.socket(), std::slice::from_ref(&peer.route.id), body)
        } else {
            // An exchange that is over takes nothing more.
            let Some(envelope) = peer.lanes.get(&lane.0) else { return Ok(true) };
            message::send(self.socket.socket(), envelope, body)
        };
        match sent {
            Err(_) if peer.end.is_some() => Err(gone()),
            sent => sent,
        }
    }

    /// An exchange has had its answer; true where it was not over before.
    pub(super) fn finish(&mut self, number: u64, lane: Lane) -> bool {
        self.peers.get_mut(&number).is_some_and(|peer| peer.lanes.remove(&lane.0).is_some())
    }

    /// True where an exchange has had no answer.
    pub(super) fn is_open(&self, number: u64, lane: Lane) -> bool {
        self.peers.get(&number).is_some_and(|peer| peer.lanes.contains_key(&lane.0))
    }

    /// Nobody serves a peer any more. Whoever waits at the other end is told by an empty message.
    pub(super) fn leave(&mut self, number: u64) {
        self.forget_route(number);
        self.blocked.remove(&number);
        let Some(peer) = self.peers.remove(&number) else { return };
        if peer.end == Some(End::Closed) {
            return;
        }
        for envelope in peer.lanes.values() {
            _ = message::send(self.socket.socket(), envelope, &Bytes::new());
        }
        if !peer.route.is_exchange {
            _ = message::send(self.socket.socket(), &[peer.route.id], &Bytes::new());
        }
    }

    /// True where something can be received, which a call on the socket may have found out.
    pub(super) fn has_more(&self) -> bool {
        self.socket.socket().get_events().is_ok_and(|events| events.contains(POLLIN))
    }
}

const FLOODED: &str = "the peer sent more than `max_message` and `max_backlog` let wait";

/// Messages that are received before others have their turn.
const MESSAGES_PER_TURN: usize = 1024;
/// Peers that were not accepted yet.
const BACKLOG: usize = 128;
/// Bytes that a waiting message costs beside its own.
const COST: usize = 96;
/// Largest messages of one peer that may wait: while one is handled, others come in.
const MOST_WAITING_MESSAGES: usize = 4;
