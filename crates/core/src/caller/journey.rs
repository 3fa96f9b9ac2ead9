//! `Journey`: a call that goes over one of several connections, and over another where that one
//! is gone.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use super::{Caller, ErrorMap};
use crate::{
    Code, Error, Format, Reason, RpcError, Task,
    roster::{Choice, Roster, Wanted},
};

/// The attempts of one call, one after the other.
pub(super) struct Journey {
    roster: Arc<dyn Roster>,
    /// Of the attempt that is under way.
    caller: Option<Caller>,
    /// Of the attempt before.
    avoid: Option<Caller>,
    /// Among those who wait until somebody is there.
    place: Option<u64>,
    alarm: Option<Task>,
    begun: u64,
    /// Microseconds, for all attempts together; 0 for ever.
    timeout: u64,
    /// An earlier attempt may have been executed.
    doubtful: bool,
    /// A peer refused it for a reason that is not its end.
    refused: bool,
}

impl Journey {
    /// `None` for a caller of one connection.
    pub(super) fn of(caller: &Caller, timeout: u64) -> Option<Box<Self>> {
        let roster = caller.roster.clone()?;
        let begun = roster.runtime().now();
        Some(Box::new(Self {
            roster,
            caller: None,
            avoid: None,
            place: None,
            alarm: None,
            begun,
            timeout,
            doubtful: false,
            refused: false,
        }))
    }

    /// The caller of the connection that was chosen.
    pub(super) fn caller(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// Chooses a connection, unless that is done. An impatient caller does not wait for one.
    pub(super) fn poll_choose(
        &mut self,
        cx: &mut Context<'_>,
        base: &Caller,
        format: Option<Format>,
        impatient: bool,
    ) -> Poll<Result<(), Error>> {
        if self.caller.is_some() {
            return Poll::Ready(Ok(()));
        }
        let first = self.avoid.is_none() && self.place.is_none();
        let wanted = Wanted { format, avoid: self.avoid.as_ref(), first };
        let mut choice = self.roster.choose(&wanted);
        if matches!(choice, Choice::Nobody) && !impatient {
            self.roster.wait(&mut self.place, cx.waker());
            // Somebody may have come before we waited.
            choice = self.roster.choose(&Wanted { first: false, ..wanted });
        }
        match choice {
            Choice::Over(chosen) => {
                self.stay();
                self.caller = Some(Caller {
                    calls: chosen.calls,
                    roster: None,
                    errors: ErrorMap::default(),
                    ..base.clone()
                });
                Poll::Ready(Ok(()))
            }
            Choice::Closed(reason) => {
                self.stay();
                Poll::Ready(Err(self.ended(Error::NotExecuted(reason))))
            }
            Choice::Nobody if impatient => {
                let reason = self.roster.absence(Duration::ZERO);
                Poll::Ready(Err(self.ended(Error::NotExecuted(reason))))
            }
            Choice::Nobody => self.poll_alarm(cx),
        }
    }

    /// True once the time is over in which somebody should have come.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.timeout == 0 {
            return Poll::Pending;
        }
        let runtime = self.roster.runtime();
        let deadline = self.begun.saturating_add(self.timeout);
        let alarm = self.alarm.get_or_insert_with(|| runtime.sleep_until(deadline));
        if runtime.now() < deadline && alarm.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let reason = self.roster.absence(Duration::from_micros(self.timeout));
        self.stay();
        Poll::Ready(Err(self.ended(Error::NotExecuted(reason))))
    }

    /// What is left of the time for the attempt that begins, in microseconds; 0 for ever.
    pub(super) fn left(&self) -> u64 {
        if self.timeout == 0 {
            return 0;
        }
        let gone = self.roster.runtime().now().saturating_sub(self.begun);
        self.timeout.saturating_sub(gone).max(1)
    }

    /// An attempt failed: another one is to be made, or this is the error of the call.
    pub(super) fn failed(&mut self, error: Error, idempotent: bool) -> Result<(), Error> {
        let Some(caller) = self.caller.take() else { return Err(self.ended(error)) };
        let again = match &error {
            // Nothing of it was sent, or nobody took it: it costs no peer anything.
            Error::NotExecuted(reason) if is_loss(reason) => {
                if caller.closed().is_none() {
                    self.roster.unreachable(&caller);
                }
                true
            }
            Error::NotExecuted(Reason::Refused(refusal)) if is_farewell(refusal) => {
                self.roster.leaving(&caller);
                true
            }
            Error::NotExecuted(Reason::Refused(refusal)) if refusal.code == Code::REFUSED => {
                !std::mem::replace(&mut self.refused, true) && self.roster.may_repeat()
            }
            Error::Unknown(reason) if idempotent && is_loss(reason) => {
                self.doubtful = true;
                self.roster.may_repeat()
            }
            _ => false,
        };
        if !again {
            return Err(self.ended(error));
        }
        self.avoid = Some(caller);
        Ok(())
    }

    /// What the caller is told. Where an attempt may have been executed, the call may have been.
    fn ended(&self, error: Error) -> Error {
        let whole = |reason| match reason {
            Reason::Timeout(_) => Reason::Timeout(self.timeout / 1000),
            other => other,
        };
        match error {
            Error::NotExecuted(reason) if self.doubtful => Error::Unknown(whole(reason)),
            Error::NotExecuted(reason) => Error::NotExecuted(whole(reason)),
            Error::Unknown(reason) => Error::Unknown(whole(reason)),
            other => other,
        }
    }

    /// Waits no longer.
    fn stay(&mut self) {
        self.alarm = None;
        if let Some(place) = self.place.take() {
            self.roster.leave(place);
        }
    }
}

impl Drop for Journey {
    fn drop(&mut self) {
        self.stay();
    }
}

impl fmt::Debug for Journey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journey").field("caller", &self.caller).finish_non_exhaustive()
    }
}

/// The connection is to blame, and not the call.
fn is_loss(reason: &Reason) -> bool {
    matches!(reason, Reason::Closed(_) | Reason::Connect(_) | Reason::Io(_))
}

/// A server of ours that shuts down says so.
fn is_farewell(refusal: &RpcError) -> bool {
    refusal.code == Code::REFUSED && refusal.message == RpcError::SHUTTING_DOWN
}
