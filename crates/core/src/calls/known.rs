//! `Known`: the wait until the peer has said what it takes, whoever asked it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::Calls;

/// Ready as soon as the peer is known to know the extension; never where it does not.
pub(crate) struct Known<'a> {
    calls: &'a Calls,
    /// Among those who wait.
    key: Option<usize>,
}

impl Calls {
    pub(crate) fn known(&self) -> Known<'_> {
        Known { calls: self, key: None }
    }
}

impl Future for Known<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.calls.terms().is_some() {
            return Poll::Ready(());
        }
        let mut inner = self.calls.lock();
        // Whoever sets them wakes us under this lock afterwards.
        if self.calls.terms().is_some() {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or_else(|| inner.hopeful.keys().max().map_or(0, |key| key + 1));
        let before = inner.hopeful.insert(key, cx.waker().clone());
        drop(inner);
        drop(before);
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Known<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.calls.lock().hopeful.remove(&key);
            drop(waker);
        }
    }
}
