//! Messages of several parts, in and out of a socket without waiting.

use std::io;

use bytes::Bytes;
use zmq::{DONTWAIT, Error, Message, SNDMORE, Socket};

/// What a socket received.
#[derive(Debug)]
pub(super) struct Parts {
    /// Everything before the last part.
    pub(super) envelope: Vec<Bytes>,
    /// The last part.
    pub(super) body: Bytes,
    /// The descriptor of the network connection over which it came, where there is one.
    pub(super) descriptor: Option<i32>,
    /// The address of the other end of it, where it has one.
    pub(super) address: Option<String>,
}

/// The next message, where one is there.
pub(super) fn receive(socket: &Socket, origin: Origin) -> io::Result<Option<Parts>> {
    let mut envelope = Vec::new();
    loop {
        let mut message = match socket.recv_msg(DONTWAIT) {
            Ok(message) => message,
            Err(Error::EAGAIN) => return Ok(None),
            Err(Error::EINTR) => continue,
            Err(error) => return Err(error.into()),
        };
        if message.get_more() {
            // A broker or two stand between peers, not a thousand.
            if envelope.len() < MOST_PARTS {
                envelope.push(Bytes::copy_from_slice(&message));
            }
            continue;
        }
        let (mut descriptor, mut address) = (None, None);
        if origin == Origin::Wanted {
            descriptor = message.gets("__fd").and_then(|text| text.parse().ok());
            address = message.gets("Peer-Address").map(str::to_owned);
        }
        let body = match message.len() < LARGE {
            true => Bytes::copy_from_slice(&message),
            false => Bytes::from_owner(Owner(message)),
        };
        return Ok(Some(Parts { envelope, body, descriptor, address }));
    }
}

/// Whether it is told over which network connection a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Wanted,
    Known,
}

/// Sends a message; false where there is no room for it now.
pub(super) fn send(socket: &Socket, envelope: &[Bytes], body: &Bytes) -> io::Result<bool> {
    for (index, part) in envelope.iter().enumerate() {
        match retried(|| socket.send(&**part, DONTWAIT | SNDMORE)) {
            Ok(()) => {}
            Err(Error::EAGAIN) if index == 0 => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    match retried(|| socket.send(&**body, DONTWAIT)) {
        Ok(()) => Ok(true),
        Err(Error::EAGAIN) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn retried(mut send: impl FnMut() -> zmq::Result<()>) -> zmq::Result<()> {
    loop {
        match send() {
            Err(Error::EINTR) => {}
            done => return done,
        }
    }
}

/// A message that is kept as it is.
struct Owner(Message);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Smaller messages are copied: ZeroMQ keeps several of them in one block, which one would pin.
const LARGE: usize = 16 << 10;
/// Parts of an envelope that are kept.
const MOST_PARTS: usize = 16;
