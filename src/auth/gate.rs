//! `Gate`: has peers decided about, and keeps the time.

#[cfg(all(test, feature = "jsonrpc"))]
mod tests;

use std::{
    collections::hash_map::RandomState,
    future::Future,
    hash::BuildHasher,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use futures_util::FutureExt;
use tinyrpc_core::{Reason, RpcError};
use tinyrpc_dispatch::{Engine, Identity, Scope, Service};

use super::{Attempt, Authenticate, Decision, refusal};

/// How many peers were refused.
pub(crate) type Failures = Arc<AtomicU64>;

/// Stands between a connection and its service until its peer is known.
pub(crate) struct Gate {
    hook: Arc<dyn Authenticate>,
    failures: Failures,
    asked: Vec<Asked>,
    /// How long a decision may take, in microseconds.
    patience: u64,
    stand: Stand,
}

/// How long a decision stands.
pub(crate) enum Stand {
    /// For the connection.
    Permanent {
        /// Until when the peer must have said something; known with the first turn.
        until: Option<u64>,
        /// Makes the service, once it is known for whom.
        make: Option<Make>,
    },
    /// For one exchange.
    Exchange,
}

pub(crate) type Make = Box<dyn FnOnce(&Arc<Scope>) -> Result<Arc<dyn Service>, Reason> + Send>;

/// A request about which is being decided.
struct Asked {
    number: u64,
    stage: Stage,
    /// When it is over at the latest.
    until: u64,
}

enum Stage {
    Deciding(Pin<Box<dyn Future<Output = Decision> + Send>>),
    /// The peer will be told at the end.
    Refused(RpcError),
}

/// Whether there is anything new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// No.
    Nobody,
    /// Requests began, or were refused.
    Some,
    /// The gate is open for good.
    All,
}

impl Gate {
    pub(crate) fn new(
        hook: Arc<dyn Authenticate>,
        failures: Failures,
        patience: u64,
        stand: Stand,
    ) -> Self {
        Self { hook, failures, asked: Vec::new(), patience, stand }
    }

    /// When the gate wants another turn.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let silence = match &self.stand {
            Stand::Permanent { until, .. } if self.asked.is_empty() => *until,
            _ => None,
        };
        self.asked.iter().map(|asked| asked.until).chain(silence).min()
    }

    /// Asks about requests that wait, and does what was decided.
    pub(crate) fn poll(&mut self, engine: &mut Engine, now: u64, cx: &mut Context<'_>) -> Passed {
        let mut passed = Passed::Nobody;
        while !engine.session().is_closing() {
            self.ask(engine, now);
            let settled = self.asked.iter_mut().enumerate().find_map(|(index, asked)| {
                let settled = asked.poll(now, cx, &self.failures, engine.scope());
                settled.map(|settled| (index, settled))
            });
            let Some((index, settled)) = settled else {
                if engine.session().can_ask() && self.make_room(now) {
                    continue;
                }
                self.end_silence(engine, now);
                return passed;
            };
            let number = self.asked.remove(index).number;
            if self.settle(number, settled, engine, cx) {
                return Passed::All;
            }
            passed = Passed::Some;
        }
        // Nothing is left to decide about, however long the last words take to leave.
        self.asked.clear();
        if let Stand::Permanent { until, .. } = &mut self.stand {
            *until = None;
        }
        passed
    }

    /// Begins to decide about what waits, as much at a time as makes sense.
    fn ask(&mut self, engine: &mut Engine, now: u64) {
        let scope = Arc::clone(engine.scope());
        let (most, until) = match &mut self.stand {
            Stand::Permanent { until, .. } => {
                (1, *until.get_or_insert(now.saturating_add(self.patience)))
            }
            Stand::Exchange => (MOST_ASKED, now.saturating_add(self.patience)),
        };
        while self.asked.len() < most
            && let Some((number, attempt)) =
                engine.session().ask(|request| Attempt::new(&scope, request))
        {
            let hook = Arc::clone(&self.hook);
            let deciding = async move { hook.authenticate(attempt).await };
            let deciding = AssertUnwindSafe(deciding).catch_unwind().map(|decided| {
                decided.unwrap_or_else(|panic| {
                    tracing::error!("the authentication hook panicked: its peer is refused");
                    std::mem::forget(panic);
                    Decision::Refuse("authentication failed".into())
                })
            });
            self.asked.push(Asked { number, stage: Stage::Deciding(Box::pin(deciding)), until });
        }
    }

    /// Nobody is kept waiting by those who are refused already: the first one is told at once.
    fn make_room(&mut self, now: u64) -> bool {
        if matches!(self.stand, Stand::Permanent { .. }) {
            return false;
        }
        let refused = |asked: &&mut Asked| matches!(asked.stage, Stage::Refused(_));
        let first = self.asked.iter_mut().find(refused);
        first.is_some_and(|first| {
            first.until = now;
            true
        })
    }

    /// Does what was decided; true where that stands for the connection.
    fn settle(
        &mut self,
        number: u64,
        settled: Result<Known, RpcError>,
        engine: &mut Engine,
        cx: &mut Context<'_>,
    ) -> bool {
        match (&mut self.stand, settled) {
            (Stand::Exchange, Ok(Known { identity, request: What::Execute })) => {
                let scope = Arc::new(engine.scope().with_identity(identity));
                engine.begin_asked(number, &scope, cx);
                false
            }
            (Stand::Exchange, Ok(Known { request: What::Answer, .. })) => {
                let words = "a login needs a permanent connection: here each request is on its own";
                engine.session().refuse_asked(number, &refusal(words));
                false
            }
            (Stand::Exchange, Err(error)) => {
                engine.session().refuse_asked(number, &error);
                false
            }
            (Stand::Permanent { make, .. }, Ok(known)) => {
                let make = make.take();
                let_in(number, known, make, engine, cx)
            }
            (Stand::Permanent { .. }, Err(error)) => {
                let reason = format!("the peer was refused: {}", error.message);
                engine.session().turn_away(&error, Reason::Closed(reason.into()));
                false
            }
        }
    }

    /// Closes a connection whose peer has said nothing.
    fn end_silence(&mut self, engine: &mut Engine, now: u64) {
        if self.asked.is_empty()
            && let Stand::Permanent { until: Some(until), .. } = self.stand
            && now >= until
        {
            let words =
                format!("the peer has not logged in within `auth`, {} ms", self.patience / 1000);
            engine.session().turn_away(&refusal(words.clone()), Reason::Closed(words.into()));
        }
    }
}

