//! Calls whose answers nobody waits for.

use super::Calls;

impl Calls {
    /// Forgets a call that goes on: its answer finds nobody, and the peer is told nothing.
    pub(crate) fn detach(&self, id: u64) {
        let inner = self.lock();
        self.undo(inner, [id]);
    }
}
