//! `Socket`: both halves of a connection over a WebSocket.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tinyrpc_core::{
    Connection, Frame, Hint, Incoming, Lane, Limits, Outgoing, PeerAddress, Received, RecvHalf,
    SendHalf, Shape, Taken,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Sleep, sleep},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        error::ProtocolError,
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    FAREWELL,
    heartbeat::{Beat, Heartbeat},
    parting::Parting,
    pings::Pings,
};

/// A WebSocket after its handshake.
struct Socket<S> {
    stream: WebSocketStream<S>,
    role: Role,
    heartbeat: Heartbeat,
    pings: Pings,
    /// What the peer did wrong behind messages that were good.
    fault: Option<Fault>,
    /// Set once the peer has said farewell or broken the rules.
    parting: Option<Parting>,
    /// Set while it is being closed: until when the peer's farewell is waited for.
    farewell: Option<Pin<Box<Sleep>>>,
}

/// When a fault is told.
enum Fault {
    /// After the turn in which the messages before it are answered.
    Behind(Error),
    /// Now.
    Due(Error),
}

/// One task polls both halves, so the lock is never waited for.
struct Half<S>(Arc<Mutex<Socket<S>>>);

/// A connection over a WebSocket.
pub(crate) fn connection<S>(
    stream: WebSocketStream<S>,
    role: Role,
    peer: PeerAddress,
    protocol: Option<Arc<str>>,
    limits: &Limits,
) -> Connection
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let socket = Socket {
        stream,
        role,
        heartbeat: Heartbeat::new(limits.heartbeat),
        pings: Pings::default(),
        fault: None,
        parting: None,
        farewell: None,
    };
    let socket = Arc::new(Mutex::new(socket));
    let (recv, send) = (Box::new(Half(Arc::clone(&socket))), Box::new(Half(socket)));
    Connection { protocol, ..Connection::new(Shape::Messages, peer, recv, send) }
}

/// The bounds of a WebSocket. The write buffer needs none: a message is only put into it when the
/// one before was taken.
pub(crate) fn config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(limits.max_message))
        .max_frame_size(Some(limits.max_message))
}

