//! What the tests share: the command as a child process, and servers to call.

#[path = "../../../../../tests/support/certificates.rs"]
pub(crate) mod certificates;
pub(crate) mod command;
pub(crate) mod files;
#[path = "../../../../../tests/support/folder.rs"]
pub(crate) mod folder;
pub(crate) mod raw;
pub(crate) mod served;
pub(crate) mod terminal;

use std::time::Duration;

/// Nothing takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The output of a future, or a failure that names what hangs.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    let outcome = tokio::time::timeout(PATIENCE, future).await;
    outcome.unwrap_or_else(|_| panic!("it hangs: {what}"))
}
