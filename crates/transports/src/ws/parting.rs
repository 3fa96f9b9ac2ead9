//! `Parting`: how a connection ends whose peer has said farewell or broken the rules.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::Sink;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::FAREWELL;

/// Has the close frame reach the peer.
///
/// A socket that is closed while bytes wait in it is reset by the system, and a reset overtakes
/// what was sent before. So this side only stops sending, and reads away what the peer had under
/// way, until it closes too or a second has passed (RFC 6455, section 7.1.1).
pub(super) struct Parting {
    /// What was wrong; nothing where the peer said farewell.
    wrong: Option<String>,
    stage: Stage,
    until: Pin<Box<Sleep>>,
}

#[derive(Clone, Copy)]
enum Stage {
    /// The close frame is being sent.
    Telling,
    /// Our side of the stream is being closed.
    Closing,
    /// What still comes is read away.
    Emptying,
}

impl Parting {
    /// Begins behind a close frame, which may still wait to be sent.
    pub(super) fn new(wrong: Option<String>) -> Self {
        Self { wrong, stage: Stage::Telling, until: Box::pin(sleep(FAREWELL)) }
    }

    /// Ready once the peer has been told, or cannot be; an error where it has done wrong.
    pub(super) fn poll<S>(
        &mut self,
        stream: &mut WebSocketStream<S>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if self.until.as_mut().poll(cx).is_pending() {
            ready!(self.poll_stages(stream, cx));
        }
        Poll::Ready(match &self.wrong {
            Some(words) => Err(io::Error::new(io::ErrorKind::InvalidData, words.clone())),
            None => Ok(()),
        })
    }

    fn poll_stages<S>(&mut self, stream: &mut WebSocketStream<S>, cx: &mut Context<'_>) -> Poll<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        if let Stage::Telling = self.stage {
            let told = ready!(Sink::<Message>::poll_flush(Pin::new(stream), cx));
            if told.is_err() {
                return Poll::Ready(());
            }
            self.stage = Stage::Closing;
        }
        let stream = stream.get_mut();
        if let Stage::Closing = self.stage {
            if ready!(Pin::new(&mut *stream).poll_shutdown(cx)).is_err() {
                return Poll::Ready(());
            }
            self.stage = Stage::Emptying;
        }
        let mut unread = [0; UNREAD];
        for _ in 0..READS_PER_TURN {
            let mut into = ReadBuf::new(&mut unread);
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut into));
            if read.is_err() || into.filled().is_empty() {
                return Poll::Ready(());
            }
        }
        // Others have their turn.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Bytes that are read away at a time.
const UNREAD: usize = 4 << 10;
const READS_PER_TURN: usize = 64;
