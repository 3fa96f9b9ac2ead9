//! `Spread`: the calling side with any number of servers, each call to one of them; and what sends
//! one way.

use std::{
    collections::HashSet,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use tinyrpc_core::{
    Connection, Error, Incoming, Lane, Outgoing, Peeked, PeerAddress, Reason, Received, RecvHalf,
    SendHalf, Shape,
};
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use zmq::POLLOUT;

use super::{
    Common, Way, ZmqConnector,
    contexts::Family,
    dealer::{self, MESSAGES_PER_READ, answer},
    endpoint::{Endpoint, list},
    line::Line,
    message::{self, Got, Store},
    watch::Event,
};
use crate::backoff::Backoff;

/// All sockets of a connection, with one task, which polls both halves.
struct Spread {
    legs: Vec<Leg>,
    way: Way,
    topic: Bytes,
    /// The leg that has the next turn.
    turn: usize,
    store: Store,
    closing: Vec<JoinHandle<()>>,
    closed: bool,
}

/// A socket that is bound, or one that is connected again and again.
struct Leg {
    state: State,
    way: Way,
    /// Where it is to be connected; `None` where it is bound.
    target: Option<(Endpoint, Common)>,
    backoff: Backoff,
    /// Network connections that are open.
    open: HashSet<i32>,
    /// All of them closed, so what was sent and has no answer gets none.
    deserted: bool,
    /// There may be room for a message.
    room: bool,
    lanes: HashSet<Lane>,
}

enum State {
    Up(Line),
    Down(Connecting),
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<Line>> + Send>>;

/// One task polls both halves, so the lock is never waited for.
struct Half(Arc<Mutex<Spread>>);

/// Binds and connects; gives the connection and where it is bound.
///
/// # Errors
///
/// One cannot be bound, or there are none but connected ones and none of them answers.
pub(super) async fn open(
    from: &ZmqConnector,
    bind: &[Endpoint],
    connect: Vec<Endpoint>,
) -> io::Result<(Connection, Vec<Endpoint>)> {
    let ZmqConnector { way, topic, common, locally, .. } = from;
    let way = *way;
    let (mut legs, mut bound) = (Vec::new(), Vec::new());
    for endpoint in bind {
        let (line, at) = bind_patiently(way, endpoint, common, *locally).await?;
        legs.push(Leg::new(State::Up(line), way, None));
        bound.push(at);
    }
    let name = list(&[bound.as_slice(), connect.as_slice()].concat());
    let mut refused = None;
    for endpoint in connect {
        let state = match dealer::line(way.kind(), &endpoint, common).await {
            Ok(line) => State::Up(line),
            Err(error) => {
                refused = Some(error);
                State::Down(again(way, &endpoint, common, Duration::ZERO))
            }
        };
        legs.push(Leg::new(state, way, Some((endpoint, common.clone()))));
    }
    if let Some(refused) = refused
        && legs.iter().all(|leg| matches!(leg.state, State::Down(_)))
    {
        return Err(refused);
    }
    let spread = Spread {
        legs,
        way,
        topic: topic.clone(),
        turn: 0,
        store: Store::default(),
        closing: Vec::new(),
        closed: false,
    };
    let spread = Arc::new(Mutex::new(spread));
    let (recv, send) = (Box::new(Half(Arc::clone(&spread))), Box::new(Half(spread)));
    let peer = PeerAddress::Other(name.into());
    let shape = if way.is_one_way() { Shape::OneWay } else { Shape::Exchange };
    Ok((Connection::new(shape, peer, recv, send), bound))
}

/// Binds an endpoint, which may still be that of a connection of ours that has just ended.
async fn bind_patiently(
    way: Way,
    endpoint: &Endpoint,
    common: &Common,
    locally: bool,
) -> io::Result<(Line, Endpoint)> {
    let start = Instant::now();
    loop {
        match bind(way, endpoint, common, locally).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && start.elapsed() < REBIND => {
                sleep(REBIND / 20).await;
            }
            bound => return bound,
        }
    }
}

async fn bind(
    way: Way,
    endpoint: &Endpoint,
    common: &Common,
    locally: bool,
) -> io::Result<(Line, Endpoint)> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for resolved in endpoint.resolve().await? {
        if locally && resolved.is_remote {
            let words = "it is reachable from other machines, and whoever reaches it is given \
                         calls: bind 127.0.0.1, or say `allow_remote()` if that is meant";
            refused = io::Error::new(io::ErrorKind::PermissionDenied, words);
            continue;
        }
        let Common { limits, tuning, .. } = common;
        let watched = tuning.socket(way.kind(), Family::Calling, &resolved, limits)?;
        match watched.bind(&resolved) {
            Ok(bound) => return Ok((Line::new(watched, resolved.is_inproc())?, bound)),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn again(way: Way, endpoint: &Endpoint, common: &Common, after: Duration) -> Connecting {
    let (endpoint, common) = (endpoint.clone(), common.clone());
    Box::pin(async move {
        sleep(after).await;
        dealer::line(way.kind(), &endpoint, &common).await
    })
}

impl Leg {
    fn new(state: State, way: Way, target: Option<(Endpoint, Common)>) -> Self {
        let (backoff, open, lanes) = (Backoff::default(), HashSet::new(), HashSet::new());
        Self { state, way, target, backoff, open, deserted: false, room: false, lanes }
    }

    /// Receives what is there; true where something came, or became of the leg.
    fn receive(
        &mut self,
        cx: &mut Context<'_>,
        store: &mut Store,
        into: &mut Incoming,
    ) -> io::Result<bool> {
        if let State::Down(connecting) = &mut self.state {
            let Poll::Ready(connected) = connecting.as_mut().poll(cx) else { return Ok(false) };
            self.state = match connected {
                Ok(line) => {
                    self.backoff = Backoff::default();
                    State::Up(line)
                }
                Err(_) => return Ok(self.fall()),
            };
        }
        let State::Up(line) = &self.state else { return Ok(false) };
        let mut any = false;
        loop {
            let changed = line.poll_changed(cx);
            while let Some(event) = line.watched.next_event() {
                match event {
                    Event::Opened(descriptor) => _ = self.open.insert(descriptor),
                    Event::Closed(descriptor) => {
                        self.open.remove(&descriptor);
                        // One that was connected has opened before it was watched here.
                        self.deserted |= self.open.is_empty();
                    }
                    _ => {}
                }
            }
            let mut count = 0;
            while count < MESSAGES_PER_READ && !self.way.is_one_way() {
                count += 1;
                match message::receive(line.socket())? {
                    Got::Nothing => {
                        count = 0;
                        break;
                    }
                    Got::Excess(_) => {}
                    Got::Whole(raw) => {
                        any = true;
                        answer(raw, &mut self.lanes, store, into);
                    }
                }
            }
            if count > 0 {
                // The others have their turn.
                cx.waker().wake_by_ref();
                return Ok(true);
            }
            if !changed {
                break;
            }
        }
        if std::mem::take(&mut self.deserted) && (self.target.is_some() || self.open.is_empty()) {
            // What came before the end was received above.
            for lane in self.lanes.drain() {
                let gone = Reason::Closed("the server that had it is gone".into());
                into.fail_lane(lane, Error::Unknown(gone));
                any = true;
            }
            if self.target.is_some() {
                self.fall();
                cx.waker().wake_by_ref();
            }
        }
        Ok(any)
    }

    /// Connects again in a while; true where something came of it at once, which it never does.
    fn fall(&mut self) -> bool {
        if let Some((endpoint, common)) = &self.target {
            let connecting = again(self.way, endpoint, common, self.backoff.next());
            if let State::Up(line) = std::mem::replace(&mut self.state, State::Down(connecting)) {
                _ = line.socket().set_linger(0);
                drop(line);
            }
        }
        self.room = false;
        false
    }

    fn line(&self) -> Option<&Line> {
        match &self.state {
            State::Up(line) => Some(line),
            State::Down(_) => None,
        }
    }

    /// True where there may be somebody to whom something could be sent.
    fn is_manned(&self) -> bool {
        matches!(self.state, State::Up(_)) && (self.target.is_some() || !self.open.is_empty())
    }
}

impl Spread {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        if self.closed {
            return Poll::Ready(Ok(Received::End));
        }
        for leg in &mut self.legs {
            leg.receive(cx, &mut self.store, into)?;
            if matches!(leg.state, State::Down(_)) {
                // A connection that has just begun to be waited for has to be asked once.
                leg.receive(cx, &mut self.store, into)?;
            }
        }
        if into.is_empty() { Poll::Pending } else { Poll::Ready(Ok(Received::Some)) }
    }

    /// The next leg that may have room.
    fn next(&mut self) -> Option<usize> {
        let count = self.legs.len();
        let index = (0..count)
            .map(|step| (self.turn + step) % count)
            .find(|index| self.legs.get(*index).is_some_and(|leg| leg.room))?;
        self.turn = index + 1;
        Some(index)
    }

    /// Sends what can be sent; false where there is no room for the rest now.
    fn send(&mut self, out: &mut Outgoing) -> io::Result<bool> {
        while let Some(next) = out.peek() {
            let (lane, bytes) = match next {
                Peeked::Frame { lane, bytes, .. } => (lane, bytes),
                Peeked::Ended(lane, _) => {
                    // Nobody waits for it any more.
                    let mut legs = self.legs.iter_mut();
                    _ = legs.any(|leg| leg.lanes.remove(&lane));
                    out.drop_first();
                    continue;
                }
            };
            if self.way == Way::Publish {
                // Whoever is not there misses it.
                let topic = (!self.topic.is_empty()).then_some(&*self.topic);
                for line in self.legs.iter().filter_map(Leg::line) {
                    message::send(line.socket(), topic, bytes)?;
                }
                out.drop_first();
                continue;
            }
            let Some(index) = self.next() else { return Ok(false) };
            let Some(leg) = self.legs.get_mut(index) else { return Ok(false) };
            let State::Up(line) = &leg.state else { continue };
            let sent = match self.way {
                Way::Push => message::send(line.socket(), [], bytes)?,
                _ => message::send(line.socket(), [&lane.0.to_be_bytes(), &[][..]], bytes)?,
            };
            if !sent {
                leg.room = false;
                continue;
            }
            if !lane.is_duplex() {
                leg.lanes.insert(lane);
            }
            out.drop_first();
        }
        Ok(true)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        if self.closed || out.is_empty() {
            out.set_vacant(false);
            return Poll::Ready(Ok(()));
        }
        loop {
            for leg in &mut self.legs {
                leg.room = match &leg.state {
                    State::Up(line) => match line.poll_room(cx) {
                        Poll::Ready(room) => room.map(|()| true)?,
                        Poll::Pending => false,
                    },
                    State::Down(_) => false,
                };
            }
            let all = self.send(out)?;
            for leg in &self.legs {
                if let State::Up(line) = &leg.state {
                    line.events(cx)?;
                }
            }
            if all {
                out.set_vacant(false);
                return Poll::Ready(Ok(()));
            }
            let has_room = |leg: &Leg| match &leg.state {
                State::Up(line) => line.events(cx).map(|events| events.contains(POLLOUT)),
                State::Down(_) => Ok(false),
            };
            if self.legs.iter().map(has_room).collect::<io::Result<Vec<_>>>()?.contains(&true) {
                continue;
            }
            out.set_vacant(!self.legs.iter().any(Leg::is_manned));
            return Poll::Pending;
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close();
        self.closing.retain_mut(|closing| Pin::new(closing).poll(cx).is_pending());
        if self.closing.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn close(&mut self) {
        self.closed = true;
        for leg in self.legs.drain(..) {
            if let State::Up(line) = leg.state {
                self.closing.extend(line.close());
            }
        }
    }
}

impl Half {
    fn lock(&self) -> MutexGuard<'_, Spread> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecvHalf for Half {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        self.lock().poll_recv(cx, into)
    }
}

impl SendHalf for Half {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        self.lock().poll_send(cx, out)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_close(cx)
    }
}

impl Drop for Spread {
    fn drop(&mut self) {
        self.close();
    }
}

/// How long an address of ours may take to become free.
const REBIND: Duration = Duration::from_secs(2);
