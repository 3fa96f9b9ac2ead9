//! `ZmqEndpoints`: where a listener is bound and connected, to be changed while it serves.

use std::{
    fmt,
    future::poll_fn,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use tinyrpc_core::Accepted;
use tokio::{task::AbortHandle, time::sleep};

use super::{
    Common, Receives,
    contexts::Family,
    endpoint::{Endpoint, Resolved, list},
    hub::Hub,
    inlet::Inlet,
    line::Line,
    peer,
    pump::Pump,
    router::Router,
    served::Served,
    watch::Watched,
};
use crate::backoff::Backoff;

/// The endpoints of a [`ZmqListener`](super::ZmqListener); cheap to clone, and of use for as long
/// as it lives.
///
/// Each has a socket of its own, so that none is in the way of another.
#[derive(Clone)]
pub struct ZmqEndpoints(Arc<Doors>);

pub(super) struct Doors {
    common: Common,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    doors: Vec<Door>,
    /// Whoever waits for peers.
    acceptor: Option<Waker>,
    closed: bool,
    last_number: u64,
}

/// One endpoint.
struct Door {
    number: u64,
    /// As it was asked for.
    given: Endpoint,
    /// As it is.
    endpoint: Endpoint,
    /// `None` while it is not connected.
    served: Option<Served>,
    /// Connects it again and again; `None` where it is bound.
    keeper: Option<AbortHandle>,
}

impl ZmqEndpoints {
    pub(super) fn new(common: Common) -> Self {
        Self(Arc::new(Doors { common, state: Mutex::default() }))
    }

    pub(super) fn common(&self) -> &Common {
        &self.0.common
    }

    /// Binds one more endpoint; gives it with its port.
    ///
    /// # Errors
    ///
    /// It is taken, it is none, or the listener is gone.
    pub async fn bind(&self, endpoint: &Endpoint) -> io::Result<Endpoint> {
        let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for resolved in endpoint.resolve().await? {
            let watched = self.0.socket(&resolved)?;
            let bound = match watched.bind(&resolved) {
                Ok(bound) => bound,
                Err(error) => {
                    refused = error;
                    continue;
                }
            };
            let served = self.0.serve(watched, &resolved, &bound, false)?;
            self.0.add(endpoint, &bound, Some(served), |_| None)?;
            return Ok(bound);
        }
        Err(refused)
    }

    /// Connects one more endpoint, or each of those that the resolver finds behind it: whoever is
    /// bound there hands calls to this side. Where nobody is, or nobody is any more, it is tried
    /// again and again, after 50 ms at first and 2 s in the end.
    ///
    /// # Errors
    ///
    /// The resolver finds nothing now, or the listener is gone.
    pub async fn connect(&self, endpoint: &Endpoint) -> io::Result<()> {
        for found in self.0.common.resolver.resolve(endpoint).await? {
            let doors = Arc::downgrade(&self.0);
            let keep = |number| {
                let task = tokio::spawn(keep(doors, number, found.clone()));
                Some(task.abort_handle())
            };
            self.0.add(endpoint, &found, None, keep)?;
        }
        Ok(())
    }

    /// Accepts no more peers at an endpoint that was bound, by the name that was given or that it
    /// got; false where there is none. Those that are served go on, and it is free again after the
    /// last of them.
    pub fn unbind(&self, endpoint: &Endpoint) -> bool {
        self.0.remove(|door| door.keeper.is_none() && door.is(endpoint), false)
    }

    /// Disconnects an endpoint that was connected, by the name that was given or that it got; false
    /// where there is none. Calls in execution have [`Limits::half_close`](tinyrpc_core::Limits::half_close)
    /// to be answered; those on their way here are lost, and end as unknown.
    pub fn disconnect(&self, endpoint: &Endpoint) -> bool {
        self.0.remove(|door| door.keeper.is_some() && door.is(endpoint), true)
    }

    /// Where it is bound and connected now.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.0.lock().doors.iter().map(|door| door.endpoint.clone()).collect()
    }

    /// Where peers reach it.
    pub(super) fn address(&self) -> String {
        let state = self.0.lock();
        let bound = state.doors.iter().filter(|door| door.keeper.is_none());
        list(&bound.map(|door| door.endpoint.clone()).collect::<Vec<_>>())
    }

    /// The next peer that came to any of them.
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<Accepted> {
        let mut old = Vec::new();
        let mut state = self.0.lock();
        let mut accepted = None;
        for served in state.doors.iter().filter_map(|door| door.served.as_ref()) {
            let hub = match served {
                Served::Peers(hub) => hub,
                Served::Inlet(inlet) => match inlet.poll_accept(cx) {
                    None => continue,
                    connection => {
                        accepted = connection;
                        break;
                    }
                },
            };
            let mut router = hub.lock();
            match router.accept() {
                None => old.extend(router.acceptor.replace(cx.waker().clone())),
                Some((number, address, shape)) => {
                    router.users += 1;
                    drop(router);
                    accepted = Some(peer::connection(Arc::clone(hub), number, address, shape));
                    break;
                }
            }
        }
        if accepted.is_none() {
            old.extend(state.acceptor.replace(cx.waker().clone()));
        }
        drop(state);
        // A waker is code of the runtime: it is not dropped under a lock.
        drop(old);
        match accepted {
            Some(connection) => Poll::Ready(connection.into()),
            None => Poll::Pending,
        }
    }

    /// The listener is gone.
    pub(super) fn close(&self) {
        self.0.lock().closed = true;
        self.0.remove(|_| true, false);
    }
}

