//! The calling side: a DEALER and both halves of its connection.

use std::{
    collections::HashSet,
    future::poll_fn,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use tinyrpc_core::{
    Connection, Frame, Hint, Incoming, Lane, Limits, Outgoing, PeerAddress, Received, RecvHalf,
    SendHalf, Shape, Taken,
};
use tokio::time::timeout;
use zmq::{DEALER, POLLIN, POLLOUT};

use super::{
    Way,
    endpoint::Endpoint,
    message::{self, Origin, Parts},
    readiness::Readiness,
    tuning,
    watch::{Event, Watched},
};

/// A socket with one task, which polls both halves. The order of the fields is that of their end.
struct Dealer {
    readiness: Readiness,
    socket: Watched,
    /// There is no network connection that could be seen to close.
    is_inproc: bool,
    ended: bool,
    /// A message for which there was no room.
    waiting: Option<(Lane, Bytes)>,
    /// The exchanges that wait for their answers, where there are any.
    lanes: Option<HashSet<Lane>>,
}

/// One task polls both halves, so the lock is never waited for.
struct Half(Arc<Mutex<Dealer>>);

/// Connects to an endpoint, and waits until the other side has answered.
pub(super) async fn connect(
    endpoint: &Endpoint,
    way: Way,
    limits: &Limits,
) -> io::Result<Connection> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for resolved in endpoint.resolve().await? {
        let socket = tuning::socket(DEALER, &resolved, limits)?;
        // Whether a call is made again is decided by its caller. Not to reconnect at all would end
        // the socket's pipe with the connection: what came before is lost with it, and a message
        // of several parts that is being received then ends the process.
        socket.set_reconnect_ivl(NEVER)?;
        let mut watched = Watched::new(socket)?;
        watched.socket().connect(&resolved.text)?;
        let is_inproc = matches!(endpoint, Endpoint::Inproc(_));
        if !is_inproc {
            let patience = limits.handshake;
            let late = |_| {
                let words = format!("the handshake took longer than `handshake` of {patience:?}");
                io::Error::new(io::ErrorKind::TimedOut, words)
            };
            let agreed = timeout(patience, poll_fn(|cx| poll_agreed(&mut watched, cx)));
            if let Err(error) = agreed.await.map_err(late).and_then(|agreed| agreed) {
                refused = error;
                continue;
            }
        }
        let readiness = Readiness::of(watched.socket())?;
        let (shape, lanes) = match way {
            Way::Messages => (Shape::Messages, None),
            Way::Exchanges => (Shape::Exchange, Some(HashSet::new())),
        };
        let dealer =
            Dealer { readiness, socket: watched, is_inproc, ended: false, waiting: None, lanes };
        let dealer = Arc::new(Mutex::new(dealer));
        let peer = match endpoint {
            Endpoint::Inproc(_) => PeerAddress::Memory,
            other => PeerAddress::Other(other.to_string().into()),
        };
        return Ok(Connection {
            shape,
            framing: None,
            protocol: None,
            peer,
            headers: None,
            recv: Box::new(Half(Arc::clone(&dealer))),
            send: Box::new(Half(dealer)),
        });
    }
    Err(refused)
}