/// Who a peer is.
struct Known {
    identity: Identity,
    request: What,
}

/// What becomes of the request by which it said so.
enum What {
    Execute,
    Answer,
}

impl Asked {
    /// What was decided, once that is to be done.
    fn poll(
        &mut self,
        now: u64,
        cx: &mut Context<'_>,
        failures: &AtomicU64,
        scope: &Scope,
    ) -> Option<Result<Known, RpcError>> {
        if let Stage::Deciding(deciding) = &mut self.stage {
            match deciding.as_mut().poll(cx) {
                Poll::Ready(Decision::Accept(identity)) => {
                    return Some(Ok(Known { identity, request: What::Execute }));
                }
                Poll::Ready(Decision::LoggedIn(identity)) => {
                    return Some(Ok(Known { identity, request: What::Answer }));
                }
                Poll::Ready(Decision::Refuse(words)) => {
                    failures.fetch_add(1, Relaxed);
                    tracing::warn!(peer = %scope.peer, "a peer is refused: {words}");
                    self.stage = Stage::Refused(refusal(words));
                    self.until = now.saturating_add(delay());
                }
                Poll::Pending if now >= self.until => {
                    tracing::warn!(peer = %scope.peer, "nobody decides about a peer: it is refused");
                    return Some(Err(refusal("nobody has decided about the peer within `auth`")));
                }
                Poll::Pending => {}
            }
        }
        match &self.stage {
            Stage::Refused(error) if now >= self.until => Some(Err(error.clone())),
            _ => None,
        }
    }
}

/// Lets a peer in for good; false where that cannot be, and then its connection is closed.
fn let_in(
    number: u64,
    Known { identity, request }: Known,
    make: Option<Make>,
    engine: &mut Engine,
    cx: &mut Context<'_>,
) -> bool {
    let scope = Arc::clone(engine.scope());
    scope.identify(identity);
    match make.map(|make| make(&scope)) {
        None => {}
        Some(Ok(service)) => engine.serve_by(service),
        Some(Err(reason)) => {
            let error = RpcError::refused("the server cannot serve this peer");
            engine.session().turn_away(&error, reason);
            return false;
        }
    }
    match request {
        What::Execute => engine.begin_asked(number, &scope, cx),
        What::Answer => {
            if !engine.session().answer_asked(number, |reply| reply.result(&true)) {
                let words = "a login is a message of its own, not a part of a batch";
                engine.session().turn_away(&refusal(words), Reason::Closed(words.into()));
                return false;
            }
        }
    }
    engine.session().open_gate();
    true
}

/// Between 100 and 250 ms, so that guessing is slow and nobody learns anything from the time.
fn delay() -> u64 {
    // The keys of a hasher are random, and that is all that is needed here.
    100_000 + RandomState::new().hash_one(()) % 150_001
}

/// How many exchanges are decided about at a time: enough for hooks that ask a database.
const MOST_ASKED: usize = 64;
