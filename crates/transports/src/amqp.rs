//! Exchanges over AMQP 0-9-1, by way of RabbitMQ.
//!
//! A server consumes a queue, and as many servers as like share one; a client publishes its calls
//! to that queue and has their answers sent to one of its own. On the wire a call is a message with
//! `reply_to`, `correlation_id` and `message_id`, and its answer one with the same
//! `correlation_id`, as Python tinyrpc does it; so each may be at either end. The content type says
//! whether a message is JSON or MessagePack, and where it says nothing the first byte does: one
//! queue serves both.
//!
//! # What is delivered how often
//!
//! | what happens | what becomes of a call |
//! |---|---|
//! | no queue is there for it | it fails at once as *not executed*: it came back from the broker |
//! | the broker is away, or takes nothing as it is short of memory or disk | it waits; at its deadline it is *not executed* |
//! | the client's connection is lost after it was published | it fails as *unknown*, and is never sent again |
//! | its worker is lost | it goes to another worker, with `redelivered` |
//! | nobody serves | it waits in the queue; at its deadline it is *unknown* |
//!
//! Towards a worker a call is delivered *at least once*: it is acknowledged when the broker has
//! confirmed its answer, or when the handler of a notification has returned. A worker answers a
//! message that comes to it again from the answers that it keeps, by `message_id`, `reply_to` and
//! `correlation_id` (4,096 of them, 16 MiB and 10 minutes at most), and does not execute it again;
//! one that it is still executing it takes for the same. That does not help where the message comes
//! to another worker, or where a worker ends between an effect and the answer: for those the
//! handler has to know by a key of the application what it has done. It can read
//! `redelivered`, `message-id`, `correlation-id`, `reply-to`, `content-type`, `user-id`, `app-id` and
//! the headers of a message as it reads headers of HTTP.
//!
//! A message goes to the queue of dead letters, the name of its own and `.dead`, with the reason in
//! its header `x-tinyrpc-why`, when it was delivered again more than [`Target::tries`] times, when it
//! wants an answer and says nowhere to send it, and when it cannot be followed. Queues that do not
//! count deliveries (classic ones) have it done by a header, by which a message that comes again
//! goes to the end of its queue once. Notifications whose client is not admitted are dropped.
//!
//! # Connections
//!
//! Requests and answers travel over connections of their own, so that a broker that takes no
//! messages still delivers. A lost connection is made again after a random time of at most 100 ms,
//! which doubles up to 2 s, and a queue that was deleted is declared again. Whoever reads one queue
//! of answers is a connection of the server; it is not told when that goes, and forgets it after
//! `Limits::idle`.
//!
//! A server calls whoever reads a queue of answers by messages to that queue of the type `call`, with
//! a `reply_to` of its own. Where that is gone such a call was *not executed* (of a client with
//! [`Reply::Direct`] nobody knows, and it waits for its deadline); where the connection to the broker
//! is lost before the answer came it is *unknown*. Peers that others wrote take no such calls.
//!
//! # Streams
//!
//! Calls stream over the queues of answers, both ways (`docs/extensions.md`, section 8, has the
//! messages). Nobody is asked before: a call that streams says so in a header, its worker answers with
//! where it reads, and from then on both send what belongs to the call to each other's queues. Credit
//! is as everywhere: who does not read stops the other, and nobody else.
//!
//! | what happens | what becomes of a call that streams |
//! |---|---|
//! | its worker is lost | it fails as *unknown* as soon as another one begins it anew, or at the next heartbeat; nothing is delivered twice, but handlers may run twice, as for any call |
//! | its worker loses the broker, or closes | it fails as *unknown* |
//! | its client is lost, or gives up | its handler is dropped, and the message is done with; of a client with [`Reply::Direct`] after `Limits::idle` |
//! | the client's connection is lost | it fails as *unknown* |
//! | a message within it is lost, as in a queue with a limit | it fails as *unknown*, and its handler is dropped: messages are counted |
//! | the worker knows no streams | its one result is the only value, its error the end; what is sent into the call goes nowhere |
//!
//! Of ordinary calls nobody is told that they were given up. A message is unacknowledged for as long as
//! its stream goes on: it takes one of the places that [`Target::prefetch`] gives to a worker, and brokers end the connection of a worker that has one for too long
//! (`consumer_timeout` of RabbitMQ, 30 minutes unless said). Of a stream that keeps the newest values
//! alone, what the connection of its client cannot take waits at the broker. A server whose clients use
//! [`Reply::Direct`] had better not have a `Limits::idle` below 30 s: they say something every 15 s.
//!
//! The library underneath logs messages that came back, with what is in them: a subscriber of
//! `tracing` had better leave `lapin=warn` out.

mod back;
mod caller;
mod client;
mod hub;
mod job;
mod kept;
mod link;
mod listener;
mod media;
mod replies;
mod request;
mod seat;
mod target;
mod wire;
mod within;
mod worker;

use std::{io, sync::Arc};

use async_trait::async_trait;
use tinyrpc_core::{Connection, Connector, Limits};

pub use self::{
    listener::AmqpListener,
    target::{Reply, Target},
};

/// Calls a service by messages to its queue.
#[derive(Clone, Debug)]
pub struct AmqpConnector {
    target: Target,
    limits: Arc<Limits>,
}

impl AmqpConnector {
    /// Calls whoever serves a target.
    pub fn new(target: Target, limits: Arc<Limits>) -> Self {
        Self { target, limits }
    }
}

#[async_trait]
impl Connector for AmqpConnector {
    async fn connect(&self) -> io::Result<Connection> {
        caller::connect(&self.target, &self.limits).await
    }

    fn address(&self) -> String {
        self.target.address()
    }
}
