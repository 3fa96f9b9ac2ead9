//! `Each`: one value after the other, for a thread that waits for each of them.

use std::{future::Future, sync::Arc};

use tinyrpc_core::{Error, RpcError};

use super::{
    park::park_on,
    round::Round,
    wait::{Whom, begin},
};

/// How the thread of an iterator waits.
pub(super) struct Each {
    pub(super) whom: Whom,
    pub(super) round: Option<Arc<Round>>,
    /// This thread may not wait: that is the end.
    is_refused: bool,
}

impl Each {
    pub(super) fn new(whom: Whom, round: Option<Arc<Round>>) -> Self {
        Self { whom, round, is_refused: false }
    }

    /// Waits for the next value; where this thread may not, that is an error, and the end.
    pub(super) fn next<T, E: FromRefusal>(
        &mut self,
        next: impl Future<Output = Option<Result<T, E>>>,
    ) -> Option<Result<T, E>> {
        if self.is_refused {
            return None;
        }
        match begin(self.whom) {
            Ok(_waiting) => park_on(self.round.as_ref(), next),
            Err(error) => {
                self.is_refused = true;
                Some(Err(E::from_refusal(error)))
            }
        }
    }
}

/// How it is said that a thread may not wait.
pub(super) trait FromRefusal {
    fn from_refusal(error: Error) -> Self;
}

impl FromRefusal for Error {
    fn from_refusal(error: Error) -> Self {
        error
    }
}

impl FromRefusal for RpcError {
    fn from_refusal(error: Error) -> Self {
        Self::server(error.to_string())
    }
}
