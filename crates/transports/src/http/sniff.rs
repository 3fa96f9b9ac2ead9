//! What a peer speaks, by its first bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};

/// The first byte of a peer, which stays where it is. There is no deadline: a permanent client may
/// be silent for as long as it likes.
pub(super) async fn first(stream: &TcpStream) -> io::Result<u8> {
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(first[0]),
    }
}

/// A stream and what is spoken on it.
#[derive(Debug)]
pub(super) enum Kind<S> {
    Http(Prefixed<S>),
    Raw(Prefixed<S>),
}

/// Reads until it is known what is spoken; the bytes can be read again.
pub(super) async fn kind<S>(mut stream: S, patience: Duration) -> io::Result<Kind<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut prefix = BytesMut::with_capacity(CONNECT.len());
    if stream.read_buf(&mut prefix).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let told = async {
        loop {
            if let Some(http) = is_http(&prefix) {
                return io::Result::Ok(http);
            }
            if stream.read_buf(&mut prefix).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    };
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    let http = timeout(patience, told).await.map_err(late)??;
    let stream = Prefixed { prefix, stream };
    Ok(if http { Kind::Http(stream) } else { Kind::Raw(stream) })
}

/// True for the line of a request: no message of ours begins with a capital letter, but for the
/// header `Content-Length` in some spelling. `None` where more bytes are needed.
fn is_http(bytes: &[u8]) -> Option<bool> {
    match bytes.first()? {
        b'C' if CONNECT.starts_with(bytes) && bytes.len() < TOLD => None,
        b'C' => Some(bytes.get(..TOLD).is_some_and(|told| CONNECT.starts_with(told))),
        byte => Some(byte.is_ascii_uppercase()),
    }
}

const CONNECT: &[u8] = b"CONNECT";
/// `CONN`: by then it is no `CONTENT-LENGTH`.
const TOLD: usize = 4;

/// A stream whose first bytes were read already.
#[derive(Debug)]
pub(super) struct Prefixed<S> {
    prefix: BytesMut,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Prefixed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.prefix.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, into);
        }
        let count = self.prefix.len().min(into.remaining());
        into.put_slice(self.prefix.get(..count).unwrap_or_default());
        self.prefix.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prefixed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::is_http;

    #[test]
    fn first_bytes() {
        for (bytes, expected) in [
            ("", None),
            ("G", Some(true)),
            ("POST / HTTP/1.1", Some(true)),
            ("X", Some(true)),
            ("C", None),
            ("CON", None),
            ("CONN", Some(true)),
            ("CONNECT", Some(true)),
            ("CONT", Some(false)),
            ("CONTENT-LENGTH: 3", Some(false)),
            ("Co", Some(false)),
            ("Content-Length: 3", Some(false)),
            ("content-length: 3", Some(false)),
            ("{", Some(false)),
            ("[1", Some(false)),
            ("7:", Some(false)),
            ("\0", Some(false)),
        ] {
            assert_eq!(is_http(bytes.as_bytes()), expected, "{bytes:?}");
        }
    }
}