impl<S> Half<S> {
    fn lock(&self) -> MutexGuard<'_, Socket<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        if let Some(parting) = &mut self.parting {
            return parting.poll(&mut self.stream, cx).map_ok(|()| Received::End);
        }
        match self.fault.take() {
            None => {}
            Some(Fault::Behind(error)) => {
                self.fault = Some(Fault::Due(error));
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Fault::Due(error)) => return self.refuse(error, cx),
        }
        let (mut messages, mut controls) = (0, false);
        while messages < MESSAGES_PER_READ {
            let message = match Pin::new(&mut self.stream).poll_next(cx) {
                Poll::Ready(Some(Ok(message))) => message,
                // What came before is answered first.
                Poll::Ready(Some(Err(error))) if messages > 0 => {
                    self.fault = Some(Fault::Behind(error));
                    break;
                }
                Poll::Ready(Some(Err(error))) => return self.refuse(error, cx),
                Poll::Ready(None) if messages > 0 => break,
                // The answer to our own farewell: nothing comes behind it.
                Poll::Ready(None) if self.farewell.is_some() => {
                    return Poll::Ready(Ok(Received::End));
                }
                Poll::Ready(None) => return self.part(None, cx),
                Poll::Pending => break,
            };
            self.heartbeat.hear();
            let (bytes, hint) = match message {
                Message::Text(text) => (Bytes::from(text), Hint::Text),
                Message::Binary(bytes) => (bytes, Hint::Binary),
                Message::Ping(_) if !self.pings.admit() => {
                    return self.close_with(CloseCode::Policy, TOO_MANY_PINGS, cx);
                }
                // The answer to a ping stands in the write buffer already.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
                    controls = true;
                    continue;
                }
            };
            messages += 1;
            into.push(Frame { lane: Lane::DUPLEX, bytes, hint });
        }
        if controls {
            _ = Pin::new(&mut self.stream).poll_flush(cx);
        }
        if messages > 0 {
            return Poll::Ready(Ok(Received::Some));
        }
        self.poll_heartbeat(cx)
    }

    /// Goes on asking until there is nothing to ask; ready where the peer is given up.
    fn poll_heartbeat(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Received>> {
        match ready!(self.heartbeat.poll(cx)) {
            Beat::Ask => {
                _ = Pin::new(&mut self.stream).start_send(Message::Ping(Bytes::new()));
                _ = Pin::new(&mut self.stream).poll_flush(cx);
                Poll::Pending
            }
            Beat::GiveUp => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, SILENT))),
        }
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        if let Some(parting) = &mut self.parting {
            ready!(parting.poll(&mut self.stream, cx))?;
            return Poll::Ready(match out.pop() {
                Some(_) => Err(io::Error::new(io::ErrorKind::BrokenPipe, FAREWELL_WAS_SAID)),
                None => Ok(()),
            });
        }
        let mut stream = Pin::new(&mut self.stream);
        loop {
            ready!(stream.as_mut().poll_ready(cx)).map_err(into_io)?;
            let Some(taken) = out.pop() else { break };
            let Taken::Frame(frame) = taken else { continue };
            stream.as_mut().start_send(message(frame)).map_err(into_io)?;
        }
        stream.poll_flush(cx).map_err(into_io)
    }

    /// Says farewell and waits for that of the peer, but not for long.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(parting) = &mut self.parting {
            return parting.poll(&mut self.stream, cx).map(|_| Ok(()));
        }
        if self.farewell.is_none() {
            let code = match self.role {
                Role::Server => CloseCode::Away,
                Role::Client => CloseCode::Normal,
            };
            self.say_farewell(code, "", cx);
        }
        let farewell = self.farewell.get_or_insert_with(|| Box::pin(sleep(FAREWELL)));
        if farewell.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(&mut self.stream).poll_close(cx)).map_err(into_io)?;
        while let Some(Ok(_)) = ready!(Pin::new(&mut self.stream).poll_next(cx)) {}
        Poll::Ready(Ok(()))
    }

    /// Tells the peer what was wrong with its bytes, as far as it can still be told.
    fn refuse(&mut self, error: Error, cx: &mut Context<'_>) -> Poll<io::Result<Received>> {
        let code = match &error {
            Error::Capacity(_) => CloseCode::Size,
            Error::Utf8(_) => CloseCode::Invalid,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)));
            }
            Error::Protocol(_) => CloseCode::Protocol,
            _ => return Poll::Ready(Err(into_io(error))),
        };
        self.close_with(code, &error.to_string(), cx)
    }

    fn close_with(
        &mut self,
        code: CloseCode,
        words: &str,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Received>> {
        self.say_farewell(code, words, cx);
        self.part(Some(words.to_owned()), cx)
    }

    fn part(&mut self, wrong: Option<String>, cx: &mut Context<'_>) -> Poll<io::Result<Received>> {
        let parting = self.parting.insert(Parting::new(wrong));
        parting.poll(&mut self.stream, cx).map_ok(|()| Received::End)
    }

    /// Puts a close frame into the write buffer, where none was said before.
    fn say_farewell(&mut self, code: CloseCode, words: &str, cx: &mut Context<'_>) {
        // The answer to a ping may still wait, and nothing may follow a close frame.
        _ = Pin::new(&mut self.stream).poll_flush(cx);
        // A control frame holds 125 bytes, two of them for the code.
        let longest = words.len().min(MOST_WORDS);
        let short = (0..=longest).rev().find_map(|end| words.get(..end)).unwrap_or_default();
        let frame = CloseFrame { code, reason: Utf8Bytes::from(short.to_owned()) };
        _ = Pin::new(&mut self.stream).start_send(Message::Close(Some(frame)));
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> RecvHalf for Half<S> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Incoming,
    ) -> Poll<io::Result<Received>> {
        self.lock().poll_recv(cx, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> SendHalf for Half<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>, out: &mut Outgoing) -> Poll<io::Result<()>> {
        self.lock().poll_send(cx, out)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().poll_close(cx)
    }
}

/// Text goes as text; what claims to be and is none goes as it is.
fn message(frame: Frame) -> Message {
    if frame.hint != Hint::Text {
        return Message::Binary(frame.bytes);
    }
    match Utf8Bytes::try_from(frame.bytes.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(frame.bytes),
    }
}

fn into_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

const TOO_MANY_PINGS: &str = "more than ten pings a second";
const FAREWELL_WAS_SAID: &str = "the peer has closed the WebSocket";
const SILENT: &str = "the peer answered no ping for two times `heartbeat`";

/// Messages that are read before they are handled: some dozens fill one write of answers.
const MESSAGES_PER_READ: usize = 256;
/// Small, because there is one for each connection: a few dozen small messages.
const READ_BUFFER: usize = 16 << 10;
/// Bytes of words in a close frame.
const MOST_WORDS: usize = 123;
