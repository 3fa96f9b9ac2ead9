//! `Tuning`: what is set on each socket.

use std::{io, time::Duration};

use tinyrpc_core::Limits;
use zmq::{Socket, SocketType};

use super::{contexts::Family, endpoint::Resolved, watch::Watched};

/// Sockets beyond what [`Limits`] say of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tuning {
    /// The high-water mark: messages of one peer that ZeroMQ itself holds in each direction, beyond
    /// which a sender waits, or a PUB drops. Default 1,000: enough for a batch of answers to a
    /// thousand calls in flight, at a few megabytes of usual ones. 0 is without bound.
    pub hwm: u32,
    /// How long what was not sent yet is kept when a socket is closed, or the process wants to end.
    /// Default 1 s, which is also the most.
    pub linger: Duration,
    /// Has ZeroMQ's own threads interrupt nobody: on Linux they run under `SCHED_BATCH`. Default
    /// false. Where they share a processor with those whose messages they carry, more messages go
    /// together, and many more go at all. But where the processor is busy with anything else, each
    /// message waits for the rest of a time slice, some milliseconds. It is for programs that have
    /// one processor, and that to themselves. Nothing changes over `inproc`, where no thread carries
    /// messages, and on other systems.
    pub batch: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { hwm: 1000, linger: MOST_LINGER, batch: false }
    }
}

impl Tuning {
    /// A socket that is not bound or connected yet. Must be called within the runtime.
    pub(super) fn socket(
        &self,
        kind: SocketType,
        family: Family,
        at: &Resolved,
        limits: &Limits,
    ) -> io::Result<Watched> {
        let family = if at.is_inproc() { Family::Inproc } else { family };
        Watched::open(kind, family, self.batch, |socket| self.set(socket, at, limits))
    }

    fn set(&self, socket: &Socket, at: &Resolved, limits: &Limits) -> zmq::Result<()> {
        socket.set_ipv6(at.is_ipv6)?;
        socket.set_maxmsgsize(i64::try_from(limits.max_message).unwrap_or(i64::MAX))?;
        let mark = i32::try_from(self.hwm).unwrap_or(i32::MAX);
        socket.set_sndhwm(mark)?;
        socket.set_rcvhwm(mark)?;
        socket.set_linger(millis(self.linger.min(MOST_LINGER)))?;
        socket.set_handshake_ivl(millis(limits.handshake))?;
        if !limits.heartbeat.is_zero() {
            socket.set_heartbeat_ivl(millis(limits.heartbeat))?;
            socket.set_heartbeat_timeout(millis(limits.heartbeat * 2))?;
        }
        // Whether a call is made again is decided by its caller, and connecting again is done
        // above. Not to reconnect at all would end the socket's pipe with the connection: what
        // came before is lost with it, and a message of several parts that is being received then
        // ends the process. So would ZeroMQ's own way to connect again at once with a new pipe.
        socket.set_reconnect_ivl(NEVER)
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

/// An end of a process that takes longer looks like one that hangs.
const MOST_LINGER: Duration = Duration::from_secs(1);
/// A day, in milliseconds: longer than any connection is kept that is gone.
const NEVER: i32 = 24 * 60 * 60 * 1000;
