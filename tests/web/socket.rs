//! `Socket`: a WebSocket of a client, its frames written and read by hand.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::shop::Reply;

/// A client behind its handshake.
pub(crate) struct Socket {
    stream: TcpStream,
    received: Vec<u8>,
    /// What the server answered to the handshake.
    pub(crate) reply: Reply,
}

/// A frame of a server, or how its bytes ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The first byte: the opcode, and whether it is the last fragment.
    Frame(u8, Vec<u8>),
    End,
    /// The system had to say that bytes were lost.
    Reset,
}

impl Socket {
    /// Shakes hands with the server at `HOST:PORT`; headers are whole lines.
    pub(crate) async fn open(address: &str, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream.write_all(&handshake(path, headers)).await.expect("it listens");
        let mut received = Vec::new();
        let end = loop {
            if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            assert_ne!(stream.read_buf(&mut received).await.expect("an answer"), 0);
        };
        let rest = received.split_off(end);
        Self { stream, received: rest, reply: Reply::new(&received) }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends a whole frame with a mask.
    pub(crate) async fn frame(&mut self, opcode: u8, payload: &[u8]) {
        self.send(&frame(0x80 | opcode, payload)).await.expect("it is open");
    }

    pub(crate) async fn next(&mut self) -> Seen {
        loop {
            if let Some((seen, length)) = first(&self.received) {
                self.received.drain(..length);
                return seen;
            }
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) => {
                    assert_eq!(self.received, b"", "half a frame");
                    return Seen::End;
                }
                Ok(_) => {}
                Err(_) => return Seen::Reset,
            }
        }
    }

    /// The payload of the next frame, which has this opcode.
    #[track_caller]
    pub(crate) fn expect(&mut self, opcode: u8) -> impl Future<Output = Vec<u8>> {
        let caller = std::panic::Location::caller();
        async move {
            match self.next().await {
                Seen::Frame(first, payload) if first == 0x80 | opcode => payload,
                other => panic!("{caller}: {other:?} instead of {opcode}"),
            }
        }
    }

    /// The code of the close frame that comes next, and that nothing comes behind it.
    pub(crate) async fn closed(&mut self) -> (u16, Seen) {
        let payload = self.expect(CLOSE).await;
        let code = payload.first_chunk().map_or(NO_CODE, |code| u16::from_be_bytes(*code));
        (code, self.next().await)
    }
}

/// The request that begins a WebSocket.
pub(crate) fn handshake(path: &str, headers: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    )
    .into_bytes()
}

/// A frame of a client, by its first byte.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = announced(first, payload.len(), 0x80);
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The head of a frame: what a length alone does.
pub(crate) fn announced(first: u8, length: usize, masked: u8) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => vec![first, masked | short],
        (_, Ok(long)) => [&[first, masked | 126], &long.to_be_bytes()[..]].concat(),
        _ => [&[first, masked | 127], &(length as u64).to_be_bytes()[..]].concat(),
    }
}

/// The payload of a close frame.
pub(crate) fn farewell(code: u16, words: &str) -> Vec<u8> {
    [&code.to_be_bytes(), words.as_bytes()].concat()
}

/// The first frame of a server's bytes, and its length.
fn first(bytes: &[u8]) -> Option<(Seen, usize)> {
    let (&[first, short], rest) = bytes.split_first_chunk()?;
    assert_eq!(short & 0x80, 0, "a server sends no mask");
    let (head, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(*rest.first_chunk()?)).ok()?),
        short => (2, usize::from(short)),
    };
    let payload = bytes.get(head..head + length)?;
    Some((Seen::Frame(first, payload.to_vec()), head + length))
}

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// What stands for a close frame without a code (RFC 6455, section 7.1.5).
pub(crate) const NO_CODE: u16 = 1005;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
