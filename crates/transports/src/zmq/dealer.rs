//! The calling side with one server: a DEALER and both halves of its connection.

use std::{
    collections::HashSet,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tinyrpc_core::{
    Connection, Frame, Hint, Incoming, Lane, Outgoing, Peeked, PeerAddress, Received, RecvHalf,
    SendHalf, Shape,
};
use tokio::task::JoinHandle;
use zmq::{DEALER, POLLIN, SocketType};

use super::{
    Common, Way,
    contexts::Family,
    endpoint::Endpoint,
    line::Line,
    message::{self, Got, Raw, Store},
    watch::Event,
};

/// A socket with one task, which polls both halves.
struct Dealer {
    /// Taken when it is closed.
    line: Option<Line>,
    closing: Option<JoinHandle<()>>,
    ended: bool,
    /// The monitor is asked only where it has news, once it was asked at all.
    is_watching: bool,
    /// All was received, and nothing is known to have come since. To look costs a system call.
    drained: bool,
    /// The exchanges that wait for their answers, where there are any.
    lanes: Option<HashSet<Lane>>,
    store: Store,
}

/// One task polls both halves, so the lock is never waited for.
struct Half(Arc<Mutex<Dealer>>);

/// Connects to the first of some endpoints that answers.
pub(super) async fn connect(
    endpoints: &[Endpoint],
    way: Way,
    common: &Common,
) -> io::Result<Connection> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for endpoint in endpoints {
        match line(DEALER, endpoint, common).await {
            Ok(line) => return Ok(connection(line, endpoint, way)),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

/// A socket that is connected to the first address of an endpoint that answers.
pub(super) async fn line(
    kind: SocketType,
    endpoint: &Endpoint,
    common: &Common,
) -> io::Result<Line> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for resolved in endpoint.resolve().await? {
        let Common { limits, tuning, .. } = common;
        let mut watched = tuning.socket(kind, Family::Calling, &resolved, limits)?;
        match watched.connect(&resolved, limits.handshake).await {
            Ok(()) => return Line::new(watched, resolved.is_inproc()),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn connection(line: Line, endpoint: &Endpoint, way: Way) -> Connection {
    let (shape, lanes) = match way {
        Way::Exchanges => (Shape::Exchange, Some(HashSet::new())),
        _ => (Shape::Messages, None),
    };
    let dealer = Dealer {
        line: Some(line),
        closing: None,
        ended: false,
        is_watching: false,
        drained: false,
        lanes,
        store: Store::default(),
    };
    let dealer = Arc::new(Mutex::new(dealer));
    let peer = match endpoint {
        Endpoint::Inproc(_) => PeerAddress::Memory,
        other => PeerAddress::Other(other.to_string().into()),
    };
    Connection::new(shape, peer, Box::new(Half(Arc::clone(&dealer))), Box::new(Half(dealer)))
}

impl Half {
    fn lock(&self) -> MutexGuard<'_, Dealer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dealer {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let Some(line) = &self.line else { return Poll::Ready(Ok(Received::End)) };
        loop {
            while !std::mem::replace(&mut self.is_watching, true) | line.watched.poll_changed(cx) {
                while let Some(event) = line.watched.next_event() {
                    self.ended |= matches!(event, Event::Closed(_));
                }
                // What was sent before the end is received before it.
                self.drained &= !self.ended;
            }
            let changed = line.readiness.poll_changed(cx);
            self.drained &= !changed;
            let mut count = 0;
            while !self.drained && count < MESSAGES_PER_READ {
                let raw = match message::receive(line.socket())? {
                    Got::Nothing => {
                        self.drained = true;
                        break;
                    }
                    Got::Excess(_) => continue,
                    Got::Whole(raw) => raw,
                };
                count += 1;
                if let Some(lanes) = &mut self.lanes {
                    answer(raw, lanes, &mut self.store, into);
                } else if raw.body.is_empty() {
                    // The server serves us no longer.
                    self.ended = true;
                    break;
                } else {
                    // What stands in front is nothing to us.
                    let bytes = self.store.keep(raw.body);
                    into.push(Frame { lane: Lane::DUPLEX, bytes, hint: Hint::None });
                }
            }
            if count == MESSAGES_PER_READ || count > 0 && !into.is_empty() {
                return Poll::Ready(Ok(Received::Some));
            }
            if self.ended {
                return Poll::Ready(Ok(Received::End));
            }
            if !changed && count == 0 {
                return Poll::Pending;
            }
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        let Some(line) = &self.line else { return Poll::Ready(Ok(())) };
        if out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let all = send(line, &mut self.lanes, out)?;
            if all {
                self.drained &= !line.events(cx)?.contains(POLLIN);
                return Poll::Ready(Ok(()));
            }
            self.drained = false;
            ready!(line.poll_room(cx))?;
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close();
        let Some(closing) = &mut self.closing else { return Poll::Ready(Ok(())) };
        // That of a task that ended early changes nothing.
        Pin::new(closing).poll(cx).map(|_| Ok(()))
    }

    fn close(&mut self) {
        let Some(line) = self.line.take() else { return };
        if self.ended {
            // Nobody is there to whom anything could be sent.
            _ = line.socket().set_linger(0);
        } else if line.is_inproc && self.lanes.is_none() {
            // Nothing else tells a server of ours in this process that we are gone.
            _ = message::send(line.socket(), [], &[]);
        }
        self.closing = line.close();
    }
}

/// Sends what can be sent; false where there is no room for the rest now.
fn send(line: &Line, lanes: &mut Option<HashSet<Lane>>, out: &mut Outgoing) -> io::Result<bool> {
    while let Some(next) = out.peek() {
        match (next, &mut *lanes) {
            (Peeked::Frame { bytes, .. }, None) => {
                if !message::send(line.socket(), [], bytes)? {
                    return Ok(false);
                }
            }
            (Peeked::Frame { lane, bytes, .. }, Some(lanes)) => {
                if !message::send(line.socket(), [&lane.0.to_be_bytes(), &[][..]], bytes)? {
                    return Ok(false);
                }
                lanes.insert(lane);
            }
            // Nobody waits for it any more.
            (Peeked::Ended(lane, _), Some(lanes)) => _ = lanes.remove(&lane),
            (Peeked::Ended(..), None) => {}
        }
        out.drop_first();
    }
    Ok(true)
}

/// The end of the exchange that an envelope names; what names none is nothing to us.
pub(super) fn answer(raw: Raw, lanes: &mut HashSet<Lane>, store: &mut Store, into: &mut Incoming) {
    let number = raw.first.as_ref().and_then(|part| <[u8; 8]>::try_from(&**part).ok());
    let Some(lane) = number.map(|number| Lane(u64::from_be_bytes(number))) else { return };
    if !lanes.remove(&lane) {
        return;
    }
    match raw.body.is_empty() {
        // All that a notification gets.
        true => into.close_lane(lane),
        false => into.push(Frame { lane, bytes: store.keep(raw.body), hint: Hint::None }),
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

impl Drop for Dealer {
    fn drop(&mut self) {
        self.close();
    }
}

/// Messages that are read before they are handled: some dozens fill one write of answers.
pub(super) const MESSAGES_PER_READ: usize = 256;