/// Ready when both sides speak ZeroMQ, or never will.
fn poll_agreed(watched: &mut Watched, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    loop {
        let changed = watched.poll_changed(cx);
        while let Some(event) = watched.next_event() {
            let (kind, words) = match event {
                Event::Opened(_) => continue,
                Event::Agreed => return Poll::Ready(Ok(())),
                Event::Refused => (io::ErrorKind::ConnectionRefused, "nobody listens there"),
                Event::Disagreed => (io::ErrorKind::InvalidData, "it does not speak ZeroMQ"),
                Event::Closed(_) => (io::ErrorKind::ConnectionReset, "it closed the connection"),
            };
            return Poll::Ready(Err(io::Error::new(kind, words)));
        }
        if !changed {
            return Poll::Pending;
        }
    }
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
        loop {
            let changed = self.socket.poll_changed(cx) | self.readiness.poll_changed(cx);
            while let Some(event) = self.socket.next_event() {
                self.ended |= matches!(event, Event::Closed(_));
            }
            for count in 0..=MESSAGES_PER_READ {
                let parts = match count {
                    MESSAGES_PER_READ => None,
                    _ => message::receive(self.socket.socket(), Origin::Known)?,
                };
                match parts {
                    Some(parts) if self.lanes.is_some() => self.answer(parts, into),
                    // What stands in front is nothing to us.
                    Some(Parts { body, .. }) if !body.is_empty() => {
                        into.push(Frame { lane: Lane::DUPLEX, bytes: body, hint: Hint::None });
                    }
                    // The server serves us no longer.
                    Some(_) => {
                        self.ended = true;
                        return Poll::Ready(Ok(if count > 0 {
                            Received::Some
                        } else {
                            Received::End
                        }));
                    }
                    None if count > 0 => return Poll::Ready(Ok(Received::Some)),
                    None => break,
                }
            }
            if self.ended {
                return Poll::Ready(Ok(Received::End));
            }
            if !changed {
                return Poll::Pending;
            }
        }
    }

    /// Sends what can be sent; false where there is no room for the rest now.
    fn send(&mut self, out: &mut Outgoing) -> io::Result<bool> {
        loop {
            let (lane, body) = match self.waiting.take() {
                Some(waiting) => waiting,
                None => match out.pop() {
                    Some(Taken::Frame(frame)) => (frame.lane, frame.bytes),
                    Some(Taken::Ended(lane, _)) => {
                        // Nobody waits for it any more.
                        if let Some(lanes) = &mut self.lanes {
                            lanes.remove(&lane);
                        }
                        continue;
                    }
                    None => return Ok(true),
                },
            };
            let envelope = match self.lanes {
                Some(_) => vec![Bytes::copy_from_slice(&lane.0.to_be_bytes()), Bytes::new()],
                None => Vec::new(),
            };
            if !message::send(self.socket.socket(), &envelope, &body)? {
                self.waiting = Some((lane, body));
                return Ok(false);
            }
            if let Some(lanes) = &mut self.lanes {
                lanes.insert(lane);
            }
        }
    }

    /// The end of the exchange that an envelope names; what names none is nothing to us.
    fn answer(&mut self, parts: Parts, into: &mut Incoming) {
        let number = parts.envelope.first().and_then(|part| <[u8; 8]>::try_from(&**part).ok());
        let Some(lane) = number.map(|number| Lane(u64::from_be_bytes(number))) else { return };
        if !self.lanes.as_mut().is_some_and(|lanes| lanes.remove(&lane)) {
            return;
        }
        match parts.body.is_empty() {
            // All that a notification gets.
            true => into.close_lane(lane),
            false => into.push(Frame { lane, bytes: parts.body, hint: Hint::None }),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        if self.waiting.is_none() && out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let all = self.send(out)?;
            // A call on the socket takes the news away that something came, or that there is room.
            let events = self.socket.socket().get_events()?;
            if events.contains(POLLIN) {
                cx.waker().wake_by_ref();
            }
            if all {
                return Poll::Ready(Ok(()));
            }
            if !events.contains(POLLOUT) && !self.readiness.poll_changed(cx) {
                return Poll::Pending;
            }
        }
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
}

impl Drop for Dealer {
    fn drop(&mut self) {
        if self.is_inproc && !self.ended && self.lanes.is_none() {
            // Nothing else tells a server of ours in this process that we are gone.
            _ = message::send(self.socket.socket(), &[], &Bytes::new());
        }
    }
}

/// Messages that are read before they are handled: some dozens fill one write of answers.
const MESSAGES_PER_READ: usize = 256;
/// Milliseconds: a day, which no connection outlives its end for.
const NEVER: i32 = 24 * 60 * 60 * 1000;
