//! `Cancels`: tells a handler's context that its future was dropped before its end.

use crate::handler::Surroundings;

/// Says that a handler's future was dropped before its end.
pub(crate) struct Cancels<C: Surroundings>(Option<C::Given>);

impl<C: Surroundings> Cancels<C> {
    pub(crate) fn new(given: C::Given) -> Self {
        Self(Some(given))
    }

    /// The future came to its end.
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl<C: Surroundings> Drop for Cancels<C> {
    fn drop(&mut self) {
        if let Some(given) = &self.0 {
            C::cancel(given);
        }
    }
}
