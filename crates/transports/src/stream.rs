//! Any stream of bytes as a transport: a socket, a pipe, a serial line, a TLS session.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tinyrpc_core::{
    Connection, Framing, Incoming, Outgoing, PeerAddress, Received, RecvHalf, SendHalf, Shape,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

/// A connection over a stream that can be read and written.
///
/// Messages are framed as the protocol does by itself; [`framed`] sets another framing.
pub fn connection(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    peer: PeerAddress,
) -> Connection {
    let (reader, writer) = tokio::io::split(stream);
    halves(reader, writer, peer)
}

/// A connection over two streams, one for each direction.
pub fn halves(
    reader: impl AsyncRead + Send + Unpin + 'static,
    writer: impl AsyncWrite + Send + Unpin + 'static,
    peer: PeerAddress,
) -> Connection {
    Connection::new(Shape::Stream, peer, Box::new(StreamRecv(reader)), Box::new(StreamSend(writer)))
}

/// The same connection with a framing in place of the protocol's own.
pub fn framed(connection: Connection, framing: impl Framing + 'static) -> Connection {
    Connection { framing: Some(Arc::new(framing)), ..connection }
}

struct StreamRecv<R>(R);

impl<R: AsyncRead + Send + Unpin> RecvHalf for StreamRecv<R> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        let count = ready!(poll_read_buf(Pin::new(&mut self.0), cx, into.buffer()))?;
        Poll::Ready(Ok(if count == 0 { Received::End } else { Received::Some }))
    }
}

struct StreamSend<W>(W);

impl<W: AsyncWrite + Send + Unpin> SendHalf for StreamSend<W> {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        loop {
            let writer = Pin::new(&mut self.0);
            let written = if out.is_scattered() {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let count = out.slices(&mut slices);
                writer.poll_write_vectored(cx, slices.get(..count).unwrap_or_default())
            } else if out.bytes().is_empty() {
                return writer.poll_flush(cx);
            } else {
                writer.poll_write(cx, out.bytes())
            };
            match ready!(written)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => out.advance(count),
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Parts that are written at once: some large values, each behind a head of its own.
const SLICES: usize = 16;
