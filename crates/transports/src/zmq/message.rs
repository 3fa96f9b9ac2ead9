//! Messages of several parts, in and out of a socket without waiting.

use std::io;

use bytes::{Bytes, BytesMut};
use zmq::{DONTWAIT, Error, Message, SNDMORE, Socket};

/// A message as it was received. The last part is what it is about.
pub(super) struct Raw {
    /// The first part, where there are several.
    pub(super) first: Option<Message>,
    /// What stands between the first part and the last one.
    pub(super) rest: Vec<Message>,
    /// The last part.
    pub(super) body: Message,
    /// Bytes of all parts.
    pub(super) len: usize,
}

/// What came of looking for a message.
pub(super) enum Got {
    Nothing,
    Whole(Raw),
    /// It had more parts, or longer ones before the last, than anybody needs; the first of them,
    /// up to the empty one behind which a message begins, where there is one.
    Excess(Vec<Message>),
}

/// The next message, where one is there.
pub(super) fn receive(socket: &Socket) -> io::Result<Got> {
    let (mut first, mut rest, mut size, mut excess) = (None, Vec::new(), 0, false);
    loop {
        let part = match socket.recv_msg(DONTWAIT) {
            Ok(part) => part,
            Err(Error::EAGAIN) => return Ok(Got::Nothing),
            Err(Error::EINTR) => continue,
            Err(error) => return Err(error.into()),
        };
        if !part.get_more() {
            return Ok(match first {
                Some(first) if excess => {
                    let end = rest.iter().position(|part: &Message| part.is_empty());
                    rest.truncate(end.map_or(0, |end| end + 1));
                    rest.insert(0, first);
                    Got::Excess(rest)
                }
                first => {
                    let len = size + part.len();
                    Got::Whole(Raw { first, rest, body: part, len })
                }
            });
        }
        size += part.len();
        excess |= size > MOST_ENVELOPE || rest.len() + 2 >= MOST_PARTS;
        match &mut first {
            None => first = Some(part),
            Some(_) if excess => {}
            Some(_) => rest.push(part),
        }
    }
}

impl Raw {
    /// What stands before the last part, as blocks of their own.
    pub(super) fn envelope(&self) -> Vec<Bytes> {
        self.first.iter().chain(&self.rest).map(|part| Bytes::copy_from_slice(part)).collect()
    }
}

/// Where a message came from, as far as ZeroMQ tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// The descriptor of the network connection, where there is one.
    pub(super) descriptor: Option<i32>,
    /// The address of the other end of it, where it has one.
    pub(super) address: Option<String>,
}

impl Origin {
    pub(super) fn of(message: &mut Message) -> Self {
        Self {
            descriptor: message.gets("__fd").and_then(|text| text.parse().ok()),
            address: message.gets("Peer-Address").map(str::to_owned),
        }
    }
}

/// Sends a message; false where there is no room for it now.
pub(super) fn send<'a>(
    socket: &Socket,
    envelope: impl IntoIterator<Item = &'a [u8]>,
    body: &[u8],
) -> io::Result<bool> {
    for (index, part) in envelope.into_iter().enumerate() {
        match retried(|| socket.send(part, DONTWAIT | SNDMORE)) {
            Ok(()) => {}
            Err(Error::EAGAIN) if index == 0 => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    match retried(|| socket.send(body, DONTWAIT)) {
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

/// Keeps messages: small ones several in a block, large ones as they are.
#[derive(Debug, Default)]
pub(super) struct Store(BytesMut);

impl Store {
    pub(super) fn keep(&mut self, message: Message) -> Bytes {
        // Each look at it is a call into ZeroMQ.
        let bytes: &[u8] = &message;
        if bytes.len() >= LARGE {
            return Bytes::from_owner(Owner(message));
        }
        if self.0.capacity() < bytes.len() {
            self.0.reserve(BLOCK.max(bytes.len()));
        }
        self.0.extend_from_slice(bytes);
        self.0.split().freeze()
    }
}

/// A message that is kept as it is.
struct Owner(Message);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Smaller messages are copied: ZeroMQ keeps several of them in one block of its own, which one
/// would pin.
const LARGE: usize = 4 << 10;
/// Bytes of a block for small messages: some dozens of them, and little to pin by one.
const BLOCK: usize = 8 << 10;
/// Parts of a message: a broker or two stand between peers, not a thousand.
const MOST_PARTS: usize = 64;
/// Bytes of all parts but the last: ids have 255 at most.
const MOST_ENVELOPE: usize = 16 << 10;
