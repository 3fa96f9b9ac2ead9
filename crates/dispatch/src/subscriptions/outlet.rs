//! `Outlet`: how the items of one subscription leave.

use std::{sync::Arc, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeMap};
use tinyrpc_core::{Caller, Code, Error, Reason, RpcError, Slow, SubscriptionId};

use super::Channel;

/// The sending end of a subscription.
pub(super) struct Outlet {
    caller: Caller,
    channel: Arc<Channel>,
    id: SubscriptionId,
}

/// Nothing more can be said.
pub(super) struct Over;

impl Outlet {
    pub(super) fn new(caller: &Caller, channel: &Arc<Channel>, id: SubscriptionId) -> Self {
        // However long an item waits for room, it is not dropped: `write_stall` watches over that.
        let caller = caller.clone().with_timeout(Duration::ZERO);
        Self { caller, channel: Arc::clone(channel), id }
    }

    /// What is done about a subscriber that takes too little, and how many items may wait.
    pub(super) fn slow(&self) -> (Slow, usize) {
        self.channel.slow()
    }

    /// Sends an item; ready when the connection has room for it.
    pub(super) async fn send<T: Serialize>(&self, item: &T) -> Result<(), Over> {
        let notice = Notice { subscription: &self.id, result: item };
        match self.caller.notify(self.channel.notification(), notice).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let reason = match &error {
                    Error::NotExecuted(Reason::Encode(error)) => {
                        format!("an item cannot be encoded: {error}")
                    }
                    Error::NotExecuted(Reason::Limit(reached)) => {
                        format!("an item cannot be sent: {reached}")
                    }
                    // The connection is over.
                    _ => return Err(Over),
                };
                self.close(&RpcError::new(Code::UNSENDABLE, reason)).await;
                Err(Over)
            }
        }
    }

    /// Says why there will be no more items.
    pub(super) async fn close(&self, error: &RpcError) {
        let farewell = Farewell { subscription: &self.id, error: Fault(error) };
        // Whoever cannot be told finds the connection closed.
        _ = self.caller.notify(self.channel.notification(), farewell).await;
    }
}

/// The params of an item's notification.
#[derive(Serialize)]
struct Notice<'a, T> {
    subscription: &'a SubscriptionId,
    result: &'a T,
}

/// The params of the last notification.
#[derive(Serialize)]
struct Farewell<'a> {
    subscription: &'a SubscriptionId,
    error: Fault<'a>,
}

/// An error as a value: its data stays here, which is not known as one.
struct Fault<'a>(&'a RpcError);

impl Serialize for Fault<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("code", &self.0.code.0)?;
        map.serialize_entry("message", &*self.0.message)?;
        map.end()
    }
}
