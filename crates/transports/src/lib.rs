//! Transports for `tinyrpc`: what carries messages or bytes between two peers.
//!
//! Also everything that the author of a transport needs: the traits of `tinyrpc-core` are
//! re-exported, so that this crate is the only one to depend on. The short way is
//! [`custom::connection`] from two `async fn`s; the fast way is to implement [`RecvHalf`] and
//! [`SendHalf`].
//!
//! | module | what it carries |
//! |---|---|
//! | [`memory`] | messages between two ends in one process |
//! | [`exchange`] | the same, one answer to each message: what HTTP is, without HTTP |
//! | [`stream`] | bytes over any `AsyncRead + AsyncWrite` |
//! | `tcp` | bytes over TCP (feature `tcp`) |
//! | `exec` | bytes over the standard streams of a program that is started (feature `stdio`) |
//! | `stdio` | bytes over our own standard streams (feature `stdio`) |
//! | `udp` | messages and exchanges in datagrams (feature `udp`) |
//! | `unix` | bytes over Unix sockets (feature `unix`, on Unix) |
//! | `amqp` | exchanges over AMQP, by way of RabbitMQ (feature `amqp`) |
//! | `zmq` | messages and exchanges over ZeroMQ (feature `zmq`, on Unix) |
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "amqp")]
pub mod amqp;
pub mod custom;
pub mod exchange;
#[cfg(feature = "stdio")]
pub mod exec;
#[cfg(feature = "http")]
pub mod http;
pub mod memory;
#[cfg(feature = "stdio")]
pub mod stdio;
pub mod stream;
#[cfg(feature = "tcp")]
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "udp")]
pub mod udp;
#[cfg(all(unix, feature = "unix"))]
pub mod unix;
#[cfg(feature = "ws")]
pub mod ws;
#[cfg(all(unix, feature = "zmq"))]
pub mod zmq;

#[cfg(any(feature = "amqp", all(unix, feature = "zmq")))]
mod backoff;
mod pipe;

pub use async_trait::async_trait;
pub use bytes::{Bytes, BytesMut};
pub use tinyrpc_core::{
    Accepted, Arrived, Connection, Connector, ContentLength, Ended, Frame, FrameReader, Framing,
    Headers, Hint, Incoming, Lane, Length, Lines, Listener, NetString, Opening, Outgoing,
    PeerAddress, Received, RecvHalf, Scan, SendHalf, Shape, Taken,
};
