//! `Traffic`: what a caller does, one step after the other, until its connection is over.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use fastrand::Rng;
use futures_util::FutureExt;
use tinyrpc::{Caller, Error};

use crate::{
    ledger::{Ledger, Made, Maker},
    pace::Pace,
    seed::Chance,
};

/// One caller at work.
#[derive(Debug)]
pub(crate) struct Traffic {
    pub(crate) caller: Caller,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) maker: Maker,
    pub(crate) pace: &'static Pace,
    /// How many calls are left, shared by the callers of a connection.
    pub(crate) budget: Arc<AtomicUsize>,
    /// Texts of calls are this long at most.
    pub(crate) text: u64,
    pub(crate) rng: Rng,
}

type Step = ControlFlow<()>;
const ON: Step = ControlFlow::Continue(());

impl Traffic {
    /// Calls until the budget is spent or no more calls can be made.
    pub(crate) async fn run(mut self) {
        while self.spend(1) > 0 && self.step().await.is_continue() {}
    }

    /// Takes up to `count` from the budget.
    fn spend(&self, count: usize) -> usize {
        let left =
            self.budget.fetch_update(SeqCst, SeqCst, |left| Some(left.saturating_sub(count)));
        left.map_or(0, |left| left.min(count))
    }

    async fn step(&mut self) -> Step {
        match self.rng.u32(0..100) {
            0..50 => self.ready().await,
            50..58 => self.echo().await,
            58..66 => self.later().await,
            66..68 => self.never().await,
            68..71 => self.fail().await,
            71..77 => self.back().await,
            77..82 => self.give_up().await,
            82..87 => self.impatient().await,
            87..91 => self.pipeline().await,
            91..95 => self.batch().await,
            _ => self.notify().await,
        }
    }

    fn make(&self, method: &'static str, timeout: Duration) -> Made {
        self.ledger.make(method, self.maker, timeout)
    }

    fn timeout(&mut self) -> Duration {
        self.pace.timeout(&mut self.rng)
    }

    async fn ready(&mut self) -> Step {
        let timeout = self.timeout();
        // Threads have no part in time that is virtual.
        let blocks = self.pace.real && self.rng.one_in(20);
        let method = if blocks { "block" } else { "ready" };
        let made = self.make(method, timeout);
        let answer = self.caller.call(method, (made.number(),)).timeout(timeout).await;
        made.end(&answer)
    }

    async fn echo(&mut self) -> Step {
        let timeout = self.timeout();
        let length = self.rng.spread(self.text);
        let text = "abcdefg\u{e4}".repeat(length as usize / 8);
        let made = self.make("echo", timeout);
        let params = (made.number(), &text);
        let answer = self.caller.call::<_, (u64, String)>("echo", params).timeout(timeout).await;
        // A text that was changed on its way makes the answer one of another call.
        let answer = answer.map(|(stamp, back)| if back == text { stamp } else { 0 });
        made.end(&answer)
    }

    async fn later(&mut self) -> Step {
        let timeout = self.timeout();
        let work = self.pace.work(&mut self.rng).as_micros() as u64;
        let method = self.rng.pick(&["later", "away"]);
        let made = self.make(method, timeout);
        let answer = self.caller.call(method, (made.number(), work)).timeout(timeout).await;
        made.end(&answer)
    }

    async fn never(&mut self) -> Step {
        let timeout = self.pace.short();
        let made = self.make("never", timeout);
        let answer = self.caller.call("never", (made.number(),)).timeout(timeout).await;
        made.end(&answer)
    }

    async fn fail(&mut self) -> Step {
        let timeout = self.timeout();
        let method = self.rng.pick(&["fail", "panic", "panic_later"]);
        let made = self.make(method, timeout);
        let number = made.number();
        let answer = match method {
            "panic_later" => self.caller.call(method, (number, 500)).timeout(timeout).await,
            _ => self.caller.call(method, (number,)).timeout(timeout).await,
        };
        made.end(&answer)
    }

