//! `Channel`: what all subscriptions of one method have in common.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use tinyrpc_core::{Slow, SubscriptionId};

use crate::{Context, Method};

/// What the notifications of a subscription are called, and what is done about slow subscribers.
///
/// [`Dispatcher::subscription`](crate::Dispatcher::subscription) makes it.
pub struct Channel {
    notification: Arc<str>,
    slow: OnceLock<(Slow, usize)>,
}

impl Channel {
    pub(crate) fn new(notification: &str) -> Self {
        Self { notification: notification.into(), slow: OnceLock::new() }
    }

    /// The name of the notifications.
    pub fn notification(&self) -> &str {
        &self.notification
    }

    /// What is done about slow subscribers, and how many items wait for one at most.
    pub fn slow(&self) -> (Slow, usize) {
        self.slow.get().copied().unwrap_or((Slow::Wait, 1))
    }

    #[track_caller]
    pub(crate) fn set_slow(&self, slow: Slow, buffer: usize) {
        let fresh = self.slow.set((slow, buffer.max(1))).is_ok();
        assert!(fresh, "what is done about slow subscribers was said before");
    }

    /// The method that unsubscribes.
    pub(crate) fn unsubscribing(self: &Arc<Self>) -> Method {
        let channel = Arc::clone(self);
        let leave = move |context: Context, subscription: SubscriptionId| {
            context.scope().subscriptions.leave(&subscription, &channel)
        };
        Method::new(leave).params(["subscription"]).inline()
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("notification", &self.notification)
            .field("slow", &self.slow())
            .finish()
    }
}
