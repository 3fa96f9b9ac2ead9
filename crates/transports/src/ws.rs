//! WebSocket: whole messages both ways at any time, through everything that lets the web through.
//!
//! On tungstenite. JSON travels as text frames and MessagePack as binary ones; both are accepted.
//! A silent peer is pinged, without any help of the service. Compression is not offered.

mod client;
mod heartbeat;
mod pings;
mod socket;
mod upgrade;

pub use self::client::WsConnector;
pub(crate) use self::{
    socket::{config, connection},
    upgrade::upgrade,
};
