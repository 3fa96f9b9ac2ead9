//! Waiting for a future, unless that could never end.

use std::future::Future;

use tinyrpc_core::{Error, Runtime};
use tinyrpc_dispatch::Waiting;

use super::{background, park::park_on};

/// Waits on this thread for a future that others complete: for what has no blocking form.
///
/// A handler on a thread of a [`BlockingPool`](crate::BlockingPool) gives its place back
/// meanwhile.
///
/// ```no_run
/// use tinyrpc::{blocking, call_all};
///
/// let clients =
///     [blocking::connect("tcp://127.0.0.1:4000")?, blocking::connect("tcp://127.0.0.1:4001")?];
/// for answer in blocking::wait(call_all::<_, i64>(&clients, "add", (2, 3)))? {
///     println!("{:?}", answer?);
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The future was not polled then: this is the thread that drives connections, or so many
/// handlers wait already that none could run any more.
pub fn wait<F: Future>(future: F) -> Result<F::Output, Error> {
    let _waiting = begin(Whom::Others)?;
    Ok(park_on(None, future))
}

/// Whom a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whom {
    /// The peer of the call that this thread handles.
    Peer,
    /// Anybody else.
    Others,
}

/// Begins to wait, where that can end.
pub(super) fn begin(whom: Whom) -> Result<Waiting, Error> {
    if background::drives() {
        return Err(Error::invalid(
            "the thread that drives connections cannot wait for one: a handler that is inline or \
             async awaits its calls, or its method is `blocking()`",
        ));
    }
    match whom {
        Whom::Peer => Waiting::for_peer(),
        Whom::Others => Waiting::begin(),
    }
}

/// Waits for the end of something, where that can be waited for; otherwise it ends by itself.
pub(super) fn finish<T>(
    runtime: &dyn Runtime,
    end: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    match begin(Whom::Others) {
        Ok(_waiting) => Some(park_on(None, end)),
        Err(_) => {
            runtime.spawn(Box::pin(async { _ = end.await }));
            None
        }
    }
}

/// Waits for the end of something, and panics where that would be for ever.
#[track_caller]
pub(super) fn wait_until(end: impl Future<Output = ()>) {
    if let Err(error) = wait(end) {
        panic!("{error}");
    }
}
