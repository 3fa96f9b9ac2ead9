//! `Keep`: makes the connections of one address, and makes them again.

use std::{
    future::{poll_fn, ready},
    io,
    pin::pin,
    sync::{Arc, OnceLock},
    task::Poll,
};

use futures_util::future::{AbortHandle, Abortable, Either, FutureExt, select};
use tinyrpc_core::{Accepted, Caller, Connection, Connector, Listener, Protocol, Reason, Runtime};

use super::Pool;
use crate::{
    Backoff, SetupError,
    attempt::attempt,
    backoff::Failures,
    client::plan::Plan,
    control::{Control, Order},
    server::{Peers, Place},
};

/// What the connections of one address are made with.
#[derive(Clone)]
pub(in crate::client) struct Keep {
    pub(in crate::client) pool: Arc<Pool>,
    pub(in crate::client) plan: Arc<Plan>,
    pub(in crate::client) protocol: Arc<dyn Protocol>,
    pub(in crate::client) runtime: Arc<dyn Runtime>,
    /// The number of the address.
    pub(in crate::client) site: usize,
    pub(in crate::client) address: Arc<str>,
}

impl Keep {
    /// Has one connection at a time through a connector, for as long as the client lives.
    pub(in crate::client) async fn connect(self, connector: Arc<dyn Connector>, backoff: Backoff) {
        let mut failures = Failures::new(backoff);
        loop {
            let wait = match self.attempt(&*connector).await {
                Ok(lasted) => failures.ended(lasted),
                Err(error) => {
                    let wait = failures.failed();
                    tracing::debug!(%error, ?wait, "cannot connect, and will try again");
                    self.pool.failed(self.site, error);
                    wait
                }
            };
            let wait = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
            self.runtime.sleep_until(self.runtime.now().saturating_add(wait)).await;
        }
    }

    /// Connects, and comes back when that connection has ended: how long it lasted.
    async fn attempt(&self, connector: &dyn Connector) -> Result<u64, SetupError> {
        let failed = |source| SetupError::Io { address: connector.address(), source };
        let patience = self.plan.limits.handshake;
        let connection = attempt(connector, patience, &*self.runtime).await.map_err(failed)?;
        self.run(connection, None).await
    }

    /// Has everybody who comes to a listener.
    pub(in crate::client) async fn accept(self, mut listener: Box<dyn Listener>) {
        let peers = Guests(Arc::default());
        loop {
            match listener.accept().await {
                Ok(accepted) => match peers.0.enter(accepted.peer(), &self.plan.limits) {
                    Ok(place) => self.clone().welcome(accepted, place),
                    Err(limit) => {
                        let peer = accepted.peer();
                        tracing::warn!(%peer, limit, "a connection is refused: the limit is reached");
                    }
                },
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return,
                Err(error) => {
                    tracing::warn!(%error, address = listener.address(), "cannot accept");
                    self.runtime.sleep_until(self.runtime.now() + PAUSE).await;
                }
            }
        }
    }

    /// Opens a connection that was accepted, in a task of its own, and has it called.
    fn welcome(self, accepted: Accepted, place: Place) {
        let (abort, registration) = AbortHandle::new_pair();
        let runtime = Arc::clone(&self.runtime);
        let opened = match accepted {
            Accepted::Ready(connection) => Either::Left(ready(Ok(connection))),
            Accepted::Opening(opening) => {
                place.opens(abort);
                Either::Right(opening)
            }
        };
        runtime.spawn(Box::pin(async move {
            let connection = match Abortable::new(opened, registration).await {
                Ok(Ok(connection)) => connection,
                Ok(Err(error)) => return tracing::debug!(%error, "no connection came of it"),
                Err(_) => return,
            };
            if let Err(error) = self.run(connection, Some(place)).await {
                tracing::debug!(%error, "a worker came, and cannot be called");
            }
        }));
    }

    /// Has a connection called until it ends, and says how long it lasted.
    async fn run(&self, connection: Connection, place: Option<Place>) -> Result<u64, SetupError> {
        let begun = self.runtime.now();
        let runtime = Arc::clone(&self.runtime);
        let mut driver = self.plan.driver(connection, Arc::clone(&self.protocol), runtime);
        let (scope, control) = (Arc::clone(driver.scope()), driver.control());
        if let Some(place) = &place
            && !place.fill(Arc::clone(&scope), Arc::clone(&control))
        {
            return Ok(0);
        }
        // However this task ends, the connection ends with it, and whoever waits for it is told.
        let closing = Closing(Some(Arc::clone(&control)));
        let (pool, number) = (Arc::clone(&self.pool), Arc::new(OnceLock::new()));
        let entered = Arc::clone(&number);
        driver.on_end(move |_, reason: &Reason| {
            drop(place);
            if let Some(number) = entered.get() {
                pool.exit(*number, reason);
            }
        });
        self.runtime.spawn(Box::pin(async move { _ = driver.await }));
        if let Some(greeting) = self.plan.greet(&scope.caller, &self.address) {
            let closing = pin!(self.pool.closing());
            let finished = pin!(poll_fn(|cx| control.poll_finished(cx)));
            let ended = select(closing, finished).map(|_| ());
            match select(pin!(greeting), ended).await {
                Either::Left((greeted, _)) => greeted?,
                // What it says of that is better than what we could.
                Either::Right(((), greeting)) => match greeting.now_or_never() {
                    Some(greeted) => greeted?,
                    None => return Err(self.lost(&scope.caller)),
                },
            }
        }
        let Some(key) = self.pool.enter(self.site, Arc::clone(&scope), Arc::clone(&control)) else {
            return Ok(0);
        };
        _ = number.set(key);
        // It may have ended before its number was known.
        if let Some(reason) = scope.caller.closed()
            && poll_fn(|cx| Poll::Ready(control.poll_finished(cx).is_ready())).await
        {
            self.pool.exit(key, &reason);
        }
        closing.lives_on();
        self.plan.watch(&scope.caller, &control, &self.runtime);
        poll_fn(|cx| control.poll_finished(cx)).await;
        Ok(self.runtime.now().saturating_sub(begun))
    }

    fn lost(&self, caller: &Caller) -> SetupError {
        let why = caller.closed().map_or_else(|| "it was closed".into(), |why| why.to_string());
        SetupError::Io {
            address: self.address.to_string(),
            source: io::Error::new(io::ErrorKind::NotConnected, why),
        }
    }
}

/// Those who came to a listener. Who has not finished its handshake when that ends is sent away.
struct Guests(Arc<Peers>);

impl Drop for Guests {
    fn drop(&mut self) {
        self.0.abort_opening();
    }
}

/// Closes a connection that is not in the pool yet.
struct Closing(Option<Arc<Control>>);

impl Closing {
    /// It is in the pool, which closes it when the time has come.
    fn lives_on(mut self) {
        self.0 = None;
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(control) = &self.0 {
            control.give(Order::Close);
        }
    }
}

/// Out of descriptors, or a peer that was gone at once: it passes. Microseconds.
const PAUSE: u64 = 100_000;
