//! `Outlet`: writes what can only be written by waiting, in a thread of its own.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

use tinyrpc_core::{Outgoing, SendHalf};

/// The sending half.
#[derive(Debug)]
pub(super) struct Outlet {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// Says to the thread that there is something to do.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What the thread takes next.
    bytes: Vec<u8>,
    /// No more will come.
    closed: bool,
    /// The thread is done, or could not go on.
    ended: Option<io::Result<()>>,
    /// Who waits for room.
    waiting: Option<Waker>,
    /// Who is to know of the end, whether it waits for something or not.
    owner: Option<Waker>,
}

impl Outlet {
    /// Begins to write. The thread ends when the half is closed or dropped, and all was written.
    pub(super) fn write(to: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let writer = Arc::clone(&shared);
        thread::Builder::new().name("tinyrpc-output".into()).spawn(move || {
            let ended = writer.write_all(to);
            let mut state = writer.lock();
            state.ended = Some(ended);
            let wakers = [state.waiting.take(), state.owner.take()];
            drop(state);
            wakers.into_iter().flatten().for_each(Waker::wake);
        })?;
        Ok(Self { shared })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: writes whatever there is, again and again.
    fn write_all(&self, mut to: impl Write) -> io::Result<()> {
        let mut bytes = Vec::new();
        loop {
            let mut state = self.lock();
            while state.bytes.is_empty() {
                if state.closed {
                    return Ok(());
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            std::mem::swap(&mut state.bytes, &mut bytes);
            let waiting = state.waiting.take();
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
            to.write_all(&bytes)?;
            to.flush()?;
            bytes.clear();
        }
    }
}

impl State {
    /// Whoever was told before is to be dropped behind the lock.
    fn watched_by(&mut self, cx: &Context<'_>) -> Option<Waker> {
        match &self.owner {
            Some(owner) if owner.will_wake(cx.waker()) => None,
            _ => self.owner.replace(cx.waker().clone()),
        }
    }
}

impl SendHalf for Outlet {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        let mut state = self.shared.lock();
        if let Some(ended) = state.ended.take() {
            let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
            return Poll::Ready(Err(ended.err().unwrap_or_else(gone)));
        }
        while !out.is_empty() {
            let room = ROOM.saturating_sub(state.bytes.len());
            if room == 0 {
                let old = state.waiting.replace(cx.waker().clone());
                drop(state);
                drop(old);
                return Poll::Pending;
            }
            let bytes = out.bytes();
            let taken = bytes.get(..room).unwrap_or(bytes);
            state.bytes.extend_from_slice(taken);
            let count = taken.len();
            out.advance(count);
            self.shared.changed.notify_one();
        }
        let old = state.watched_by(cx);
        drop(state);
        drop(old);
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.shared.lock();
        state.closed = true;
        self.shared.changed.notify_one();
        match state.ended.take() {
            Some(ended) => Poll::Ready(ended),
            None => {
                let old = state.watched_by(cx);
                drop(state);
                drop(old);
                Poll::Pending
            }
        }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

/// Bytes that may wait for the thread: as many as a pipe holds.
const ROOM: usize = 64 << 10;
