//! The halves of the connection with one peer of a server.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tinyrpc_core::{
    Connection, Incoming, Outgoing, PeerAddress, Received, RecvHalf, SendHalf, Shape, Taken,
};
use tokio::{net::UdpSocket, sync::Notify};

use super::inbox::{Found, Inbox};

/// What the pump shares with the connections, whose peers' datagrams it reads.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) socket: Arc<UdpSocket>,
    /// Told when a connection is no more.
    pub(super) left: Arc<Notify>,
    /// Bytes of the largest message.
    pub(super) largest: usize,
}

/// A peer that is served, until both halves are gone.
struct Seat {
    desk: Desk,
    inbox: Arc<Inbox>,
    address: SocketAddr,
}

struct Receiving(Arc<Seat>);

struct Sending {
    seat: Arc<Seat>,
    /// A message for which there was no room, and the wait for some.
    waiting: Option<(Bytes, Room)>,
}

type Room = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// The connection with a peer from which something came.
pub(super) fn connection(desk: Desk, inbox: Arc<Inbox>, address: SocketAddr) -> Connection {
    let largest = desk.largest;
    let seat = Arc::new(Seat { desk, inbox, address });
    let recv = Box::new(Receiving(Arc::clone(&seat)));
    let send = Box::new(Sending { seat, waiting: None });
    Connection {
        max_message: Some(largest),
        ..Connection::new(Shape::Exchange, PeerAddress::Socket(address), recv, send)
    }
}

impl RecvHalf for Receiving {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        match self.0.inbox.take(into, cx.waker()) {
            Found::Some => Poll::Ready(Ok(Received::Some)),
            Found::Nothing => Poll::Pending,
            Found::End => Poll::Ready(Ok(Received::End)),
        }
    }
}

impl Sending {
    /// Sends one message. One that cannot be sent to this peer is as one that was lost on the way.
    fn poll_datagram(&mut self, cx: &mut Context<'_>, message: Bytes) -> Poll<()> {
        let Seat { desk, address, .. } = &*self.seat;
        loop {
            match desk.socket.try_send_to(&message, *address) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // It is a peer's address that is wrong, and nothing of ours.
                Ok(_) | Err(_) => return Poll::Ready(()),
            }
            // Each connection waits by itself: the socket is that of all.
            let socket = Arc::clone(&desk.socket);
            let mut room: Room = Box::pin(async move { socket.writable().await });
            if room.as_mut().poll(cx).is_pending() {
                self.waiting = Some((message, room));
                return Poll::Pending;
            }
        }
    }
}

impl SendHalf for Sending {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        if let Some((_, room)) = &mut self.waiting {
            ready!(room.as_mut().poll(cx))?;
        }
        if let Some((message, _)) = self.waiting.take() {
            ready!(self.poll_datagram(cx, message));
        }
        loop {
            match out.pop() {
                Some(Taken::Frame(frame)) => ready!(self.poll_datagram(cx, frame.bytes)),
                Some(Taken::Ended(..)) => self.seat.inbox.finish(),
                None => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.inbox.leave();
        self.desk.left.notify_one();
    }
}
