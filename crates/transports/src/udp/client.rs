//! The halves of a client's connection: a socket that is connected to one address.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tinyrpc_core::{
    Connection, Frame, Incoming, Outgoing, PeerAddress, Received, RecvHalf, SendHalf, Shape, Taken,
};
use tokio::net::UdpSocket;

use super::READS_PER_TURN;

struct Receiving {
    socket: Arc<UdpSocket>,
    peer: SocketAddr,
    buffer: Box<[u8]>,
}

struct Sending {
    socket: Arc<UdpSocket>,
    peer: SocketAddr,
    /// A message for which there was no room.
    waiting: Option<Bytes>,
}

/// A connection over a socket that is connected. Answers find their calls by the ids in them.
pub(super) fn connection(socket: UdpSocket, peer: SocketAddr, largest: usize) -> Connection {
    let socket = Arc::new(socket);
    let buffer = vec![0; 1 << 16].into();
    let recv = Box::new(Receiving { socket: Arc::clone(&socket), peer, buffer });
    let send = Box::new(Sending { socket, peer, waiting: None });
    Connection {
        max_message: Some(largest),
        is_lossy: true,
        ..Connection::new(Shape::Messages, PeerAddress::Socket(peer), recv, send)
    }
}

impl RecvHalf for Receiving {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let mut some = false;
        for _ in 0..READS_PER_TURN {
            match self.socket.try_recv(&mut self.buffer) {
                Ok(length) => {
                    let datagram = self.buffer.get(..length).unwrap_or_default();
                    into.push(Frame::duplex(Bytes::copy_from_slice(datagram)));
                    some = true;
                }
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(explain(error, self.peer)));
                }
                Err(_) if some => break,
                Err(_) => ready!(self.socket.poll_recv_ready(cx))?,
            }
        }
        match some {
            true => Poll::Ready(Ok(Received::Some)),
            false => {
                // Ready again and again, and nothing was there: others have their turn.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl SendHalf for Sending {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        loop {
            let message = match self.waiting.take() {
                Some(message) => message,
                None => match out.pop() {
                    Some(Taken::Frame(frame)) => frame.bytes,
                    Some(Taken::Ended(..)) => continue,
                    None => return Poll::Ready(Ok(())),
                },
            };
            match self.socket.try_send(&message) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.waiting = Some(message);
                    ready!(self.socket.poll_send_ready(cx))?;
                }
                Err(error) => return Poll::Ready(Err(explain(error, self.peer))),
            }
        }
    }
}

/// Where nobody listens, the system tells it after a message was sent. It is not known what became
/// of those before: whoever listened may have ended since.
fn explain(error: io::Error, peer: SocketAddr) -> io::Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => io::Error::new(
            io::ErrorKind::ConnectionReset,
            format!("nobody listens at udp://{peer}"),
        ),
        _ => error,
    }
}
