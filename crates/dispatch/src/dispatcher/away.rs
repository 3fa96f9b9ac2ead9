//! Where the handlers of methods run: here, in a task, or on a thread that may block.

use std::sync::Arc;

use tinyrpc_core::{ReplyTo, RpcError, Runtime};

use super::Shared;
use crate::{
    BlockingPool, Invocation, Method, Mode, PendingReply, Scope, Started, errand::Errand,
    fail::fail, spawned::Spawned,
};

impl Shared {
    /// Begins a request where its method says.
    #[inline]
    pub(super) fn begin(
        self: &Arc<Self>,
        method: &Arc<Method>,
        invocation: &mut Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        match method.mode(invocation.scope) {
            Mode::Inline => method.start(&self.policy, invocation, reply),
            mode => self.begin_away(mode, method, invocation, reply),
        }
    }

    #[inline(never)]
    fn begin_away(
        self: &Arc<Self>,
        mode: Mode,
        method: &Arc<Method>,
        invocation: &Invocation<'_, '_>,
        reply: &mut ReplyTo<'_>,
    ) -> Started {
        let Some(runtime) = &invocation.scope.runtime else {
            fail(reply, &RpcError::refused(no_runtime(mode)));
            return Started::Done;
        };
        let errand = Errand::new(self, method, invocation, reply);
        match self.hand_over(mode, errand, runtime, invocation.scope) {
            Ok(pending) => Started::Pending(pending),
            Err(error) => {
                fail(reply, &error);
                Started::Done
            }
        }
    }

    fn hand_over(
        &self,
        mode: Mode,
        errand: Errand,
        runtime: &Arc<dyn Runtime>,
        scope: &Scope,
    ) -> Result<PendingReply, RpcError> {
        if mode == Mode::Spawned {
            return Ok(Box::pin(Spawned::begin(errand, &**runtime)));
        }
        let blocked = self.pool(scope).begin(errand, Arc::clone(runtime));
        let blocked = blocked.map_err(|reached| {
            RpcError::refused(format!("too many requests wait for a thread: {reached}"))
        })?;
        Ok(Box::pin(blocked))
    }

    /// The threads for blocking methods.
    fn pool<'a>(&'a self, scope: &'a Scope) -> &'a BlockingPool {
        match (self.pool.get(), &scope.blocking_pool) {
            (Some(pool), _) | (None, Some(pool)) => pool,
            (None, None) => self.pool.get_or_init(BlockingPool::default),
        }
    }
}

fn no_runtime(mode: Mode) -> &'static str {
    match mode {
        Mode::Blocking => {
            "the method runs on a thread of its own, and this connection is driven without a runtime"
        }
        Mode::Inline | Mode::Spawned => {
            "the method runs in a task of its own, and this connection is driven without a runtime"
        }
    }
}
