//! The two halves of a connection of exchanges over HTTP.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

#[cfg(feature = "ws")]
use futures_util::FutureExt;
#[cfg(feature = "ws")]
use tinyrpc_core::{Accepted, Opening};
use tinyrpc_core::{
    Connection, Incoming, Outgoing, PeerAddress, Received, RecvHalf, SendHalf, Shape, Taken,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::front::Front;
#[cfg(feature = "ws")]
use super::socket::socket;

/// Each request is a lane; one task polls both halves, so the lock is never waited for.
struct Half<S> {
    front: Arc<Mutex<Front<S>>>,
    #[cfg(feature = "ws")]
    peer: PeerAddress,
}

/// A connection over an HTTP connection.
pub(crate) fn connection<S>(front: Front<S>, peer: PeerAddress) -> Connection
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let headers = Arc::clone(front.desk());
    let front = Arc::new(Mutex::new(front));
    let half = || Half {
        front: Arc::clone(&front),
        #[cfg(feature = "ws")]
        peer: peer.clone(),
    };
    let (recv, send) = (Box::new(half()), Box::new(half()));
    Connection { headers: Some(headers), ..Connection::new(Shape::Exchange, peer, recv, send) }
}

impl<S> Half<S> {
    fn lock(&self) -> MutexGuard<'_, Front<S>> {
        self.front.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> RecvHalf for Half<S> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let mut front = self.lock();
        let ended = front.poll(cx);
        if front.take_arrived(into) {
            return Poll::Ready(Ok(Received::Some));
        }
        #[cfg(feature = "ws")]
        if matches!(ended, Poll::Ready(Ok(())))
            && let Some(socket) = socket(&mut front, self.peer.clone())
        {
            let opening = Opening::new(self.peer.clone(), socket.map(Ok));
            front.accept(Accepted::Opening(opening));
        }
        // A peer that closes waits for nothing any more, so there is nothing to lose.
        ended.map_ok(|()| Received::End)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> SendHalf for Half<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        let mut front = self.lock();
        loop {
            let mut news = !front.desk().has_room();
            while front.desk().has_room()
                && let Some(taken) = out.pop()
            {
                match taken {
                    Taken::Frame(frame) => news |= front.desk().write(frame),
                    Taken::Ended(lane, how) => {
                        front.desk().end(lane, how);
                        news = true;
                    }
                }
            }
            // The answer is written at once; the next request may come with it.
            if news && front.poll(cx).is_ready() || front.desk().has_arrived() {
                cx.waker().wake_by_ref();
                return Poll::Ready(Ok(()));
            }
            // Where a stream waited for room in the body, there may be some now.
            if out.is_empty() || !front.desk().has_room() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut front = self.lock();
        front.desk().give_up();
        front.poll_close(cx)
    }
}
