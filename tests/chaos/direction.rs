//! `Direction`: one direction of a connection in memory, and what goes wrong on it.
//!
//! What travels is bytes or messages, both alike: so much is under way, so much moves in a step,
//! and a fault strikes behind so many.

use std::{
    collections::VecDeque,
    io,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::Instant;

use crate::plan::{Fault, Way};

/// What is under way from one end to the other.
#[derive(Debug)]
pub(crate) struct Direction<T> {
    queue: VecDeque<T>,
    way: Way,
    delivered: u64,
    /// Nothing is delivered before.
    stalled: Option<Instant>,
    muted: bool,
    end: End,
    reader_left: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    /// The reader sees the end of what is under way, and that not before.
    Closed(Instant),
    /// The end was put there by a fault: the writer is told.
    Cut,
    Reset,
}

/// What the reader can do now.
#[derive(Debug)]
pub(crate) enum Ready {
    /// So many may be taken.
    Some(usize),
    End,
    /// The reader is woken, or looks again at that time.
    Wait(Option<Instant>),
    /// Something happens to both directions.
    Struck(Fault),
}

impl<T> Direction<T> {
    pub(crate) fn new(way: Way) -> Self {
        Self {
            queue: VecDeque::new(),
            way,
            delivered: 0,
            stalled: None,
            muted: false,
            end: End::Open,
            reader_left: false,
            reader: None,
            writer: None,
        }
    }

    /// How many of `wanted` may be put in.
    pub(crate) fn poll_room(&mut self, wanted: usize, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        match self.end {
            End::Reset => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            End::Closed(_) | End::Cut => {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            End::Open => {}
        }
        if self.muted {
            return Poll::Ready(Ok(wanted));
        }
        if self.reader_left {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = self.way.room.saturating_sub(self.queue.len());
        if room == 0 {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(wanted.min(room).min(self.way.step())))
    }

    /// Puts in what [`Direction::poll_room`] allowed.
    pub(crate) fn put(&mut self, fill: impl FnOnce(&mut VecDeque<T>)) {
        // A direction that delivers nothing has room for everything.
        if !self.muted {
            fill(&mut self.queue);
            self.wake_reader();
        }
    }

    /// Waits until everything has arrived, where it is that kind of direction.
    pub(crate) fn poll_flush(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.way.flushes || self.queue.is_empty() || self.reader_left {
            return Poll::Ready(());
        }
        self.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// What the reader can do now; faults strike here.
    pub(crate) fn ready(&mut self, cx: &Context<'_>) -> Ready {
        if self.end == End::Reset {
            return Ready::Struck(Fault::Reset);
        }
        if let Some(&(at, fault)) = self.way.faults.front()
            && at <= self.delivered
        {
            self.way.faults.pop_front();
            return Ready::Struck(fault);
        }
        let now = Instant::now();
        let stalled = self.stalled.filter(|until| *until > now);
        self.reader = Some(cx.waker().clone());
        match self.end {
            _ if self.muted => Ready::Wait(None),
            _ if stalled.is_some() => Ready::Wait(stalled),
            End::Cut => Ready::End,
            End::Closed(at) if self.queue.is_empty() && at <= now => Ready::End,
            End::Closed(at) if self.queue.is_empty() => Ready::Wait(Some(at)),
            _ if self.queue.is_empty() => Ready::Wait(None),
            _ => {
                let before = self.way.faults.front().map_or(u64::MAX, |(at, _)| *at);
                let most = (before - self.delivered).try_into().unwrap_or(usize::MAX);
                Ready::Some(self.queue.len().min(most).min(self.way.step()))
            }
        }
    }

    /// Gives the queue, for the first `count` to be drained: what [`Direction::ready`] allowed.
    pub(crate) fn take(&mut self, count: usize) -> &mut VecDeque<T> {
        self.delivered += count as u64;
        if !self.way.latency.is_zero() {
            self.stall(self.way.latency);
        }
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
        &mut self.queue
    }

    /// Nothing is delivered for a while.
    pub(crate) fn stall(&mut self, time: Duration) {
        self.stalled = Some(Instant::now() + time);
    }

    /// Everything is taken and nothing delivered any more.
    pub(crate) fn mute(&mut self) {
        self.muted = true;
        self.clear();
    }

    /// The reader sees the end now, the writer an error.
    pub(crate) fn cut(&mut self) {
        self.end = End::Cut;
        self.clear();
    }

    /// Both ends see an error; what was under way is lost.
    pub(crate) fn reset(&mut self) {
        self.end = End::Reset;
        self.muted = false;
        self.clear();
    }

    /// The writer is done; gives when it may say so, where that is not now.
    pub(crate) fn close(&mut self) -> Option<Instant> {
        if self.end == End::Open {
            self.end = End::Closed(Instant::now() + self.way.parting);
            self.wake_reader();
        }
        match self.end {
            End::Closed(at) if self.way.lingers && at > Instant::now() => Some(at),
            _ => None,
        }
    }

    /// The reader is gone; true where it left something behind.
    pub(crate) fn leave(&mut self) -> bool {
        self.reader_left = true;
        let left = !self.queue.is_empty();
        self.clear();
        left
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.wake_reader();
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}
