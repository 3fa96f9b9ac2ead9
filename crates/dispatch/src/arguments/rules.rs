//! `Rules`: what was declared about the params of a method, beside their types.

use std::sync::OnceLock;

use crate::dispatcher::{Policy, Surplus};

/// Names of params that were declared, in order.
pub(crate) type Names<'a> = Option<&'a [&'static str]>;

/// What a method and its dispatcher say. Looked at only where params are not plainly positional,
/// so it is two addresses until then.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) names: &'a OnceLock<Box<[&'static str]>>,
    pub(crate) policy: &'a Policy,
}

impl<'a> Rules<'a> {
    /// The names of the params.
    #[inline]
    pub(super) fn names(self) -> Names<'a> {
        self.names.get().map(|names| &**names)
    }

    /// True where named params that a method of `count` does not have are passed over.
    pub(super) fn ignores_unknown(self, count: usize) -> bool {
        // Where no names are known, all of them are unknown, and that is what the caller is told.
        let comparable = count == 0 || self.names().is_some();
        comparable && self.policy.surplus() != Surplus::Refuse
    }

    /// True where positional params behind the last one are passed over.
    pub(super) fn ignores_more(self) -> bool {
        self.policy.surplus() == Surplus::Ignore
    }
}
