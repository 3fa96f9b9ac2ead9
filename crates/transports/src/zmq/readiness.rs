//! `Readiness`: when a ZeroMQ socket may have something to do.

use std::{
    io,
    os::fd::{AsRawFd, RawFd},
    task::{Context, Poll},
};

use tokio::io::{Interest, unix::AsyncFd};
use zmq::Socket;

/// The descriptor of a socket, which says nothing but that its state may have changed.
///
/// It tells of changes, not of states, and any call on the socket may take a change away. So
/// whoever sent or received looks at the socket's events before waiting here.
///
/// The descriptor belongs to the socket and must be dropped before it.
#[derive(Debug)]
pub(super) struct Readiness(AsyncFd<Descriptor>);

#[derive(Debug)]
struct Descriptor(RawFd);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl Readiness {
    /// Must be called within the runtime.
    #[expect(
        deprecated,
        reason = "the way without `unsafe`; a wrong descriptor only fails to wake"
    )]
    pub(super) fn of(socket: &Socket) -> io::Result<Self> {
        let descriptor = Descriptor(socket.get_fd()?);
        Ok(Self(AsyncFd::with_interest(descriptor, Interest::READABLE)?))
    }

    /// True where something may have changed since it was asked for the last time; otherwise the
    /// task is woken when something does.
    pub(super) fn poll_changed(&self, cx: &mut Context<'_>) -> bool {
        match self.0.poll_read_ready(cx) {
            Poll::Ready(Ok(mut guard)) => {
                guard.clear_ready();
                true
            }
            // The runtime is going away.
            Poll::Ready(Err(_)) | Poll::Pending => false,
        }
    }
}
