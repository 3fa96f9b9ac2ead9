//! `Pool`: the connections of a client that has several, or makes its one again.

mod keep;
mod roster;

use std::{
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_util::future::AbortHandle;
use tinyrpc_core::{Caller, Format, Reason, Runtime};
use tinyrpc_dispatch::Scope;

pub(super) use self::keep::Keep;
use super::{Balance, balance::Budget};
use crate::{
    SetupError,
    control::{Control, Order},
};

/// All connections, and where they come from.
pub(super) struct Pool {
    balance: Balance,
    runtime: Arc<dyn Runtime>,
    budget: Budget,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In the order of their sites.
    members: Vec<Member>,
    sites: Vec<Site>,
    /// Where the next choice begins.
    next: usize,
    last: u64,
    /// Those who wait for somebody to come, by their places.
    waiting: BTreeMap<u64, Waker>,
    stops: Vec<AbortHandle>,
    closed: Option<Reason>,
}

/// A connection that can be called.
#[derive(Clone)]
struct Member {
    site: usize,
    number: u64,
    format: Format,
    scope: Arc<Scope>,
    control: Arc<Control>,
    /// Its peer has said that it shuts down.
    leaving: bool,
}

/// One address of a client over several. See [`Client::addresses`](super::Client::addresses).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address {
    /// Its URL without the protocol, with the real port where the client listens.
    pub url: String,
    /// How many connections there are: none or one where the client connects, any number where it
    /// listens.
    pub connected: usize,
    /// Attempts in a row of which no connection came.
    pub failures: u32,
    /// Why the last attempt failed, or the last connection ended; `None` while one is there.
    pub last_error: Option<Arc<str>>,
}

/// An address, and what is known of it.
struct Site {
    address: Address,
    format: Format,
    is_bound: bool,
    /// Of the first attempt.
    first_error: Option<SetupError>,
}

impl Pool {
    pub(super) fn new(balance: Balance, runtime: Arc<dyn Runtime>) -> Arc<Self> {
        Arc::new(Self { balance, runtime, budget: Budget::new(), state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an address, and how to stop what makes its connections.
    pub(super) fn add_site(
        &self,
        url: String,
        format: Format,
        is_bound: bool,
        stop: AbortHandle,
    ) -> usize {
        let mut state = self.lock();
        let address = Address { url, connected: 0, failures: 0, last_error: None };
        state.sites.push(Site { address, format, is_bound, first_error: None });
        state.stops.push(stop);
        state.sites.len() - 1
    }

    /// A connection can be called; false where the client is closed by now.
    fn enter(&self, site: usize, scope: Arc<Scope>, control: Arc<Control>) -> Option<u64> {
        let mut state = self.lock();
        if state.closed.is_some() {
            return None;
        }
        state.last += 1;
        let number = state.last;
        let known = state.sites.get_mut(site)?;
        known.address.connected += 1;
        known.address.failures = 0;
        known.address.last_error = None;
        let format = known.format;
        let at = state.members.partition_point(|member| member.site <= site);
        state.members.insert(at, Member { site, number, format, scope, control, leaving: false });
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        wake(waiting);
        Some(number)
    }

    /// A connection has ended.
    fn exit(&self, number: u64, why: &Reason) {
        let mut state = self.lock();
        let Some(at) = state.members.iter().position(|member| member.number == number) else {
            return;
        };
        let member = state.members.remove(at);
        if let Some(site) = state.sites.get_mut(member.site) {
            site.address.connected -= 1;
            site.address.last_error = Some(why.to_string().into());
        }
        drop(state);
        drop(member);
    }

    /// No connection came of an attempt.
    fn failed(&self, site: usize, error: SetupError) {
        let mut state = self.lock();
        let Some(known) = state.sites.get_mut(site) else { return };
        known.address.failures = known.address.failures.saturating_add(1);
        known.address.last_error = Some(error.to_string().into());
        known.first_error.get_or_insert(error);
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        wake(waiting);
    }

    fn poll_first(
        &self,
        place: &mut Option<u64>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SetupError>> {
        let waker = cx.waker().clone();
        let mut state = self.lock();
        if !state.members.is_empty() || state.sites.iter().any(|site| site.is_bound) {
            return Poll::Ready(Ok(()));
        }
        let mut errors = state.sites.iter_mut();
        if errors.all(|site| site.address.failures > 0) {
            let first = state.sites.iter_mut().find_map(|site| site.first_error.take());
            return Poll::Ready(first.map_or(Ok(()), Err));
        }
        let old = state.wait(place, waker);
        drop(state);
        drop(old);
        Poll::Pending
    }

    /// No more connections are made, and those that are there have this order. Gives them.
    pub(super) fn end(&self, order: Order) -> Vec<Arc<Control>> {
        let mut state = self.lock();
        state.closed.get_or_insert_with(|| Reason::Closed("this side closed it".into()));
        let stops = mem::take(&mut state.stops);
        let controls: Vec<_> =
            state.members.iter().map(|member| Arc::clone(&member.control)).collect();
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        stops.iter().for_each(AbortHandle::abort);
        controls.iter().for_each(|control| control.give(order));
        wake(waiting);
        controls
    }

    /// Completes when the client was closed, by this side or for good.
    pub(super) async fn closing(&self) {
        let mut waits = Waits { pool: self, place: None };
        poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut state = self.lock();
            if state.closed.is_some() {
                return Poll::Ready(());
            }
            let old = state.wait(&mut waits.place, waker);
            drop(state);
            drop(old);
            Poll::Pending
        })
        .await;
    }

    /// Completes when the client was closed and all its connections are.
    pub(super) async fn ended(&self) {
        self.closing().await;
        let controls: Vec<_> =
            self.lock().members.iter().map(|member| Arc::clone(&member.control)).collect();
        for control in controls {
            poll_fn(|cx| control.poll_finished(cx)).await;
        }
    }

    /// Completes when somebody can be called or may come.
    ///
    /// # Errors
    ///
    /// No address could be reached at the first attempt.
    pub(super) async fn first(&self) -> Result<(), SetupError> {
        let mut waits = Waits { pool: self, place: None };
        poll_fn(|cx| self.poll_first(&mut waits.place, cx)).await
    }

    pub(super) fn scopes(&self) -> Vec<Arc<Scope>> {
        self.lock().members.iter().map(|member| Arc::clone(&member.scope)).collect()
    }

    pub(super) fn addresses(&self) -> Vec<Address> {
        self.lock().sites.iter().map(|site| site.address.clone()).collect()
    }

    fn callers(&self) -> Vec<Caller> {
        self.lock().members.iter().map(|member| member.scope.caller.clone()).collect()
    }
}

/// Wakes, behind the lock.
fn wake(waiting: BTreeMap<u64, Waker>) {
    waiting.into_values().for_each(Waker::wake);
}

/// A place among those who wait, given back when it is dropped.
struct Waits<'p> {
    pool: &'p Pool,
    place: Option<u64>,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let old = self.pool.lock().waiting.remove(&place);
            drop(old);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("balance", &self.balance)
            .field("addresses", &self.addresses())
            .finish_non_exhaustive()
    }
}
