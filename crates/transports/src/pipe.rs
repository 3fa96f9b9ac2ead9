//! `Pipe`: a bounded queue of messages in one direction, for the transports in memory.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tinyrpc_core::{Frame, Incoming, Lane, Received};

/// What travels through a pipe.
#[derive(Debug)]
pub(crate) enum Item {
    Frame(Frame),
    /// No answer will come on this lane any more.
    Closed(Lane),
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    /// One of the ends is gone.
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// One end of a pipe; when it is dropped the other end sees the end.
#[derive(Debug)]
pub(crate) struct Pipe {
    state: Arc<Mutex<State>>,
}

impl Pipe {
    /// A writing and a reading end.
    pub(crate) fn new() -> (Self, Self) {
        let state = Arc::<Mutex<State>>::default();
        (Self { state: Arc::clone(&state) }, Self { state })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room. Only then may [`Pipe::push`] be called.
    pub(crate) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        if state.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if state.bytes < ROOM && state.items.len() < ITEMS {
            return Poll::Ready(Ok(()));
        }
        let old = state.writer.replace(cx.waker().clone());
        drop(state);
        drop(old);
        Poll::Pending
    }

    pub(crate) fn push(&self, item: Item) {
        let mut state = self.lock();
        if let Item::Frame(frame) = &item {
            state.bytes += frame.bytes.len();
        }
        state.items.push_back(item);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// Moves everything that waits into `into`.
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let mut state = self.lock();
        if state.items.is_empty() {
            if state.closed {
                return Poll::Ready(Ok(Received::End));
            }
            let old = state.reader.replace(cx.waker().clone());
            drop(state);
            drop(old);
            return Poll::Pending;
        }
        for item in state.items.drain(..) {
            match item {
                Item::Frame(frame) => into.push(frame),
                Item::Closed(lane) => into.close_lane(lane),
            }
        }
        state.bytes = 0;
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(Received::Some))
    }

    /// Ends the pipe: what was pushed is still received.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.close();
    }
}

/// Bytes that wait in one direction: like the socket buffers of an ordinary system.
const ROOM: usize = 256 << 10;
/// Messages that wait in one direction.
const ITEMS: usize = 4096;
