//! `Line`: a socket in use, with what tells of its changes.

use std::{
    io,
    task::{Context, Poll},
};

use tokio::task::JoinHandle;
use zmq::{POLLIN, POLLOUT, PollEvents, Socket};

use super::{readiness::Readiness, watch::Watched};

/// A socket that is polled by one task. The order of the fields is that of their end.
pub(super) struct Line {
    pub(super) readiness: Readiness,
    pub(super) watched: Watched,
    /// There is no network connection that could be seen to open and close.
    pub(super) is_inproc: bool,
}

impl Line {
    /// Must be called within the runtime.
    pub(super) fn new(watched: Watched, is_inproc: bool) -> io::Result<Self> {
        Ok(Self { readiness: Readiness::of(watched.socket())?, watched, is_inproc })
    }

    pub(super) fn socket(&self) -> &Socket {
        self.watched.socket()
    }

    /// True where something may have changed since it was asked for the last time; otherwise the
    /// task is woken when something does.
    pub(super) fn poll_changed(&self, cx: &mut Context<'_>) -> bool {
        self.watched.poll_changed(cx) | self.readiness.poll_changed(cx)
    }

    /// What can be done with the socket. A call on it takes the news away that something came, so
    /// the task is woken for that.
    pub(super) fn events(&self, cx: &mut Context<'_>) -> io::Result<PollEvents> {
        let events = self.socket().get_events()?;
        if events.contains(POLLIN) {
            cx.waker().wake_by_ref();
        }
        Ok(events)
    }

    /// Ready where something can be sent.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.events(cx)?.contains(POLLOUT) {
                return Poll::Ready(Ok(()));
            }
            if !self.readiness.poll_changed(cx) {
                return Poll::Pending;
            }
        }
    }

    /// Closes the socket, as [`Watched::close`].
    pub(super) fn close(self) -> Option<JoinHandle<()>> {
        let Self { readiness, watched, .. } = self;
        drop(readiness);
        watched.close()
    }
}
