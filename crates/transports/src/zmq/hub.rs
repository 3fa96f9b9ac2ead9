//! `Hub`: what the listener, the connections and the pump of a ROUTER share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::router::Router;

/// A ROUTER behind a lock, which is held for calls that do not wait, and never while anything is
/// woken.
pub(super) struct Hub(Mutex<Router>);

impl Hub {
    pub(super) fn new(router: Router) -> Arc<Self> {
        Arc::new(Self(Mutex::new(router)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Router> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready when a network connection has closed.
    pub(super) fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut router = self.lock();
        if router.is_cut {
            return Poll::Ready(());
        }
        let old = router.keeper.replace(cx.waker().clone());
        drop(router);
        drop(old);
        Poll::Pending
    }

    /// Nobody accepts its peers any more, and where `cut` is said those that are there end, too.
    /// To unbind instead would close the connections of those that are still served.
    pub(super) fn leave(&self, cut: bool) {
        let mut wakers = Vec::new();
        let mut router = self.lock();
        router.stop_accepting();
        if cut {
            router.cut(&mut wakers);
        }
        wakers.extend(router.pump.clone());
        drop(router);
        wakers.into_iter().for_each(Waker::wake);
        self.exit();
    }

    /// Somebody holds on to it.
    pub(super) fn enter(&self) {
        self.lock().users += 1;
    }

    /// Somebody lets go; the pump ends after the last.
    pub(super) fn exit(&self) {
        let mut router = self.lock();
        router.users -= 1;
        let pump = if router.users == 0 { router.pump.take() } else { None };
        drop(router);
        pump.into_iter().for_each(Waker::wake);
    }
}
