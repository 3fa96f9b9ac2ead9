//! `Heartbeat`: when a silent peer is asked whether it lives, and when it is given up.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// A clock that rings once an interval.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    every: Duration,
    /// Something came since it last rang.
    heard: bool,
    /// Questions in a row that were not answered.
    missed: u32,
    alarm: Option<Pin<Box<Sleep>>>,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    Ask,
    GiveUp,
}

impl Heartbeat {
    /// Rings once `every` interval; never where that is zero.
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, heard: false, missed: 0, alarm: None }
    }

    /// Something came from the peer, whatever it was.
    pub(crate) fn hear(&mut self) {
        self.heard = true;
    }

    /// Ready when the peer is to be asked or given up.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Beat> {
        if self.every.is_zero() {
            return Poll::Pending;
        }
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep(self.every)));
        while alarm.as_mut().poll(cx).is_ready() {
            alarm.as_mut().reset(Instant::now() + self.every);
            if std::mem::take(&mut self.heard) {
                self.missed = 0;
                continue;
            }
            if self.missed >= MOST_MISSED {
                return Poll::Ready(Beat::GiveUp);
            }
            self.missed += 1;
            // The clock is asked again by the turn that follows the question.
            cx.waker().wake_by_ref();
            return Poll::Ready(Beat::Ask);
        }
        Poll::Pending
    }
}

/// One lost question may be an accident.
const MOST_MISSED: u32 = 2;
