//! The session as its peer and its callers see it: two of them in memory, a clock that stands
//! still, no sockets and no sleeping.
#![cfg(feature = "json")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod admission;
mod batches;
mod callers;
mod codec;
mod cuts;
mod detection;
mod exchanges;
mod flood;
mod gate;
mod losing;
mod notifications;
mod ordering;
mod outcomes;
mod queueing;
mod splitting;
mod stalls;
mod stream_exchanges;
mod stream_properties;
mod streams;
mod timeouts;
mod tracing;
mod wakers;
