//! `Router`: a ROUTER socket and the peers behind it.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    task::Waker,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tinyrpc_core::{Frame, Hint, Incoming, Lane, Limits, Outgoing, Peeked, PeerAddress, Shape};
use zmq::{POLLIN, Socket};

use super::{
    message::{self, Got, Origin, Raw, Store},
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
    peers: HashMap<u64, Peer, ByNumber>,
    routes: Routes,
    store: Store,
    /// What one turn received; kept for its memory.
    batch: Vec<Raw>,
    /// Whose network connection a descriptor is.
    descriptors: HashMap<i32, Vec<u64>>,
    /// Network connections that closed, although nothing was known of a peer behind them: its
    /// messages may still wait to be received.
    gone: HashSet<i32>,
    /// Peers of messages that were served no longer, while their network connection goes on: what
    /// they say until they know belongs to nobody, and least of all to the next one of their id.
    dismissed: HashMap<Bytes, Dismissed>,
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
    /// A peer of which as much waits as may, so that nothing is received for a moment.
    crowded: Option<u64>,
    /// A network connection closed; whoever connected it wants to know.
    pub(super) is_cut: bool,
    pub(super) keeper: Option<Waker>,
}

/// A peer, and in which of the two ways it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Route {
    id: Bytes,
    is_exchange: bool,
}

/// The numbers of peers by their ids, for each of the two ways in which they speak.
#[derive(Debug, Default)]
struct Routes {
    messages: HashMap<Bytes, u64>,
    exchanges: HashMap<Bytes, u64>,
    /// The one that was found last: messages come many at a time from one peer.
    recent: Option<(Route, u64)>,
}

impl Routes {
    fn find(&mut self, is_exchange: bool, id: &[u8]) -> Option<u64> {
        if let Some((route, number)) = &self.recent
            && route.is_exchange == is_exchange
            && *route.id == *id
        {
            return Some(*number);
        }
        let (id, number) = self.of(is_exchange).get_key_value(id)?;
        let (route, number) = (Route { id: id.clone(), is_exchange }, *number);
        self.recent = Some((route, number));
        Some(number)
    }

    fn insert(&mut self, route: Route, number: u64) {
        self.recent = None;
        self.of(route.is_exchange).insert(route.id, number);
    }

    /// Forgets a route, where it is still that of `number`.
    fn remove(&mut self, route: &Route, number: u64) {
        self.recent = None;
        let routes = self.of(route.is_exchange);
        if routes.get(&route.id) == Some(&number) {
            routes.remove(&route.id);
        }
    }

    fn of(&mut self, is_exchange: bool) -> &mut HashMap<Bytes, u64> {
        if is_exchange { &mut self.exchanges } else { &mut self.messages }
    }
}

/// What a turn of receiving came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// Nothing more is there.
    Drained,
    /// There may be more, but others should have their turn.
    More,
    /// There is more, and a peer has to take what it has first.
    Crowded,
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

/// A peer that was told that it is served no longer.
#[derive(Debug)]
struct Dismissed {
    descriptor: Option<i32>,
    since: Instant,
}