impl Doors {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A socket that is neither bound nor connected yet.
    fn socket(&self, at: &Resolved) -> io::Result<Watched> {
        let Common { limits, tuning, receives, .. } = &self.common;
        let watched = tuning.socket(receives.kind(), Family::Serving, at, limits)?;
        if let Receives::Published(topics) = receives {
            for topic in &**topics {
                watched.socket().set_subscribe(topic)?;
            }
        }
        Ok(watched)
    }

    /// Serves a socket that is bound or connected.
    fn serve(
        &self,
        watched: Watched,
        resolved: &Resolved,
        endpoint: &Endpoint,
        is_connected: bool,
    ) -> io::Result<Served> {
        if self.common.receives != Receives::Calls {
            let line = Line::new(watched, resolved.is_inproc())?;
            return Ok(Served::Inlet(Inlet::new(line, endpoint, is_connected)));
        }
        // A peer that takes nothing, or is gone, is an error and not silence.
        watched.socket().set_router_mandatory(true)?;
        let Line { readiness, watched, .. } = Line::new(watched, resolved.is_inproc())?;
        let hub = Hub::new(Router::new(watched, &self.common.limits));
        hub.enter();
        tokio::spawn(Pump::new(readiness, Arc::clone(&hub)));
        Ok(Served::Peers(hub))
    }

    fn add(
        &self,
        given: &Endpoint,
        endpoint: &Endpoint,
        served: Option<Served>,
        keep: impl FnOnce(u64) -> Option<AbortHandle>,
    ) -> io::Result<()> {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            served.into_iter().for_each(|served| served.leave(true));
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the listener is gone"));
        }
        state.last_number += 1;
        let number = state.last_number;
        let keeper = keep(number);
        let (given, endpoint) = (given.clone(), endpoint.clone());
        state.doors.push(Door { number, given, endpoint, served, keeper });
        let acceptor = state.acceptor.take();
        drop(state);
        acceptor.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Removes some doors; those behind them end where `cut` is said. True where there was one.
    fn remove(&self, which: impl Fn(&Door) -> bool, cut: bool) -> bool {
        let mut state = self.lock();
        let removed: Vec<_> = state.doors.extract_if(.., |door| which(door)).collect();
        drop(state);
        let any = !removed.is_empty();
        for door in removed {
            door.keeper.into_iter().for_each(|keeper| keeper.abort());
            door.served.into_iter().for_each(|served| served.leave(cut));
        }
        any
    }

    /// Puts what was connected, or nothing, behind a door; gives what was there.
    fn put(&self, number: u64, served: Option<Served>) -> Option<Served> {
        let mut state = self.lock();
        let door = state.doors.iter_mut().find(|door| door.number == number);
        let old = match door {
            Some(door) => std::mem::replace(&mut door.served, served),
            // It was disconnected meanwhile.
            None => served,
        };
        let acceptor = state.acceptor.take();
        drop(state);
        acceptor.into_iter().for_each(Waker::wake);
        old
    }

    /// Connects once.
    async fn open(&self, endpoint: &Endpoint) -> io::Result<Served> {
        let mut refused = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for resolved in endpoint.resolve().await? {
            let mut watched = self.socket(&resolved)?;
            match watched.connect(&resolved, self.common.limits.handshake).await {
                Ok(()) => return self.serve(watched, &resolved, endpoint, true),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

impl Door {
    fn is(&self, endpoint: &Endpoint) -> bool {
        self.given == *endpoint || self.endpoint == *endpoint
    }
}

/// Connects an endpoint for as long as its door is there.
async fn keep(doors: Weak<Doors>, number: u64, endpoint: Endpoint) {
    let mut backoff = Backoff::default();
    while let Some(doors) = doors.upgrade() {
        if let Ok(served) = doors.open(&endpoint).await {
            backoff = Backoff::default();
            doors.put(number, Some(served.clone())).into_iter().for_each(|old| old.leave(true));
            poll_fn(|cx| served.poll_cut(cx)).await;
            doors.put(number, None).into_iter().for_each(|old| old.leave(false));
        }
        drop(doors);
        sleep(backoff.next()).await;
    }
}

impl fmt::Debug for ZmqEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ZmqEndpoints").field(&self.endpoints()).finish()
    }
}
