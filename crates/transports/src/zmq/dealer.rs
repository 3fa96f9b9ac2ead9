//! The calling side: a DEALER and both halves of its connection.

use std::{
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
    waiting: Option<Bytes>,
}

/// One task polls both halves, so the lock is never waited for.
struct Half(Arc<Mutex<Dealer>>);

/// Connects to an endpoint, and waits until the other side has answered.
pub(super) async fn connect(endpoint: &Endpoint, limits: &Limits) -> io::Result<Connection> {
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for resolved in endpoint.resolve().await? {
        let socket = tuning::socket(DEALER, &resolved, limits)?;
        // Whether a call is made again is decided by its caller.
        socket.set_reconnect_ivl(-1)?;
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
        let dealer = Dealer { readiness, socket: watched, is_inproc, ended: false, waiting: None };
        let dealer = Arc::new(Mutex::new(dealer));
        let peer = match endpoint {
            Endpoint::Inproc(_) => PeerAddress::Memory,
            other => PeerAddress::Other(other.to_string().into()),
        };
        return Ok(Connection {
            shape: Shape::Messages,
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
            let body = match self.waiting.take() {
                Some(body) => body,
                None => match out.pop() {
                    Some(Taken::Frame(frame)) => frame.bytes,
                    Some(Taken::Ended(..)) => continue,
                    None => return Ok(true),
                },
            };
            if !message::send(self.socket.socket(), &[], &body)? {
                self.waiting = Some(body);
                return Ok(false);
            }
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
        if self.is_inproc && !self.ended {
            // Nothing else tells a server of ours in this process that we are gone.
            _ = message::send(self.socket.socket(), &[], &Bytes::new());
        }
    }
}

/// Messages that are read before they are handled: some dozens fill one write of answers.
const MESSAGES_PER_READ: usize = 256;
