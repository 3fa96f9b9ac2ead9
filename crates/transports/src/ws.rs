//! WebSocket: whole messages both ways at any time, through everything that lets the web through.
//!
//! On tungstenite. JSON travels as text frames and MessagePack as binary ones; both are accepted.
//! A silent peer is pinged, without any help of the service. Compression is not offered.
//!
//! | the connection is closed with | because |
//! |---|---|
//! | 1000 | the client has done |
//! | 1001 | the server shuts down, or has done with this peer |
//! | 1002 | the peer broke the rules of WebSocket |
//! | 1007 | text was no UTF-8 |
//! | 1008 | more than ten pings a second |
//! | 1009 | a message was larger than `max_message` |

use std::time::Duration;

mod client;
mod heartbeat;
mod parting;
mod pings;
mod socket;
mod upgrade;

pub use self::client::WsConnector;
pub(crate) use self::{
    socket::{config, connection},
    upgrade::upgrade,
};

/// How long the peer's part of a farewell is waited for: a round trip on any network.
const FAREWELL: Duration = Duration::from_secs(1);
