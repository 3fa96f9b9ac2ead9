//! Notifications that belong to subscriptions of this side.

use std::sync::Arc;

use super::{Serve, Session};
use crate::{
    Caller, Ended, Lane, Request,
    subscription::{Key, Parked},
};

impl Session {
    /// Gives a notification to the subscription that it belongs to; false where there is none.
    #[inline]
    pub(super) fn route(&mut self, request: &Request<'_>) -> bool {
        request.id.is_none() && self.calls.router.is_active() && self.deliver(request)
    }

    #[cold]
    fn deliver(&mut self, request: &Request<'_>) -> bool {
        let Some(key) = Key::of(request) else { return false };
        let most = self.settings.limits.max_backlog;
        let taken = self.calls.router.deliver(key, request, most, &mut self.wakes);
        if taken {
            self.outgoing.end_lane(request.lane, Ended::Silent);
        }
        taken
    }

    /// Serves notifications that could have belonged to a subscription, and unsubscribes what
    /// nobody wants.
    #[cold]
    pub(super) fn serve_released<S: Serve>(&mut self, serve: &mut S) {
        let (released, unwanted) = self.calls.router.take_due();
        for Parked { method, params } in released {
            let request = Request::new(None, &*method, params.as_ref(), Lane::DUPLEX);
            self.start(&request, None, None, serve);
        }
        for (id, unsubscribe) in unwanted {
            Caller::new(Arc::clone(&self.calls)).send_off(&unsubscribe, &id);
        }
    }
}
