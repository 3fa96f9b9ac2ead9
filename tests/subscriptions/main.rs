//! Subscriptions as they are on the wire, with a peer written by hand: what a node of Ethereum
//! says, byte for byte, and what is asked of one.
#![cfg(all(feature = "jsonrpc", feature = "tcp"))]
#![expect(clippy::unwrap_used, reason = "what cannot fail here fails its test")]

mod asked;
#[cfg(feature = "blocking")]
mod blocking;
mod node;
mod served;
