//! Cancels of calls whose request is large: none may overtake it.

use super::Session;
use crate::{Id, Message, calls::LateCancel};

impl Session {
    /// Takes requests back that were not begun, and says the cancels of those that were, each behind
    /// the last byte of its request.
    pub(super) fn say_late_cancels(&mut self, fresh: Vec<LateCancel>) {
        self.late_cancels.extend(fresh);
        if self.late_cancels.is_empty() {
            return;
        }
        for late in std::mem::take(&mut self.late_cancels) {
            let LateCancel { id, segment } = late;
            if self.take_back(segment) {
                continue;
            }
            if self.outgoing.holds(segment) || self.splits.holds(segment) {
                self.late_cancels.push(late);
            } else {
                // Where it cannot be said, nobody could be told.
                _ = self.say(&Message::Cancel(Id::Number(id)));
            }
        }
    }
}
