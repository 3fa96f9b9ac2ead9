//! Whether a call may begin, waits for its turn, or fails.

use std::{sync::MutexGuard, task::Waker};

use super::{Calls, inner::Inner, undecided, waiters::Turn, wake_all};
use crate::{Error, Limits, Reason, draft::Draft, wire::Wire};

/// How a caller that finds no room behaves.
pub(crate) enum Patience<'a> {
    /// It waits; the key is its place in the queue, where it has one.
    Wait(Option<u64>, &'a Waker),
    /// It fails.
    Fail,
}

impl Calls {
    /// Checks whether `calls` more may begin, and gives their deadline where they waited for it;
    /// `None` says that they must wait.
    pub(super) fn enter(
        &self,
        inner: &mut Inner,
        calls: usize,
        draft: &Draft<'_>,
        patience: &Patience<'_>,
    ) -> Result<Option<(&Wire, u64)>, Error> {
        let mut granted = None;
        if let Patience::Wait(Some(key), waker) = patience {
            match inner.waiters.ask(*key, waker) {
                (Turn::Granted { deadline }, _) => granted = Some(deadline),
                (Turn::Waiting, old) => {
                    inner.discarded.extend(old);
                    return Ok(None);
                }
                (Turn::Expired, _) if inner.closed.is_none() => {
                    return Err(self.expired());
                }
                (Turn::Expired, _) => {}
            }
        }
        if let Some(reason) = &inner.closed {
            return Err(Error::NotExecuted(reason.clone()));
        }
        if calls > self.limits.max_calls {
            return Err(Error::limit("max_calls", self.limits.max_calls as u64));
        }
        // The protocol may have become known since the params were to be encoded.
        let Some(wire) = self.wire.get().filter(|_| draft.encoded) else {
            return match patience {
                Patience::Wait(..) => Ok(None),
                Patience::Fail => Err(undecided()),
            };
        };
        if draft.nested.is_some() {
            // A root call of either side can nest `max_nesting` deep, and half of that is ours.
            let roots = self.limits.max_requests + self.limits.max_calls;
            let most = (self.limits.max_nesting as usize).div_ceil(2) * roots;
            let most = most.min(Limits::MOST_CALLS);
            if inner.nested + calls > most {
                return Err(Error::limit("max_nesting", u64::from(self.limits.max_nesting)));
            }
            return Ok(Some((wire, granted.unwrap_or(0))));
        }
        let room = inner.has_room(&self.limits, calls) && inner.waiters.is_empty();
        if granted.is_some() || room {
            return Ok(Some((wire, granted.unwrap_or(0))));
        }
        match patience {
            Patience::Wait(..) => Ok(None),
            Patience::Fail if inner.roots + calls > self.limits.max_calls => {
                Err(Error::limit("max_calls", self.limits.max_calls as u64))
            }
            Patience::Fail => Err(Error::limit("max_outgoing", self.limits.max_outgoing as u64)),
        }
    }

    fn expired(&self) -> Error {
        if self.wire.get().is_none() { undecided() } else { Error::NotExecuted(Reason::Timeout(0)) }
    }
}

/// Joins the queue, or stays in it.
pub(super) fn wait(
    mut inner: MutexGuard<'_, Inner>,
    patience: Patience<'_>,
    calls: usize,
    timeout: u64,
) -> u64 {
    let (key, driver) = match patience {
        Patience::Wait(Some(key), _) => (key, None),
        Patience::Wait(None, waker) => {
            let key = inner.waiters.join(waker.clone(), calls, timeout);
            inner.stamp_waiters = true;
            // The driver must learn of the deadline.
            (key, inner.driver.take())
        }
        // `Calls::enter` never lets an impatient caller wait.
        Patience::Fail => (0, None),
    };
    let discarded = std::mem::take(&mut inner.discarded);
    drop(inner);
    drop(discarded);
    wake_all(driver);
    key
}
