//! `Reading`: the body of one request, read with a bound in bytes and in time.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::StatusCode;
use hyper::body::Body;
use tinyrpc_core::Limits;
use tokio::time::{Instant, Sleep, sleep_until};

use super::{collected::Collected, guard::Refusal};

/// Collects a body.
///
/// It is given up when it is larger than `max_message`, takes longer than `body`, or comes slower
/// than [`SLOWEST`] once [`GRACE`] is over.
#[derive(Debug)]
pub(crate) struct Reading<B> {
    body: B,
    collected: Collected,
    patience: Duration,
    /// Since when it is waited for, and what rings then; made when something is.
    clock: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<B: Body<Data = Bytes> + Unpin> Reading<B> {
    /// # Errors
    ///
    /// A body whose announced length is over the limit.
    pub(crate) fn new(body: B, limits: &Limits) -> Result<Self, Refusal> {
        let max = limits.max_message;
        if body.size_hint().lower() > max as u64 {
            return Err(TOO_LARGE);
        }
        Ok(Self { body, collected: Collected::new(max), patience: limits.body, clock: None })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Refusal>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                ready!(self.poll_late(cx));
                return Poll::Ready(Err(TOO_SLOW));
            };
            match frame {
                // Trailers say nothing to us.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data()
                        && !self.collected.push(bytes)
                    {
                        return Poll::Ready(Err(TOO_LARGE));
                    }
                }
                Some(Err(_)) => return Poll::Ready(Err(BROKEN)),
                None if self.collected.len() == 0 => return Poll::Ready(Err(EMPTY)),
                None => return Poll::Ready(Ok(self.collected.take())),
            }
        }
    }

    /// Ready when the body takes too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let worth = Duration::from_secs((self.collected.len() / SLOWEST) as u64);
        let (began, alarm) = self.clock.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + self.patience.min(GRACE))))
        });
        while alarm.as_mut().poll(cx).is_ready() {
            let late = *began + self.patience.min(GRACE + worth);
            if alarm.deadline() >= late {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(late);
        }
        Poll::Pending
    }
}

const fn refusal(status: StatusCode, words: &'static str) -> Refusal {
    Refusal { status, words, allow: None }
}

const TOO_LARGE: Refusal =
    refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than the limit `max_message`");
const TOO_SLOW: Refusal =
    refusal(StatusCode::REQUEST_TIMEOUT, "the body came slower than the limit `body` allows");
const BROKEN: Refusal = refusal(StatusCode::BAD_REQUEST, "the body cannot be read");
const EMPTY: Refusal = refusal(StatusCode::BAD_REQUEST, "the body is empty: a message is expected");

/// Bytes a second that a body must bring: a modem did.
const SLOWEST: usize = 1 << 10;
/// How long a body may begin slowly: a network may lose a few packets in a row.
const GRACE: Duration = Duration::from_secs(5);
