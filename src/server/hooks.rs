//! `Hooks`: what a program has done when a connection begins and ends, and who serves it.

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use tinyrpc_core::Reason;
use tinyrpc_dispatch::{Dispatcher, Scope, Service};

/// Run for every connection. A panic in one of them costs that connection and no other.
#[derive(Clone)]
pub(super) struct Hooks {
    pub(super) services: Services,
    pub(super) on_connect: Arc<OnConnect>,
    pub(super) on_close: Arc<OnClose>,
}

type OnConnect = dyn Fn(&mut Scope) + Send + Sync;
type OnClose = dyn Fn(&Arc<Scope>, &Reason) + Send + Sync;

/// Who serves a connection.
#[derive(Clone)]
pub(super) enum Services {
    /// One service serves all.
    Shared(Arc<dyn Service>),
    /// Each has its own.
    Each(Arc<Factory>),
}

type Factory = dyn Fn(&Arc<Scope>) -> Arc<dyn Service> + Send + Sync;

impl Hooks {
    pub(super) fn new(services: Services) -> Self {
        Self { services, on_connect: Arc::new(|_| {}), on_close: Arc::new(|_, _| {}) }
    }

    /// A connection begins.
    pub(super) fn connect(&self, scope: &mut Scope) -> Result<(), Reason> {
        guard("`on_connect`", || (self.on_connect)(scope))
    }

    /// Who serves the connection.
    pub(super) fn service(&self, scope: &Arc<Scope>) -> Result<Arc<dyn Service>, Reason> {
        match &self.services {
            Services::Shared(service) => Ok(Arc::clone(service)),
            Services::Each(make) => guard("the factory of services", || make(scope)),
        }
    }

    /// A connection has ended.
    pub(super) fn end(&self, scope: &Arc<Scope>, reason: &Reason) {
        // It is over anyway.
        _ = guard("`on_close`", || (self.on_close)(scope, reason));
    }
}

/// Serves a connection that is about to be closed, or whose peer is not known yet.
pub(super) fn nobody() -> Arc<dyn Service> {
    Arc::new(Dispatcher::new())
}

/// Runs code of a user, whose panic closes the connection.
fn guard<R>(what: &'static str, hook: impl FnOnce() -> R) -> Result<R, Reason> {
    catch_unwind(AssertUnwindSafe(hook)).map_err(|panic| {
        let words = words(&*panic);
        tracing::error!(panic = words, "{what} panicked");
        // The payload of a panic is a value of the user, which may panic when it is dropped.
        mem::forget(panic);
        Reason::Closed(format!("{what} of the server panicked").into())
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no words)")
}
