//! `ErrorMap`: what the errors of a caller go through before anybody sees them.

use std::sync::Arc;

use crate::Error;

/// A function over errors, or none.
#[derive(Clone, Default)]
pub(super) struct ErrorMap(Option<Arc<dyn Fn(Error) -> Error + Send + Sync>>);

impl ErrorMap {
    /// This one, and then another.
    pub(super) fn then(&self, next: impl Fn(Error) -> Error + Send + Sync + 'static) -> Self {
        let Some(first) = self.0.clone() else { return Self(Some(Arc::new(next))) };
        Self(Some(Arc::new(move |error| next(first(error)))))
    }

    #[cold]
    pub(super) fn map(&self, error: Error) -> Error {
        match &self.0 {
            None => error,
            Some(map) => map(error),
        }
    }
}
