//! The halves of the connection with one peer of a ROUTER.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tinyrpc_core::{
    Connection, Incoming, Outgoing, PeerAddress, Received, RecvHalf, SendHalf, Shape,
};

use super::{hub::Hub, router::Inbox};

/// A peer that is served, until both halves are gone.
struct Seat {
    hub: Arc<Hub>,
    number: u64,
}

struct Receiving(Arc<Seat>);

struct Sending(Arc<Seat>);

/// The connection with a peer that was accepted. The caller has entered the hub for it.
pub(super) fn connection(
    hub: Arc<Hub>,
    number: u64,
    peer: PeerAddress,
    shape: Shape,
) -> Connection {
    let seat = Arc::new(Seat { hub, number });
    let recv = Receiving(Arc::clone(&seat));
    Connection::new(shape, peer, Box::new(recv), Box::new(Sending(seat)))
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
            Inbox::Some => {
                let pump = router.relieve(*number);
                drop(router);
                pump.into_iter().for_each(Waker::wake);
                Poll::Ready(Ok(Received::Some))
            }
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

impl SendHalf for Sending {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        if out.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let Seat { hub, number } = &*self.0;
        let mut sent = false;
        let mut router = hub.lock();
        let all = router.send(*number, out, &mut sent)?;
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
        let crowded = router.relieve(self.number);
        let pump = if router.has_more() { router.pump.clone() } else { crowded };
        drop(router);
        pump.into_iter().for_each(Waker::wake);
        self.hub.exit();
    }
}
