//! What is said of AMQP alone, against a RabbitMQ of the tests: what becomes of messages, of queues
//! and of brokers that go. What a call can do over any transport is in `tests/suite`.
#![cfg(all(unix, feature = "amqp"))]

#[path = "../support/broker.rs"]
mod broker;

mod back;
mod calls;
#[cfg(feature = "tls")]
#[path = "../support/certificates.rs"]
mod certificates;
mod fan_out;
#[cfg(feature = "tls")]
#[path = "../support/folder.rs"]
mod folder;
mod foreign;
mod lost;
mod streams;
mod streams_by_hand;
#[cfg(feature = "tls")]
mod tls;
mod urls;
mod world;
