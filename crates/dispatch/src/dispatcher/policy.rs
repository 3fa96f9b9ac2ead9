//! `Policy`: what a dispatcher asks of params beyond what its methods need.

use std::{fmt, sync::OnceLock};

use tinyrpc_core::RpcError;

use crate::{Invocation, Method};

/// What becomes of params that a method does not have. See
/// [`Dispatcher::surplus`](crate::Dispatcher::surplus).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Surplus {
    /// The call is refused as invalid, with the name or the number of what is too much.
    #[default]
    Refuse,
    /// Named ones are passed over: callers may be newer than the method.
    IgnoreNamed,
    /// Named ones are passed over, and so are positional ones behind the last that the method has.
    Ignore,
}

/// A look at requests that a program brings along.
type Check = dyn Fn(&Invocation<'_, '_>, &Method) -> Result<(), RpcError> + Send + Sync;

/// What was said about all methods of a dispatcher.
#[derive(Default)]
pub(crate) struct Policy {
    surplus: OnceLock<Surplus>,
    check: OnceLock<Box<Check>>,
}

impl Policy {
    #[track_caller]
    pub(super) fn set_surplus(&self, surplus: Surplus) {
        let fresh = self.surplus.set(surplus).is_ok();
        assert!(fresh, "what becomes of surplus params was said before");
    }

    #[track_caller]
    pub(super) fn set_check(
        &self,
        check: impl Fn(&Invocation<'_, '_>, &Method) -> Result<(), RpcError> + Send + Sync + 'static,
    ) {
        let fresh = self.check.set(Box::new(check)).is_ok();
        assert!(fresh, "the dispatcher validates requests already");
    }

    pub(crate) fn surplus(&self) -> Surplus {
        self.surplus.get().copied().unwrap_or_default()
    }

    /// Has the program's own check look at a request, where there is one.
    #[inline]
    pub(crate) fn check(
        &self,
        invocation: &Invocation<'_, '_>,
        method: &Method,
    ) -> Result<(), RpcError> {
        match self.check.get() {
            None => Ok(()),
            Some(check) => check(invocation, method),
        }
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("surplus", &self.surplus())
            .field("check", &self.check.get().is_some())
            .finish()
    }
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
