//! `Pump`: the task that receives for all peers of a ROUTER.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::{Sleep, sleep};

use super::{hub::Hub, readiness::Readiness, router::Flow};

/// Receives until nobody holds on to the hub. The order of the fields is that of their end.
pub(super) struct Pump {
    readiness: Readiness,
    hub: Arc<Hub>,
    /// When those who wait for room try again in any case.
    retry: Option<Pin<Box<Sleep>>>,
    /// How long a peer may still leave what waits for it, while nothing is received for anybody.
    hold: Option<Pin<Box<Sleep>>>,
    wakers: Vec<Waker>,
}

impl Pump {
    pub(super) fn new(readiness: Readiness, hub: Arc<Hub>) -> Self {
        Self { readiness, hub, retry: None, hold: None, wakers: Vec::new() }
    }

    /// One turn under the lock; true at the end.
    fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        let mut router = self.hub.lock();
        if router.users == 0 {
            return true;
        }
        if !router.pump.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.wakers.extend(router.pump.replace(cx.waker().clone()));
        }
        // Both are asked before anything is received, so that no change is missed.
        let mut changed = router.socket().poll_changed(cx) | self.readiness.poll_changed(cx);
        loop {
            // Only the end of the process ends the context of its sockets.
            let Ok(flow) = router.receive(&mut self.wakers) else { return true };
            if changed {
                self.wakers.extend(router.blocked.drain().map(|(_, waker)| waker));
            }
            match flow {
                Flow::More => {
                    cx.waker().wake_by_ref();
                    return false;
                }
                Flow::Crowded => {
                    let hold = self.hold.get_or_insert_with(|| Box::pin(sleep(HOLD)));
                    if hold.as_mut().poll(cx).is_pending() {
                        return false;
                    }
                    router.end_crowded(&mut self.wakers);
                }
                Flow::Drained => {
                    // All was received; what comes from now on is a change, and wakes this task.
                    changed = router.socket().poll_changed(cx) | self.readiness.poll_changed(cx);
                    if !changed {
                        break;
                    }
                }
            }
            self.hold = None;
        }
        if router.blocked.is_empty() {
            self.retry = None;
            return false;
        }
        // The news of room may have been taken away by a call for another peer.
        let retry = self.retry.get_or_insert_with(|| Box::pin(sleep(RETRY)));
        if retry.as_mut().poll(cx).is_ready() {
            self.retry = None;
            self.wakers.extend(router.blocked.drain().map(|(_, waker)| waker));
        }
        false
    }
}

impl Future for Pump {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let ended = this.turn(cx);
        this.wakers.drain(..).for_each(Waker::wake);
        if ended { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// How long one peer may keep all others from being received for: a task has its turn sooner.
const HOLD: Duration = Duration::from_millis(500);
/// How long somebody may wait for room that is there.
const RETRY: Duration = Duration::from_millis(10);
