//! What callers are told of the errors of `tower`'s layers.

use std::{error::Error, fmt, sync::Arc};

use tinyrpc_core::RpcError;

/// An error of some layer.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What a program makes of errors that it knows.
#[derive(Clone, Default)]
pub(super) struct Known(Option<Arc<Map>>);

type Map = dyn Fn(&(dyn Error + Send + Sync + 'static)) -> Option<RpcError> + Send + Sync;

impl Known {
    pub(super) fn new(
        map: impl Fn(&(dyn Error + Send + Sync + 'static)) -> Option<RpcError> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(map)))
    }

    /// What the caller is told. `begun` says whether the inner service saw the request.
    #[cold]
    pub(super) fn describe(&self, error: BoxError, begun: bool) -> RpcError {
        let error = match error.downcast::<RpcError>() {
            Ok(answer) => return *answer,
            Err(error) => error,
        };
        if let Some(answer) = self.0.as_ref().and_then(|map| map(&*error)) {
            return answer;
        }
        tracing::debug!(%error, begun, "a layer of tower failed");
        match begun {
            true => RpcError::internal(error),
            false => RpcError::refused("refused by a layer around the service"),
        }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Known").field(&self.0.is_some()).finish()
    }
}
