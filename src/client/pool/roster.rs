//! The pool as the roster of its client's caller.

use std::{io, sync::Arc, task::Waker, time::Duration};

use tinyrpc_core::{Caller, Choice, Format, Reason, Roster, Runtime, Wanted};

use super::{Member, Pool, State};
use crate::{
    Balance,
    control::{Control, Order},
};

impl Roster for Pool {
    fn choose(&self, wanted: &Wanted<'_>) -> Choice {
        if wanted.first {
            self.budget.earn();
        }
        let mut state = self.lock();
        if let Some(reason) = &state.closed {
            return Choice::Closed(reason.clone());
        }
        let chosen = state.choose(self.balance, wanted, true);
        let chosen = chosen.or_else(|| state.choose(self.balance, wanted, false));
        chosen.map_or(Choice::Nobody, Choice::Over)
    }

    fn wait(&self, place: &mut Option<u64>, waker: &Waker) {
        let waker = waker.clone();
        let mut state = self.lock();
        let old = state.wait(place, waker);
        drop(state);
        drop(old);
    }

    fn leave(&self, place: u64) {
        let old = self.lock().waiting.remove(&place);
        drop(old);
    }

    fn leaving(&self, caller: &Caller) {
        self.pass_over(caller);
    }

    fn unreachable(&self, caller: &Caller) {
        // What is in flight may end; behind that the connection does, and is made again when
        // somebody is there.
        if let Some(control) = self.pass_over(caller) {
            control.give(Order::Drain);
        }
    }

    fn may_repeat(&self) -> bool {
        self.budget.spend()
    }

    fn absence(&self, waited: Duration) -> Reason {
        let state = self.lock();
        let told = state.sites.iter().filter_map(|site| {
            let error = site.address.last_error.as_ref()?;
            Some(format!("; {}", with_address(&site.address.url, error)))
        });
        let told: String = told.take(MOST_TOLD).collect();
        drop(state);
        let time = if waited.is_zero() { String::new() } else { format!(" within {waited:?}") };
        let words = format!("nobody was connected{time}{told}");
        Reason::Connect(Arc::new(io::Error::new(io::ErrorKind::TimedOut, words)))
    }

    fn closed(&self) -> Option<Reason> {
        self.lock().closed.clone()
    }

    fn format(&self) -> Option<Format> {
        let state = self.lock();
        // Who is there now is more likely to be there when the batch is sent.
        let present = state.members.first().map(|member| member.format);
        present.or_else(|| state.sites.first().map(|site| site.format))
    }

    fn in_flight(&self) -> usize {
        self.callers().iter().map(Caller::in_flight).sum()
    }

    fn runtime(&self) -> &Arc<dyn Runtime> {
        &self.runtime
    }
}

impl Pool {
    /// A connection is not chosen any more.
    fn pass_over(&self, caller: &Caller) -> Option<Arc<Control>> {
        let mut state = self.lock();
        let same = |member: &&mut Member| member.scope.caller.is_same_connection(caller);
        let member = state.members.iter_mut().find(same)?;
        member.leaving = true;
        Some(Arc::clone(&member.control))
    }
}

impl State {
    /// Takes or keeps a place among those who wait. The waker that was there before is for the
    /// caller to drop, behind the lock.
    pub(super) fn wait(&mut self, place: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        let place = *place.get_or_insert_with(|| {
            self.last += 1;
            self.last
        });
        self.waiting.insert(place, waker)
    }

    /// The connection for a call, where one fits.
    fn choose(&mut self, balance: Balance, wanted: &Wanted<'_>, another: bool) -> Option<Caller> {
        let fits = |member: &&Member| {
            !member.leaving
                && wanted.format.is_none_or(|format| member.format == format)
                && !(another
                    && wanted
                        .avoid
                        .is_some_and(|avoid| member.scope.caller.is_same_connection(avoid)))
                && member.scope.caller.closed().is_none()
        };
        if balance == Balance::FirstAlive {
            return self.members.iter().find(fits).map(|member| member.scope.caller.clone());
        }
        let begin = self.next % self.members.len().max(1);
        let (before, behind) = self.members.split_at_checked(begin)?;
        let mut turn = behind.iter().chain(before).filter(fits);
        let chosen = match balance {
            Balance::LeastLoaded => turn.min_by_key(|member| member.scope.caller.in_flight()),
            _ => turn.next(),
        }?;
        let at = self.members.iter().position(|member| member.number == chosen.number)?;
        let caller = chosen.scope.caller.clone();
        self.next = at + 1;
        Some(caller)
    }
}

/// An error, which mostly begins with the address by itself.
fn with_address(url: &str, error: &str) -> String {
    if error.starts_with(url) { error.to_owned() } else { format!("{url}: {error}") }
}

/// Addresses whose errors are told: the words are for people.
const MOST_TOLD: usize = 4;
