//! The halves of the connection with one peer of a ROUTER.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use tinyrpc_core::{
    Connection, Incoming, Lane, Outgoing, PeerAddress, Received, RecvHalf, SendHalf, Shape, Taken,
};

use super::{hub::Hub, router::Inbox};

/// A peer that is served, until both halves are gone.
struct Seat {
    hub: Arc<Hub>,
    number: u64,
}

struct Receiving(Arc<Seat>);

struct Sending {
    seat: Arc<Seat>,
    /// A message for which there was no room.
    waiting: Option<(Lane, Bytes)>,
}

/// The connection with a peer that was accepted. The caller has entered the hub for it.
pub(super) fn connection(
    hub: Arc<Hub>,
    number: u64,
    peer: PeerAddress,
    shape: Shape,
) -> Connection {
    let seat = Arc::new(Seat { hub, number });
    Connection {
        shape,
        framing: None,
        protocol: None,
        peer,
        headers: None,
        recv: Box::new(Receiving(Arc::clone(&seat))),
        send: Box::new(Sending { seat, waiting: None }),
    }
}

impl RecvHalf for Receiving {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let Seat { hub, number } = &*self.0;
        let mut router = hub.lock();
        match router.take(*number, into)? {
            Inbox::Some => Poll::Ready(Ok(Received::Some)),
            Inbox::Ended => Poll::Ready(Ok(Received::End)),
            Inbox::Empty => {
                let old = router.wait(*number, cx.waker());
                drop(router);
                // A waker is code of the runtime: it is not dropped under the lock.
                drop(old);
                Poll::Pending
            }
        }
    }
}

impl Sending {
    /// Sends what can be sent; false where there is no room for the rest now.
    fn send(&mut self, out: &mut Outgoing, sent: &mut bool) -> io::Result<bool> {
        let Seat { hub, number } = &*self.seat;
        let mut router = hub.lock();
        loop {
            let (lane, body) = match self.waiting.take() {
                Some(waiting) => waiting,
                None => match out.pop() {
                    Some(Taken::Frame(frame)) => (frame.lane, frame.bytes),
                    // Whoever waits for an answer gets one in any case.
                    Some(Taken::Ended(lane, _)) if router.is_open(*number, lane) => {
                        (lane, Bytes::new())
                    }
                    Some(Taken::Ended(..)) => continue,
                    None => break,
                },
            };
            if !router.send(*number, lane, &body)? {
                self.waiting = Some((lane, body));
                return Ok(false);
            }
            *sent = true;
            router.finish(*number, lane);
        }
        Ok(true)
    }
}

impl SendHalf for Sending {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        if self.waiting.is_none() && out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut sent = false;
        let all = self.send(out, &mut sent)?;
        let Seat { hub, number } = &*self.seat;
        let mut router = hub.lock();
        let old = match all {
            true => router.blocked.remove(number),
            false => router.blocked.insert(*number, cx.waker().clone()),
        };
        // A call on the socket takes the news away that something came. A pump that has somebody
        // blocked has to know of that, too.
        let wake = !all || sent && router.has_more();
        let pump = if wake { router.pump.clone() } else { None };
        drop(router);
        drop(old);
        pump.into_iter().for_each(Waker::wake);
        if all { Poll::Ready(Ok(())) } else { Poll::Pending }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut router = self.hub.lock();
        router.leave(self.number);
        let pump = if router.has_more() { router.pump.clone() } else { None };
        drop(router);
        pump.into_iter().for_each(Waker::wake);
        self.hub.exit();
    }
}
