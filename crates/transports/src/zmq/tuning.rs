//! Sockets with the bounds of [`Limits`].

use std::{io, time::Duration};

use tinyrpc_core::Limits;
use zmq::{Socket, SocketType};

use super::{CONTEXT, endpoint::Resolved};

/// A socket that is not bound or connected yet.
pub(super) fn socket(kind: SocketType, at: &Resolved, limits: &Limits) -> io::Result<Socket> {
    let socket = CONTEXT.socket(kind)?;
    socket.set_ipv6(at.is_ipv6)?;
    socket.set_maxmsgsize(i64::try_from(limits.max_message).unwrap_or(i64::MAX))?;
    socket.set_sndhwm(HIGH_WATER)?;
    socket.set_rcvhwm(HIGH_WATER)?;
    socket.set_linger(millis(limits.write_stall))?;
    socket.set_handshake_ivl(millis(limits.handshake))?;
    if !limits.heartbeat.is_zero() {
        socket.set_heartbeat_ivl(millis(limits.heartbeat))?;
        socket.set_heartbeat_timeout(millis(limits.heartbeat * 2))?;
    }
    Ok(socket)
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

/// Messages of one peer that ZeroMQ holds in each direction, beyond which a sender waits: enough
/// for a batch of answers to a thousand calls in flight, at a few megabytes of usual ones.
const HIGH_WATER: i32 = 1000;