/// How a peer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    /// It sent more than may wait.
    Flooded,
    /// This side has had enough.
    Cut,
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
            peers: HashMap::default(),
            routes: Routes::default(),
            store: Store::default(),
            batch: Vec::new(),
            descriptors: HashMap::new(),
            gone: HashSet::new(),
            dismissed: HashMap::new(),
            leaving: Vec::new(),
            newcomers: Some(VecDeque::new()),
            acceptor: None,
            pump: None,
            blocked: HashMap::new(),
            users: 0,
            crowded: None,
            is_cut: false,
            keeper: None,
        }
    }

    pub(super) fn socket(&self) -> &Watched {
        &self.socket
    }

    /// Receives what is there, up to a bound.
    pub(super) fn receive(&mut self, wakers: &mut Vec<Waker>) -> io::Result<Flow> {
        if self.crowded.is_some() {
            return Ok(Flow::Crowded);
        }
        // What had closed by the end of the last turn has sent everything before now.
        let leaving = std::mem::take(&mut self.leaving);
        let (mut room, mut count, mut drained) = (BYTES_PER_TURN, 0, false);
        let mut batch = std::mem::take(&mut self.batch);
        while room > 0 && count < MESSAGES_PER_TURN {
            count += 1;
            match message::receive(self.socket.socket())? {
                Got::Nothing => {
                    drained = true;
                    break;
                }
                // It is refused, and its sender may send another one.
                Got::Excess(envelope) => {
                    let envelope = envelope.iter().map(|part| &**part);
                    _ = message::send(self.socket.socket(), envelope, &[]);
                }
                Got::Whole(raw) => {
                    room = room.saturating_sub(raw.len);
                    batch.push(raw);
                }
            }
        }
        // Behind a connection that closed meanwhile another one may have come with its id.
        let closed = self.observe(wakers);
        let doubtful = closed || !leaving.is_empty();
        for raw in batch.drain(..) {
            self.deliver(raw, doubtful, wakers);
        }
        self.batch = batch;
        if !drained {
            self.leaving.extend(leaving);
            return Ok(if self.crowded.is_some() { Flow::Crowded } else { Flow::More });
        }
        for number in leaving {
            self.end(number, End::Closed, wakers);
        }
        // What they sent before may have come after all was received.
        if closed || !self.leaving.is_empty() {
            return Ok(Flow::More);
        }
        self.gone.clear();
        Ok(if self.crowded.is_some() { Flow::Crowded } else { Flow::Drained })
    }

    /// Takes notice of network connections that opened and closed; true where one closed.
    fn observe(&mut self, wakers: &mut Vec<Waker>) -> bool {
        let mut closed = false;
        while let Some(event) = self.socket.next_event() {
            match event {
                Event::Opened(descriptor) => {
                    self.gone.remove(&descriptor);
                }
                Event::Closed(descriptor) => {
                    closed = true;
                    self.dismissed.retain(|_, peer| peer.descriptor != Some(descriptor));
                    match self.descriptors.remove(&descriptor) {
                        Some(numbers) => self.leaving.extend(numbers),
                        None => {
                            self.gone.insert(descriptor);
                        }
                    }
                }
                _ => {}
            }
        }
        if closed {
            self.is_cut = true;
            wakers.extend(self.keeper.take());
        }
        closed
    }

    fn deliver(&mut self, raw: Raw, doubtful: bool, wakers: &mut Vec<Waker>) {
        // The socket puts the id of the peer in front of everything.
        let Some(id) = &raw.first else { return };
        let is_exchange = !raw.rest.is_empty();
        let known = match self.routes.find(is_exchange, id) {
            Some(number) if doubtful => {
                let mut raw = raw;
                let origin = Origin::of(&mut raw.body);
                if !self.is_over(number, origin.descriptor) {
                    return self.hand(number, raw, wakers);
                }
                // The same id over another network connection is another peer.
                self.end(number, End::Closed, wakers);
                return self.welcome(raw, wakers);
            }
            known => known,
        };
        match known {
            Some(number) => self.hand(number, raw, wakers),
            None => self.welcome(raw, wakers),
        }
    }

    /// The first message of a peer.
    fn welcome(&mut self, mut raw: Raw, wakers: &mut Vec<Waker>) {
        let Some(id) = &raw.first else { return };
        let route = Route { id: Bytes::copy_from_slice(id), is_exchange: !raw.rest.is_empty() };
        if raw.body.is_empty() && !route.is_exchange {
            // The farewell of one that nobody knows.
            self.dismissed.remove(&route.id);
            return;
        }
        let origin = Origin::of(&mut raw.body);
        if !route.is_exchange && self.is_dismissed(&route.id, origin.descriptor) {
            _ = message::send(self.socket.socket(), [&*route.id], &[]);
            return;
        }
        match self.greet(route, origin, wakers) {
            Some(number) => self.hand(number, raw, wakers),
            None => {
                // As far as that can be said.
                let envelope = raw.envelope();
                let envelope = envelope.iter().map(|part| &**part);
                _ = message::send(self.socket.socket(), envelope, &[]);
            }
        }
    }

    /// True where a peer has to learn yet that it is served no longer. One that never does is served
    /// again after a while.
    fn is_dismissed(&mut self, id: &Bytes, descriptor: Option<i32>) -> bool {
        let Some(peer) = self.dismissed.get(id) else { return false };
        let is_dismissed = peer.descriptor == descriptor && peer.since.elapsed() < DISMISSAL;
        if !is_dismissed {
            self.dismissed.remove(id);
        }
        is_dismissed
    }

    /// Puts a message into the box of its peer.
    fn hand(&mut self, number: u64, raw: Raw, wakers: &mut Vec<Waker>) {
        let is_exchange = !raw.rest.is_empty();
        if raw.body.is_empty() && !is_exchange {
            // A client of ours says by an empty message that it is gone, where nothing else says it.
            self.end(number, End::Closed, wakers);
            return;
        }
        let Some(peer) = self.peers.get_mut(&number) else { return };
        let mut lane = Lane::DUPLEX;
        if is_exchange {
            self.last_lane += 1;
            lane = Lane(self.last_lane);
            peer.lanes.insert(lane.0, raw.envelope());
        }
        peer.waiting += raw.len + COST;
        let bytes = self.store.keep(raw.body);
        peer.inbox.push_back(Frame { lane, bytes, hint: Hint::None });
        wakers.extend(peer.reader.take());
        if peer.waiting > self.most_waiting {
            self.crowded.get_or_insert(number);
        }
    }

    /// Ends the peer that has not taken what waits for it in all the time it was given.
    pub(super) fn end_crowded(&mut self, wakers: &mut Vec<Waker>) {
        if let Some(number) = self.crowded.take() {
            self.end(number, End::Flooded, wakers);
        }
    }

    /// A peer took what waited for it, or is gone; gives the pump where it waits for that.
    pub(super) fn relieve(&mut self, number: u64) -> Option<Waker> {
        if self.crowded != Some(number) {
            return None;
        }
        self.crowded = None;
        self.pump.clone()
    }

    /// Ends all peers: nothing more is received, and what runs has a moment to be answered.
    pub(super) fn cut(&mut self, wakers: &mut Vec<Waker>) {
        let numbers: Vec<_> = self.peers.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.end(number, End::Cut, wakers));
    }

    fn is_over(&self, number: u64, descriptor: Option<i32>) -> bool {
        self.peers
            .get(&number)
            .is_none_or(|peer| peer.end.is_some() || peer.descriptor != descriptor)
    }

    /// A peer that was not known; `None` where it cannot be served.
    fn greet(&mut self, route: Route, origin: Origin, wakers: &mut Vec<Waker>) -> Option<u64> {
        let Origin { descriptor, address } = origin;
        if let Some(descriptor) = &descriptor
            && self.descriptors.contains_key(descriptor)
            && !self.shares(*descriptor, &route)
        {
            // The system gave the number of a closed connection to a new one.
            self.observe(wakers);
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
        self.routes.remove(&peer.route, number);
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

    /// Sends what can be sent to a peer; false where there is no room for the rest now.
    pub(super) fn send(
        &mut self,
        number: u64,
        out: &mut Outgoing,
        sent: &mut bool,
    ) -> io::Result<bool> {
        let socket = self.socket.socket();
        let mut peer = self.peers.get_mut(&number);
        while let Some(next) = out.peek() {
            let has_left = match (next, peer.as_deref_mut()) {
                (Peeked::Frame { lane, bytes, .. }, Some(peer)) => {
                    peer.send(socket, lane, bytes)?
                }
                // Whoever waits for an answer gets one in any case.
                (Peeked::Ended(lane, _), Some(peer)) => peer.send_end(socket, lane)?,
                (Peeked::Frame { .. }, None) => return Err(gone()),
                (Peeked::Ended(..), None) => true,
            };
            if !has_left {
                return Ok(false);
            }
            *sent = true;
            out.drop_first();
        }
        Ok(true)
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
            let envelope = envelope.iter().map(|part| &**part);
            _ = message::send(self.socket.socket(), envelope, &[]);
        }
        if !peer.route.is_exchange {
            _ = message::send(self.socket.socket(), [&*peer.route.id], &[]);
            if self.dismissed.len() == self.dismissed.capacity() {
                self.dismissed.retain(|_, peer| peer.since.elapsed() < DISMISSAL);
            }
            let dismissed = Dismissed { descriptor: peer.descriptor, since: Instant::now() };
            self.dismissed.insert(peer.route.id, dismissed);
        }
    }

    /// True where something can be received, which a call on the socket may have found out.
    pub(super) fn has_more(&self) -> bool {
        self.socket.socket().get_events().is_ok_and(|events| events.contains(POLLIN))
    }
}

