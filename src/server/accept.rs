//! The accept loop: it ends when the listener has ended, and for no other reason.

use std::{future::pending, io, sync::Arc};

use futures_util::future::{AbortHandle, Abortable, Either, FutureExt, select};
use tinyrpc_core::{
    Accepted, Connection, Limits, Listener, Opening, Protocol, ReplyOrder, Role, Runtime, Shape,
    WireTrace,
};
use tinyrpc_dispatch::BlockingPool;

use super::{
    hooks::{self, Hooks},
    peers::{Peers, Place},
};
use crate::{
    Backoff, Driver,
    auth::{Authenticate, Failures, Gate, Stand},
    control::Order,
    driver::Setup,
    open::{Port, Route},
};

/// What every connection of a server is made from.
#[derive(Clone)]
pub(super) struct Accept {
    pub(super) hooks: Hooks,
    pub(super) auth: Option<Arc<dyn Authenticate>>,
    /// How many peers were refused.
    pub(super) failures: Failures,
    pub(super) protocols: Vec<Arc<dyn Protocol>>,
    pub(super) limits: Arc<Limits>,
    pub(super) reply_order: ReplyOrder,
    pub(super) trace: Option<Arc<dyn WireTrace>>,
    pub(super) port: Port,
    /// How this side connects.
    pub(super) route: Route,
    pub(super) backoff: Backoff,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) blocking_pool: Option<BlockingPool>,
    pub(super) peers: Arc<Peers>,
}

impl Accept {
    /// Accepts connections and serves each in a task of its own.
    pub(super) async fn run(self, mut listener: Box<dyn Listener>) {
        let mut pause = FIRST_PAUSE;
        loop {
            match listener.accept().await {
                Ok(accepted) => {
                    pause = FIRST_PAUSE;
                    self.serve(accepted);
                }
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return,
                Err(error) => {
                    // Out of descriptors, or a peer that was gone at once: it passes.
                    tracing::warn!(%error, address = listener.address(), "cannot accept");
                    self.runtime.sleep_until(self.runtime.now() + pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn serve(&self, accepted: Accepted) {
        let peer = accepted.peer();
        let place = match self.peers.enter(peer, &self.limits) {
            Ok(place) => place,
            Err(limit) => {
                tracing::warn!(%peer, limit, "a connection is refused: the limit is reached");
                return;
            }
        };
        match accepted {
            Accepted::Ready(connection) => {
                self.runtime.spawn(Box::pin(self.drive(connection, place)))
            }
            Accepted::Opening(opening) => self.open(opening, place),
        }
    }

    /// Serves a connection once it is one; until then it may have to give its place to another.
    fn open(&self, opening: Opening, place: Place) {
        let (abort, registration) = AbortHandle::new_pair();
        place.opens(abort);
        let (accept, peer) = (self.clone(), opening.peer().clone());
        let patience = u64::try_from(self.limits.auth.as_micros()).unwrap_or(u64::MAX);
        let late = match self.auth {
            // Who has to say who it is may not be silent for as long as it likes.
            Some(_) => self.runtime.sleep_until(self.runtime.now().saturating_add(patience)),
            None => Box::pin(pending()),
        };
        self.runtime.spawn(Box::pin(async move {
            let opened = select(opening, late).map(|first| match first {
                Either::Left((opened, _)) => opened,
                Either::Right(_) => Err(io::ErrorKind::TimedOut.into()),
            });
            match Abortable::new(opened, registration).await {
                Ok(Ok(connection)) => accept.drive(connection, place).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "no connection came of it"),
                Err(_) => tracing::debug!(%peer, "gave its place up before its handshake was over"),
            }
        }));
    }

    /// Drives a connection to its end. It is a peer as soon as this returns.
    fn drive(&self, connection: Connection, place: Place) -> impl Future<Output = ()> + use<> {
        let peer = connection.peer.clone();
        let setup = Setup {
            role: Role::Server,
            protocols: self.protocols.clone(),
            limits: Arc::clone(&self.limits),
            runtime: Arc::clone(&self.runtime),
            blocking_pool: self.blocking_pool.clone(),
            reply_order: self.reply_order,
            gated: self.auth.is_some(),
            trace: self.trace.clone(),
        };
        // Where one decision about the peer stands for all, its service comes after that.
        let is_late = self.auth.is_some() && connection.shape != Shape::Exchange;
        let mut refused = None;
        let mut driver = Driver::new(connection, setup, |mut scope| {
            let connected = self.hooks.connect(&mut scope);
            let scope = Arc::new(scope);
            let service = connected.and_then(|()| match is_late {
                true => Ok(hooks::nobody()),
                false => self.hooks.service(&scope),
            });
            let nobody = |reason| {
                refused = Some(reason);
                hooks::nobody()
            };
            (scope, service.unwrap_or_else(nobody))
        });
        if let Some(hook) = &self.auth {
            driver.guard(self.gate(hook, is_late));
        }
        if !place.fill(Arc::clone(driver.scope()), driver.control()) {
            driver.control().give(Order::Close);
        }
        if let Some(reason) = refused {
            driver.refuse(reason);
        }
        let hooks = self.hooks.clone();
        driver.on_end(move |scope, reason| {
            drop(place);
            hooks.end(scope, reason);
        });
        async move {
            let reason = driver.await;
            tracing::debug!(%peer, %reason, "a connection ended");
        }
    }

    /// What keeps a peer waiting until it is known, and until when.
    fn gate(&self, hook: &Arc<dyn Authenticate>, is_permanent: bool) -> Gate {
        let patience = u64::try_from(self.limits.auth.as_micros()).unwrap_or(u64::MAX);
        let hooks = self.hooks.clone();
        let stand = match is_permanent {
            true => Stand::Permanent {
                until: None,
                make: Some(Box::new(move |scope| hooks.service(scope))),
            },
            false => Stand::Exchange,
        };
        Gate::new(Arc::clone(hook), Arc::clone(&self.failures), patience, stand)
    }
}

/// Microseconds; doubled with each failure in a row.
const FIRST_PAUSE: u64 = 10_000;
/// Descriptors come back sooner than this, or not at all.
const LONGEST_PAUSE: u64 = 1_000_000;
