//! `Watched`: a socket, and what becomes of its network connections.

use std::{
    future::poll_fn,
    io,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{task::JoinHandle, time::timeout};
use zmq::{DONTWAIT, Socket, SocketEvent, SocketType};

use super::{
    contexts::{Family, Lease},
    endpoint::{Endpoint, Resolved},
    readiness::Readiness,
};

/// Something that became of a network connection, which is named by its descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It is there.
    Opened(i32),
    /// Both sides speak ZeroMQ.
    Agreed,
    /// The other side does not speak ZeroMQ, or not as this one.
    Disagreed,
    /// Nobody listens there.
    Refused,
    /// It is gone.
    Closed(i32),
}

/// A socket and its monitor.
///
/// INVARIANT: the monitor is stopped before its other end is gone, or the thread of ZeroMQ would
/// wait for ever with the next event, and everything else with it. The order of the fields is that
/// of their end.
pub(super) struct Watched {
    events: Readiness,
    sockets: Sockets,
    /// Taken at the end.
    lease: Option<Lease>,
}

struct Sockets {
    monitor: Socket,
    socket: Socket,
    number: u64,
}

impl Watched {
    /// Opens a socket for an endpoint, and watches it from before it is bound or connected. Must be
    /// called within the runtime.
    pub(super) fn open(
        kind: SocketType,
        family: Family,
        batch: bool,
        set: impl Fn(&Socket) -> zmq::Result<()>,
    ) -> io::Result<Self> {
        let open = |context: &zmq::Context| Sockets::open(context, kind, &set);
        let (sockets, lease) = Lease::of(family, batch, open)?;
        let events = Readiness::of(&sockets.monitor)?;
        Ok(Self { events, sockets, lease: Some(lease) })
    }

    /// Closes the socket; the task ends when what it had to send has left, where that is to be
    /// waited for.
    pub(super) fn close(mut self) -> Option<JoinHandle<()>> {
        let lease = self.lease.take()?;
        drop(self);
        lease.end()
    }

    /// Ready when both sides speak ZeroMQ, or never will.
    pub(super) fn poll_agreed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let changed = self.poll_changed(cx);
            while let Some(event) = self.next_event() {
                let (kind, words) = match event {
                    Event::Opened(_) => continue,
                    Event::Agreed => return Poll::Ready(Ok(())),
                    Event::Refused => (io::ErrorKind::ConnectionRefused, "nobody listens there"),
                    Event::Disagreed => (io::ErrorKind::InvalidData, "it does not speak ZeroMQ"),
                    Event::Closed(_) => {
                        (io::ErrorKind::ConnectionReset, "it closed the connection")
                    }
                };
                return Poll::Ready(Err(io::Error::new(kind, words)));
            }
            if !changed {
                return Poll::Pending;
            }
        }
    }

    /// Binds; gives the endpoint with its port.
    pub(super) fn bind(&self, to: &Resolved) -> io::Result<Endpoint> {
        self.socket().bind(&to.text)?;
        let named = self.socket().get_last_endpoint()?;
        let named = named.map_err(|_| io::Error::other("the address is no text"))?;
        Ok(Endpoint::from_zmq(&named))
    }

    /// Connects, and waits until the other side has answered, where the transport tells.
    pub(super) async fn connect(&mut self, to: &Resolved, patience: Duration) -> io::Result<()> {
        self.socket().connect(&to.text)?;
        if to.is_inproc() {
            return Ok(());
        }
        let agreed = timeout(patience, poll_fn(|cx| self.poll_agreed(cx)));
        agreed.await.unwrap_or_else(|_| {
            let words = format!("the handshake took longer than `handshake` of {patience:?}");
            Err(io::Error::new(io::ErrorKind::TimedOut, words))
        })
    }

    /// The socket that is watched.
    pub(super) fn socket(&self) -> &Socket {
        &self.sockets.socket
    }

    /// See [`Readiness::poll_changed`].
    pub(super) fn poll_changed(&self, cx: &mut Context<'_>) -> bool {
        self.events.poll_changed(cx)
    }

    /// The next thing that happened.
    pub(super) fn next_event(&self) -> Option<Event> {
        loop {
            let mut parts = self.sockets.monitor.recv_multipart(DONTWAIT).ok()?.into_iter();
            let what = parts.next()?;
            let (kind, value) = what.split_at_checked(2)?;
            let kind = SocketEvent::from_raw(u16::from_ne_bytes(kind.try_into().ok()?));
            let descriptor = i32::from_ne_bytes(value.try_into().ok()?);
            return Some(match kind {
                SocketEvent::CONNECTED | SocketEvent::ACCEPTED => Event::Opened(descriptor),
                SocketEvent::HANDSHAKE_SUCCEEDED => Event::Agreed,
                SocketEvent::HANDSHAKE_FAILED_NO_DETAIL
                | SocketEvent::HANDSHAKE_FAILED_PROTOCOL
                | SocketEvent::HANDSHAKE_FAILED_AUTH => Event::Disagreed,
                SocketEvent::CLOSED | SocketEvent::CONNECT_RETRIED => Event::Refused,
                SocketEvent::DISCONNECTED => Event::Closed(descriptor),
                _ => continue,
            });
        }
    }
}

impl Sockets {
    fn open(
        context: &zmq::Context,
        kind: SocketType,
        set: impl Fn(&Socket) -> zmq::Result<()>,
    ) -> zmq::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let monitor = context.socket(zmq::PAIR)?;
        // Without a bound no event is lost; there are a few for each network connection, and they
        // are taken as they come.
        monitor.set_rcvhwm(0)?;
        monitor.set_linger(0)?;
        // The address may be connected before it is bound.
        monitor.connect(&address(number, "events"))?;
        let sockets = Self { monitor, socket: context.socket(kind)?, number };
        let events = EVENTS.iter().fold(0, |all, event| all | i32::from(event.to_raw()));
        sockets.socket.monitor(&address(number, "events"), events)?;
        set(&sockets.socket)?;
        Ok(sockets)
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // A monitor for nothing takes the place of the other.
        _ = self.socket.monitor(&address(self.number, "nothing"), 0);
    }
}

fn address(number: u64, what: &str) -> String {
    format!("inproc://tinyrpc.watch.{number}.{what}")
}

const EVENTS: [SocketEvent; 9] = [
    SocketEvent::CONNECTED,
    SocketEvent::CONNECT_RETRIED,
    SocketEvent::ACCEPTED,
    SocketEvent::CLOSED,
    SocketEvent::DISCONNECTED,
    SocketEvent::HANDSHAKE_SUCCEEDED,
    SocketEvent::HANDSHAKE_FAILED_NO_DETAIL,
    SocketEvent::HANDSHAKE_FAILED_PROTOCOL,
    SocketEvent::HANDSHAKE_FAILED_AUTH,
];
