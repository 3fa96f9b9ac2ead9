//! `Watched`: a socket, and what becomes of its network connections.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    task::Context,
};

use zmq::{DONTWAIT, Socket, SocketEvent};

use super::{CONTEXT, readiness::Readiness};

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
    monitor: Socket,
    socket: Socket,
    number: u64,
}

impl Watched {
    /// Watches a socket, from before it is bound or connected.
    pub(super) fn new(socket: Socket) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let monitor = CONTEXT.socket(zmq::PAIR)?;
        // Without a bound no event is lost; there are a few for each network connection, and they
        // are taken as they come.
        monitor.set_rcvhwm(0)?;
        monitor.set_linger(0)?;
        // The address may be connected before it is bound.
        monitor.connect(&address(number, "events"))?;
        let watched = Self { events: Readiness::of(&monitor)?, monitor, socket, number };
        let events = EVENTS.iter().fold(0, |all, event| all | i32::from(event.to_raw()));
        watched.socket.monitor(&address(number, "events"), events)?;
        Ok(watched)
    }

    /// The socket that is watched.
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// See [`Readiness::poll_changed`].
    pub(super) fn poll_changed(&self, cx: &mut Context<'_>) -> bool {
        self.events.poll_changed(cx)
    }

    /// The next thing that happened.
    pub(super) fn next_event(&self) -> Option<Event> {
        loop {
            let mut parts = self.monitor.recv_multipart(DONTWAIT).ok()?.into_iter();
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

impl Drop for Watched {
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
