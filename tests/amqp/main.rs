//! What is said of AMQP alone, against a RabbitMQ of the tests: what becomes of messages, of queues
//! and of brokers that go. What a call can do over any transport is in `tests/suite`.
#![cfg(all(unix, feature = "amqp"))]

#[path = "../support/broker.rs"]
mod broker;

mod calls;
mod fan_out;
mod foreign;
mod lost;
mod urls;
mod world;
