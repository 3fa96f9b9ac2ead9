//! `Heartbeat`: finds out that a server has stopped answering, whatever its system says.

use std::{future::poll_fn, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use tinyrpc_core::{Caller, Runtime};

use crate::control::Control;

/// What silent servers are asked, and how often.
#[derive(Clone, Debug)]
pub(super) struct Heartbeat {
    pub(super) method: Arc<str>,
    pub(super) every: Duration,
}

impl Heartbeat {
    /// Watches one connection until it ends, and ends it where nothing comes of it any more.
    pub(super) async fn watch(
        self,
        caller: Caller,
        control: Arc<Control>,
        runtime: Arc<dyn Runtime>,
    ) {
        // It needs no place among the calls, which may all be waiting for this server.
        let caller = caller.nested().with_timeout(self.every);
        let every = u64::try_from(self.every.as_micros()).unwrap_or(u64::MAX);
        let mut missed = 0;
        loop {
            let ended = pin!(poll_fn(|cx| control.poll_finished(cx)));
            let is_silent = missed > 0;
            let ask = pin!(async {
                if !is_silent {
                    runtime.sleep_until(runtime.now().saturating_add(every)).await;
                }
                // Whatever came shows that somebody is there.
                if control.has_heard() {
                    return true;
                }
                match caller.call_raw(&self.method, ()).await {
                    Err(error) if error.is_timeout() => control.has_heard(),
                    // What cannot be asked shows nothing.
                    _ => true,
                }
            });
            match select(ask, ended).await {
                Either::Left((true, _)) => missed = 0,
                Either::Left((false, _)) => missed += 1,
                Either::Right(_) => return,
            }
            if missed >= MOST_MISSED {
                return control.give_up(SILENT);
            }
        }
    }
}

/// One lost question may be an accident.
const MOST_MISSED: u32 = 2;
const SILENT: &str = "the server answered neither of two heartbeats";