    async fn back(&mut self) -> Step {
        let timeout = self.timeout();
        let inner = self.timeout().as_millis() as u64;
        let depth = self.rng.u32(0..4);
        let made = self.make("back", timeout);
        let params = (made.number(), depth, inner);
        let answer = self.caller.call("back", params).timeout(timeout).await;
        made.end(&answer)
    }

    /// Drops the future of a call, before or after it was sent.
    async fn give_up(&mut self) -> Step {
        let timeout = self.timeout();
        let work = self.pace.work(&mut self.rng);
        let patience = self.pace.work(&mut self.rng);
        let method = self.rng.pick(&["later", "away"]);
        let made = self.make(method, timeout);
        let params = (made.number(), work.as_micros() as u64);
        let call = self.caller.call(method, params).timeout(timeout);
        let answer = match patience.is_zero() {
            true => call.now_or_never(),
            false => tokio::time::timeout(patience, call).await.ok(),
        };
        match answer {
            Some(answer) => made.end(&answer),
            None => ON,
        }
    }

    async fn impatient(&mut self) -> Step {
        let timeout = self.timeout();
        let made = self.make("ready", timeout);
        let answer = self.caller.try_call("ready", (made.number(),)).timeout(timeout).await;
        made.end(&answer)
    }

    /// Several calls on their way at once; some of their answers nobody waits for.
    async fn pipeline(&mut self) -> Step {
        let timeout = self.timeout();
        let (mut calls, mut step) = (Vec::new(), ON);
        for _ in 0..self.drawn(20) {
            if step.is_break() {
                break;
            }
            let made = self.make("ready", timeout);
            // One that waited for room would wait for answers that nobody collects meanwhile.
            let call = self.caller.try_call::<_, u64>("ready", (made.number(),)).timeout(timeout);
            match call.send().await {
                Ok(sent) => calls.push((made, sent)),
                Err(error) => step = made.end(&Err(error)),
            }
        }
        let kept = self.rng.usize(0..=calls.len());
        for (index, (made, sent)) in calls.into_iter().enumerate() {
            if index < kept {
                step = made.end(&sent.await);
            }
        }
        step
    }

    async fn batch(&mut self) -> Step {
        if self.caller.format().is_none() || self.caller.closed().is_some() {
            // Its calls would not even be written.
            return self.ready().await;
        }
        let timeout = self.timeout();
        let count = self.drawn(self.caller.limits().max_batch.min(20));
        let mut batch = self.caller.batch().timeout(timeout);
        let (mut calls, mut notes, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..count {
            let method = self.rng.pick(&["ready", "ready", "later", "fail", "panic", "note"]);
            let made = self.make(method, timeout);
            let number = made.number();
            let added = match method {
                "note" => batch.notify(method, (number,)).map(|()| None),
                "later" => batch.call::<u64>(method, (number, self.rng.u64(0..2000))).map(Some),
                _ => batch.call::<u64>(method, (number,)).map(Some),
            };
            match added {
                Ok(Some(item)) => calls.push((made, item)),
                Ok(None) => notes.push(made),
                Err(error) => refused.push((made, error)),
            }
        }
        refused.into_iter().for_each(|(made, error)| _ = made.end(&Err(error)));
        let mut step = ON;
        match batch.send().await {
            Ok(mut answers) => {
                notes.into_iter().for_each(|made| _ = made.sent(&Ok(())));
                for (made, item) in calls {
                    step = made.end(&answers.take(item));
                }
            }
            Err(error) => {
                let calls = calls.into_iter().map(|(made, _)| made);
                for made in calls.chain(notes) {
                    step = made.end(&Err::<u64, Error>(error.clone()));
                }
            }
        }
        step
    }

    async fn notify(&mut self) -> Step {
        // It waits for its turn as long as calls do by default.
        let made = self.make("note", self.caller.limits().call_timeout);
        let sent = self.caller.notify("note", (made.number(),)).await;
        made.sent(&sent)
    }

    /// How many calls to make at once, at most `most`, all of them out of the budget.
    fn drawn(&mut self, most: usize) -> usize {
        let more = self.rng.usize(0..most.max(1));
        1 + self.spend(more)
    }
}
