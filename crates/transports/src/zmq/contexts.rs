//! `Lease`: the contexts that sockets live in, each with a thread for input and output.

use std::{
    io,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, task::JoinHandle};
use zmq::{Context, Error};

use super::threads;

/// Which sockets share contexts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Endpoints of this process find each other in one context only, which stays.
    Inproc,
    /// Sockets of clients.
    Calling,
    /// Sockets of servers.
    Serving,
}

/// A context with some of the sockets in it.
///
/// What sockets have not sent when they are closed is sent by the threads of their context, for
/// as long as their linger says, and is lost with the end of the process. So a context ends with
/// the last of its sockets, and its end waits for what they have not sent.
pub(super) struct Lease {
    family: Family,
    /// Taken at the end.
    context: Option<Context>,
    number: u64,
}

impl Lease {
    /// Opens sockets in a context that has room for them: one holds a thousand.
    ///
    /// # Errors
    ///
    /// Those of `open`; that of too many sockets only where a new context has no room either.
    pub(super) fn of<T>(
        family: Family,
        batch: bool,
        open: impl Fn(&Context) -> zmq::Result<T>,
    ) -> io::Result<(T, Self)> {
        let batch = batch && family != Family::Inproc;
        let mut rooms = rooms();
        // The newest one first: the others are full, as a rule.
        let kin = |room: &&mut Room| room.family == family && room.batch == batch;
        for room in rooms.list.iter_mut().rev().filter(kin) {
            match open(&room.context) {
                Ok(opened) => {
                    room.leases += 1;
                    return Ok((opened, room.lease()));
                }
                Err(Error::EMFILE) if family != Family::Inproc => {}
                Err(error) => return Err(explained(error)),
            }
        }
        rooms.last_number += 1;
        let number = rooms.last_number;
        let context = if batch { threads::batch() } else { Context::new() };
        let room = Room { family, batch, context, number, leases: 1 };
        let opened = open(&room.context).map_err(explained)?;
        let lease = room.lease();
        rooms.list.push(room);
        Ok((opened, lease))
    }

    /// Gives the sockets back, which are closed. Where they were the last ones, the task ends once
    /// what was sent has left, or its time is over.
    pub(super) fn end(mut self) -> Option<JoinHandle<()>> {
        let context = self.leave()?;
        // Outside of a runtime, or in one that ends, it is waited for here.
        let handle = Handle::try_current().ok()?;
        Some(handle.spawn_blocking(move || drop(context)))
    }

    /// The context, where it has to end.
    fn leave(&mut self) -> Option<Context> {
        let context = self.context.take()?;
        let mut rooms = rooms();
        let index = rooms.list.iter().position(|room| room.number == self.number)?;
        let room = rooms.list.get_mut(index)?;
        room.leases -= 1;
        if room.leases > 0 || self.family == Family::Inproc {
            return None;
        }
        rooms.list.remove(index);
        Some(context)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(context) = self.leave() else { return };
        match Handle::try_current() {
            Ok(handle) => drop(handle.spawn_blocking(move || drop(context))),
            Err(_) => drop(context),
        }
    }
}

/// A context holds a thousand sockets (`ZMQ_MAX_SOCKETS`), and inproc has but one context.
fn explained(error: Error) -> io::Error {
    if error != Error::EMFILE {
        return error.into();
    }
    let words = "ZeroMQ has no room for another socket: there are ZMQ_MAX_SOCKETS of them over \
                 inproc, or the process has too many open files";
    io::Error::new(io::ErrorKind::OutOfMemory, words)
}

struct Room {
    family: Family,
    /// Its threads interrupt nobody.
    batch: bool,
    context: Context,
    number: u64,
    leases: usize,
}

impl Room {
    fn lease(&self) -> Lease {
        Lease { family: self.family, context: Some(self.context.clone()), number: self.number }
    }
}

#[derive(Default)]
struct Rooms {
    list: Vec<Room>,
    last_number: u64,
}

fn rooms() -> MutexGuard<'static, Rooms> {
    static ROOMS: LazyLock<Mutex<Rooms>> = LazyLock::new(Mutex::default);
    ROOMS.lock().unwrap_or_else(PoisonError::into_inner)
}
