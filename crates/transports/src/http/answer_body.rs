//! `AnswerBody`: the body of a response.

use std::{
    convert::Infallible,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tinyrpc_core::Lane;

use super::{desk::Desk, flow::Flowing, seat::Seat};

/// The body of a response: whole, or a stream that goes out as it comes.
///
/// Nothing is asked of a stream's handler while its body is not polled, and dropping the body drops
/// the handler. A stream that is broken off ends by an error, by which a server closes the
/// connection: its peer does not take a part for the whole.
pub struct AnswerBody {
    kind: Kind,
}

enum Kind {
    Whole(Full<Bytes>),
    Stream(Stream),
}

/// The rest of an answer of several messages.
pub(crate) struct Stream {
    source: Source,
    lane: Lane,
    is_over: bool,
}

/// Where its messages are found.
pub(crate) enum Source {
    /// Whoever gives them polls the connection: no waker is needed.
    Desk(Arc<Desk>),
    /// Another server polls the body.
    Seat(Arc<Seat>),
}

impl AnswerBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { kind: Kind::Whole(Full::new(bytes)) }
    }

    pub(crate) fn stream(source: Source, lane: Lane) -> Self {
        if let Source::Desk(desk) = &source {
            // Until it is dropped; a seat has one guest, who is there already.
            desk.enter();
        }
        Self { kind: Kind::Stream(Stream { source, lane, is_over: false }) }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.kind {
            Kind::Whole(full) => {
                let never = |never: Infallible| match never {};
                Pin::new(full).poll_frame(cx).map_err(never)
            }
            Kind::Stream(stream) => stream.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole(full) => full.is_end_stream(),
            Kind::Stream(stream) => stream.is_over,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(full) => full.size_hint(),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

impl Stream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let flowing = match &self.source {
            Source::Desk(desk) => desk.take_flowing(self.lane),
            Source::Seat(seat) => seat.take_flowing(self.lane, cx),
        };
        match flowing {
            Ok(Flowing::Some(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Ok(Flowing::Nothing) => Poll::Pending,
            Ok(Flowing::End) => {
                self.is_over = true;
                Poll::Ready(None)
            }
            Err(error) => {
                self.is_over = true;
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        match &self.source {
            Source::Desk(desk) => {
                if !self.is_over {
                    desk.hang_up(self.lane);
                }
                desk.leave();
            }
            Source::Seat(seat) if self.is_over => seat.leave(),
            Source::Seat(seat) => seat.hang_up(self.lane),
        }
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Whole(_) => "whole",
            Kind::Stream(_) => "stream",
        };
        f.debug_struct("AnswerBody").field("kind", &kind).finish_non_exhaustive()
    }
}
