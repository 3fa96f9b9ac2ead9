//! The halves of a connection that a server has with whoever reads one queue of answers.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tinyrpc_core::{
    Connection, Headers, Incoming, Outgoing, PeerAddress, Received, RecvHalf, SendHalf, Shape,
    Taken,
};

use super::hub::Hub;

/// A client that is served, until both halves are gone.
struct Seat {
    hub: Arc<Hub>,
    number: u64,
}

struct Receiving(Arc<Seat>);

struct Sending(Arc<Seat>);

/// The connection of a seat. The caller has entered the hub for it.
pub(super) fn connection(hub: Arc<Hub>, number: u64, name: String) -> Connection {
    let headers: Arc<dyn Headers> = Arc::<Hub>::clone(&hub);
    let seat = Arc::new(Seat { hub, number });
    let (peer, recv) = (PeerAddress::Other(name.into()), Box::new(Receiving(Arc::clone(&seat))));
    Connection {
        headers: Some(headers),
        calls_back: true,
        streams: true,
        ..Connection::new(Shape::Exchange, peer, recv, Box::new(Sending(seat)))
    }
}

impl RecvHalf for Receiving {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let Seat { hub, number } = &*self.0;
        let mut state = hub.lock();
        match state.take(*number, into) {
            Some(true) => Poll::Ready(Ok(Received::Some)),
            None => Poll::Ready(Ok(Received::End)),
            Some(false) => {
                let old = state.wait_reading(*number, cx.waker());
                drop(state);
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
        let mut state = hub.lock();
        // How many answers there can be is bounded by what the broker delivers.
        while state.has_room(*number)
            && let Some(taken) = out.pop()
        {
            match taken {
                Taken::Frame(frame) => state.write(*number, frame),
                Taken::Ended(lane, how) => state.end(*number, lane, how),
            }
        }
        let waits = !out.is_empty();
        // What waits for a broker that is away waits for as long as its caller does.
        out.set_vacant(waits && state.is_vacant(*number));
        let old = if waits { state.wait_writing(*number, cx.waker()) } else { None };
        let pump = if state.has_jobs() { state.pump() } else { None };
        drop(state);
        drop(old);
        pump.into_iter().for_each(Waker::wake);
        if waits { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// Waits until the broker has confirmed all answers.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Seat { hub, number } = &*self.0;
        let mut state = hub.lock();
        let waits = state.wait_settled(*number, cx.waker());
        drop(state);
        if waits.is_some() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        state.leave(self.number);
        let pump = state.pump();
        drop(state);
        pump.into_iter().for_each(Waker::wake);
        self.hub.exit();
    }
}
