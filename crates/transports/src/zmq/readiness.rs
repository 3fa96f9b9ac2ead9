//! `Readiness`: when a ZeroMQ socket may have something to do.

use std::{
    io,
    os::{
        fd::{AsFd, AsRawFd, RawFd},
        unix::net,
    },
    task::{Context, Poll},
};

use filedescriptor::OwnedHandle;
use tokio::{io::Interest, net::UnixStream};
use zmq::Socket;

/// The descriptor of a socket, which says nothing but that its state may have changed.
///
/// It tells of changes, not of states, and any call on the socket may take a change away. So
/// whoever sent or received looks at the socket's events before waiting here.
///
/// It is a duplicate, and so may outlive the socket. Nothing is read from it or written to it: that
/// it passes for a stream is the way of the runtime to wait for any descriptor that it owns.
#[derive(Debug)]
pub(super) struct Readiness(UnixStream);

struct Descriptor(RawFd);

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl Readiness {
    /// Must be called within the runtime.
    pub(super) fn of(socket: &Socket) -> io::Result<Self> {
        let descriptor = Descriptor(socket.get_fd()?);
        let duplicate = OwnedHandle::dup(&descriptor).map_err(io::Error::other)?;
        let stream = net::UnixStream::from(duplicate.as_fd().try_clone_to_owned()?);
        stream.set_nonblocking(true)?;
        Ok(Self(UnixStream::from_std(stream)?))
    }

    /// True where something may have changed since it was asked for the last time; otherwise the
    /// task is woken when something does.
    pub(super) fn poll_changed(&self, cx: &mut Context<'_>) -> bool {
        match self.0.poll_read_ready(cx) {
            Poll::Ready(Ok(())) => {
                // Said like this, it is waited for again.
                let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
                _ = self.0.try_io(Interest::READABLE, nothing);
                true
            }
            // The runtime is going away.
            Poll::Ready(Err(_)) | Poll::Pending => false,
        }
    }
}
