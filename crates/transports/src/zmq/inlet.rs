//! `Inlet`: a PULL or SUB socket, and the connection by which its messages come in.

use std::{
    collections::HashSet,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tinyrpc_core::{
    Connection, Frame, Hint, Incoming, Lane, Outgoing, PeerAddress, Received, RecvHalf, SendHalf,
    Shape,
};
use zmq::POLLIN;

use super::{
    endpoint::Endpoint,
    line::Line,
    message::{self, Got, Store},
    watch::Event,
};

/// A socket that only receives. All that comes is one connection of exchanges, none of which is
/// answered: nobody knows who sent what. It begins with the first message, and again with the next
/// one where it was closed.
pub(super) struct Inlet {
    peer: PeerAddress,
    /// Ends with its network connection.
    is_connected: bool,
    state: Mutex<State>,
}

struct State {
    /// Taken at the end.
    line: Option<Line>,
    /// A connection has it.
    taken: bool,
    /// Nothing more is received but what is there.
    ended: bool,
    /// Network connections that are open.
    open: HashSet<i32>,
    /// One closed, and none is open.
    deserted: bool,
    last_lane: u64,
    store: Store,
    acceptor: Option<Waker>,
    reader: Option<Waker>,
    keeper: Option<Waker>,
}

/// The place of the one who receives, until both halves are gone.
struct Seat(Arc<Inlet>);

struct Receiving(Arc<Seat>);

struct Sending {
    _seat: Arc<Seat>,
}

impl Inlet {
    pub(super) fn new(line: Line, endpoint: &Endpoint, is_connected: bool) -> Arc<Self> {
        let state = State {
            line: Some(line),
            taken: false,
            ended: false,
            open: HashSet::new(),
            deserted: false,
            last_lane: 0,
            store: Store::default(),
            acceptor: None,
            reader: None,
            keeper: None,
        };
        let peer = match endpoint {
            Endpoint::Inproc(_) => PeerAddress::Memory,
            other => PeerAddress::Other(format!("whoever sends to {other}").into()),
        };
        Arc::new(Self { peer, is_connected, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection, where there is something for one to receive; otherwise the task is woken when
    /// there is.
    pub(super) fn poll_accept(self: &Arc<Self>, cx: &mut Context<'_>) -> Option<Connection> {
        let mut state = self.lock();
        let old = state.acceptor.replace(cx.waker().clone());
        let comes = !state.taken && state.poll_more(cx);
        let deserted = state.deserted && self.is_connected && !state.taken && !comes;
        let keeper = if deserted { state.keeper.take() } else { None };
        state.taken |= comes;
        drop(state);
        drop(old);
        keeper.into_iter().for_each(Waker::wake);
        comes.then(|| {
            let seat = Arc::new(Seat(Arc::clone(self)));
            let send = Box::new(Sending { _seat: Arc::clone(&seat) });
            let recv = Box::new(Receiving(seat));
            Connection::new(Shape::Exchange, self.peer.clone(), recv, send)
        })
    }

    /// Ready when what it was connected to is gone, and all that came from there was received.
    pub(super) fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        let is_cut = state.ended || state.deserted && !state.taken;
        let old = state.keeper.replace(cx.waker().clone());
        drop(state);
        drop(old);
        if is_cut { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The endpoint is no longer served.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.ended = true;
        let line = if state.taken { None } else { state.line.take() };
        let wakers = [state.reader.take(), state.keeper.take(), state.acceptor.take()];
        drop(state);
        drop(line);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn poll_recv(&self, cx: &mut Context<'_>, into: &mut Incoming) -> Poll<io::Result<Received>> {
        let mut state = self.lock();
        let old = state.reader.replace(cx.waker().clone());
        let received = state.poll_recv(cx, into, self.is_connected);
        drop(state);
        drop(old);
        received
    }
}

impl State {
    /// True where something can be received.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(line) = &self.line else { return false };
        loop {
            let changed = line.poll_changed(cx);
            while let Some(event) = line.watched.next_event() {
                match event {
                    Event::Opened(descriptor) => _ = self.open.insert(descriptor),
                    Event::Closed(descriptor) => {
                        self.open.remove(&descriptor);
                        // One that was connected has opened before it was watched here.
                        self.deserted = self.open.is_empty();
                    }
                    _ => {}
                }
            }
            // A socket whose events cannot be asked for fails to receive, too, and that is told.
            if line.socket().get_events().map_or(true, |events| events.contains(POLLIN)) {
                return true;
            }
            if !changed {
                return false;
            }
        }
    }

    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
        is_connected: bool,
    ) -> Poll<io::Result<Received>> {
        while self.poll_more(cx) {
            let Some(line) = &self.line else { break };
            for _ in 0..MESSAGES_PER_READ {
                let raw = match message::receive(line.socket())? {
                    Got::Nothing => break,
                    // Nobody is there who could be told.
                    Got::Excess(_) => continue,
                    Got::Whole(raw) if raw.body.is_empty() => continue,
                    Got::Whole(raw) => raw,
                };
                self.last_lane += 1;
                // What stands in front is a topic, or nothing to us.
                let bytes = self.store.keep(raw.body);
                into.push(Frame { lane: Lane(self.last_lane), bytes, hint: Hint::None });
            }
            if !into.is_empty() {
                return Poll::Ready(Ok(Received::Some));
            }
        }
        if self.ended || self.deserted && is_connected {
            return Poll::Ready(Ok(Received::End));
        }
        Poll::Pending
    }
}

impl RecvHalf for Receiving {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let Seat(inlet) = &*self.0;
        inlet.poll_recv(cx, into)
    }
}

impl SendHalf for Sending {
    /// Answers go nowhere.
    fn poll_send(&mut self, _cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        while out.pop().is_some() {}
        Poll::Ready(Ok(()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.taken = false;
        let line = if state.ended { state.line.take() } else { None };
        let wakers = [state.reader.take(), state.keeper.take(), state.acceptor.take()];
        drop(state);
        drop(line);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

/// Messages that are read before they are handled.
const MESSAGES_PER_READ: usize = 256;