impl Peer {
    /// Sends a message, on its exchange or by itself; false where there is no room now.
    fn send(&mut self, socket: &Socket, lane: Lane, body: &[u8]) -> io::Result<bool> {
        let sent = if lane.is_duplex() {
            message::send(socket, [&*self.route.id], body)
        } else {
            // An exchange that is over takes nothing more.
            let Some(envelope) = self.lanes.get(&lane.0) else { return Ok(true) };
            let sent = message::send(socket, envelope.iter().map(|part| &**part), body);
            if matches!(sent, Ok(true)) {
                self.lanes.remove(&lane.0);
            }
            sent
        };
        match sent {
            Err(_) if self.end.is_some() => Err(gone()),
            sent => sent,
        }
    }

    /// Ends an exchange that has had no answer, by an empty one.
    fn send_end(&mut self, socket: &Socket, lane: Lane) -> io::Result<bool> {
        if lane.is_duplex() { Ok(true) } else { self.send(socket, lane, &[]) }
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the peer is gone")
}

/// How numbers are hashed: they are given here, so nobody can choose them to collide.
type ByNumber = foldhash::fast::RandomState;

const FLOODED: &str = "the peer sent more than `max_message` and `max_backlog` let wait";

/// Messages that are received before others have their turn.
const MESSAGES_PER_TURN: usize = 1024;
/// Bytes of them: whoever they are for takes them before there are many more.
const BYTES_PER_TURN: usize = 256 << 10;
/// Peers that were not accepted yet.
const BACKLOG: usize = 128;
/// How long a peer may take to learn that it is served no longer: a client of ours has gone by then,
/// and answers to calls of before are not on their way any more.
const DISMISSAL: Duration = Duration::from_secs(5);
/// Bytes that a waiting message costs beside its own.
const COST: usize = 96;
/// Largest messages of one peer that may wait: while one is handled, others come in.
const MOST_WAITING_MESSAGES: usize = 4;
