//! `Hub`: what the listener, the connections and the pump of a ROUTER share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
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
