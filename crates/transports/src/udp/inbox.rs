//! `Inbox`: what came from one peer and was not looked at yet.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use bytes::Bytes;
use tinyrpc_core::{Frame, Hint, Incoming, Lane};

/// Filled by the pump, emptied by the connection of the peer. Nothing is woken, and no waker is
/// dropped, under its lock.
#[derive(Default)]
pub(super) struct Inbox(Mutex<State>);

#[derive(Default)]
struct State {
    datagrams: VecDeque<Bytes>,
    bytes: usize,
    /// The number of the last exchange.
    last: u64,
    /// Exchanges that are not over.
    open: usize,
    /// Nothing more will come.
    ended: bool,
    /// The connection is no more.
    left: bool,
    waker: Option<Waker>,
}

impl State {
    fn is_idle(&self) -> bool {
        self.open == 0 && self.datagrams.is_empty()
    }
}

/// What a connection finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Some,
    Nothing,
    End,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a datagram; false where there is no room for it, and it is lost.
    pub(super) fn put(&self, datagram: Bytes) -> bool {
        let mut state = self.lock();
        let bytes = state.bytes.saturating_add(datagram.len());
        if state.datagrams.len() >= MOST || bytes > MOST_BYTES {
            return false;
        }
        state.bytes = bytes;
        state.datagrams.push_back(datagram);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        true
    }

    /// Hands over what came, each datagram on a lane of its own; where that is nothing, has `waker`
    /// woken for the next.
    pub(super) fn take(&self, into: &mut Incoming, waker: &Waker) -> Found {
        let mut state = self.lock();
        if state.datagrams.is_empty() {
            if state.ended {
                return Found::End;
            }
            let old = match &state.waker {
                Some(kept) if kept.will_wake(waker) => None,
                _ => state.waker.replace(waker.clone()),
            };
            drop(state);
            drop(old);
            return Found::Nothing;
        }
        state.bytes = 0;
        while let Some(bytes) = state.datagrams.pop_front() {
            state.last += 1;
            state.open += 1;
            into.push(Frame { lane: Lane(state.last), bytes, hint: Hint::None });
        }
        Found::Some
    }

    /// An exchange is over.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        state.open = state.open.saturating_sub(1);
    }

    /// True where nothing is to be done for the peer.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().is_idle()
    }

    /// Ends it, unless there is something to be done for the peer.
    pub(super) fn end_if_idle(&self) -> bool {
        let mut state = self.lock();
        if !state.is_idle() {
            return false;
        }
        state.ended = true;
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        true
    }

    /// Says that nobody looks into it any more.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.left = true;
        let (waker, datagrams) = (state.waker.take(), std::mem::take(&mut state.datagrams));
        drop(state);
        drop((waker, datagrams));
    }

    /// True once nobody looks into it any more.
    pub(super) fn is_left(&self) -> bool {
        self.lock().left
    }
}

/// Datagrams that wait for one peer's connection.
const MOST: usize = 1024;
/// Bytes of them.
const MOST_BYTES: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_peer_is_idle_once_its_exchanges_are_over() {
        let inbox = Inbox::default();
        assert!(inbox.put(Bytes::from_static(b"1")));
        assert!(!inbox.end_if_idle(), "one waits");
        let mut incoming = Incoming::new();
        assert_eq!(inbox.take(&mut incoming, Waker::noop()), Found::Some);
        assert!(!inbox.end_if_idle(), "one is not over");
        assert_eq!(inbox.take(&mut incoming, Waker::noop()), Found::Nothing);
        inbox.finish();
        assert!(inbox.end_if_idle());
        assert_eq!(inbox.take(&mut incoming, Waker::noop()), Found::End);
    }

    #[test]
    fn what_waits_is_bounded() {
        let inbox = Inbox::default();
        let small = (0..2 * MOST).filter(|_| inbox.put(Bytes::from_static(b"1"))).count();
        assert_eq!(small, MOST);
        let inbox = Inbox::default();
        let large = Bytes::from(vec![0; 60_000]);
        let kept = (0..100).filter(|_| inbox.put(large.clone())).count();
        assert_eq!(kept, MOST_BYTES / 60_000);
    }
}
