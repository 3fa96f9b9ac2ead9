//! A peer that reads nothing for a while: what a client says before it closes is not lost.

use std::time::Duration;

use crate::{BOTH, raw};

/// The client begins to close before its connection has even seen what it said.
#[tokio::test(start_paused = true)]
async fn what_is_said_before_the_end_is_taken() {
    for wire in BOTH {
        // There is no room for all of it.
        let (connection, mut far) = raw::byte_pair(8);
        let client = raw::client(connection, wire, |builder| builder).await;
        client.notify("tell", (1,)).await.expect("it is said");
        let reading = async {
            tokio::time::sleep(LATE).await;
            far.message().await
        };
        let (taken, message) = tokio::join!(client.close(), reading);
        let message = message.expect("all of it comes");
        assert!(message.windows(4).any(|bytes| bytes == b"tell"), "{}", message.escape_ascii());
        assert!(taken, "{wire:?}");
    }
}

/// Longer than a client that has nothing left to say stays.
const LATE: Duration = Duration::from_secs(1);
