//! `Publisher` and `Subscriber`: the connections to a broker.

use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_rs::Runtime;
use bytes::Bytes;
use futures_util::{
    FutureExt, Stream, StreamExt,
    future::BoxFuture,
    stream::{BoxStream, FuturesUnordered},
};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, Event,
    message::Delivery,
    options::{BasicAckOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions},
    types::{DeliveryTag, ShortString},
    uri::AMQPUri,
};
use tinyrpc_core::Limits;
use tokio::time::timeout;

use super::{
    target::Target,
    wire::{self, Kit},
};

/// Opens a connection to the broker of a target.
///
/// # Errors
///
/// Nobody is there, or whoever is there does not let us in, within `Limits::handshake`.
pub(super) async fn open(target: &Target, limits: &Limits, what: &str) -> io::Result<Connection> {
    let properties = ConnectionProperties::default()
        .with_connection_name(format!("tinyrpc: {what} {}", target.queue).into());
    let uri = target.uri(limits.heartbeat);
    let (own, bounds) = (target.clone(), limits.clone());
    let dial = async move |_: AMQPUri, _: Runtime<Kit>| {
        wire::connect(own.clone(), bounds.clone()).await.map_err(lapin::Error::from)
    };
    in_time(limits, Connection::connector(uri, wire::runtime(), dial, properties)).await
}

/// Awaits what a broker has to answer, for as long as a handshake may take.
pub(super) async fn in_time<T>(
    limits: &Limits,
    asked: impl Future<Output = lapin::Result<T>>,
) -> io::Result<T> {
    let patience = limits.handshake.min(LONGEST);
    match timeout(patience, asked).await {
        Ok(answer) => answer.map_err(failed),
        Err(_) => {
            let words = format!("the broker did not answer within {patience:?}");
            Err(io::Error::new(io::ErrorKind::TimedOut, words))
        }
    }
}

/// An error of the library, in its words.
pub(super) fn failed(error: lapin::Error) -> io::Error {
    match error.kind() {
        lapin::ErrorKind::IOError(cause) => io::Error::new(cause.kind(), cause.to_string()),
        _ => io::Error::other(error.to_string()),
    }
}

/// Publishes, and tells what the broker says of each message. `T` is what the caller knows it by.
pub(super) struct Publisher<T> {
    channel: Channel,
    events: BoxStream<'static, Event>,
    connection: Arc<Connection>,
    last: u64,
    /// What is on its way, in its order.
    tickets: BTreeMap<u64, T>,
    running: FuturesUnordered<BoxFuture<'static, (u64, lapin::Result<Confirmation>)>>,
}

/// A message on its way to the broker.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) exchange: ShortString,
    pub(super) key: ShortString,
    /// It comes back where there is no queue for it.
    pub(super) mandatory: bool,
    pub(super) body: Bytes,
    pub(super) properties: BasicProperties,
}

impl<T: Send + 'static> Publisher<T> {
    /// Publishes over a connection of its own.
    pub(super) async fn open(target: &Target, limits: &Limits, what: &str) -> io::Result<Self> {
        let connection = open(target, limits, what).await?;
        let channel = in_time(limits, connection.create_channel()).await?;
        Self::over(Arc::new(connection), channel, limits).await
    }

    /// Publishes over a channel that is there.
    pub(super) async fn over(
        connection: Arc<Connection>,
        channel: Channel,
        limits: &Limits,
    ) -> io::Result<Self> {
        in_time(limits, channel.confirm_select(ConfirmSelectOptions::default())).await?;
        let events = connection.events_listener().boxed();
        let (last, tickets, running) = (0, BTreeMap::new(), FuturesUnordered::new());
        Ok(Self { channel, events, connection, last, tickets, running })
    }

    /// True while the broker takes no messages: it is short of memory or disk.
    pub(super) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// How many messages the broker has not confirmed.
    pub(super) fn unconfirmed(&self) -> usize {
        self.tickets.len()
    }

    pub(super) fn publish(&mut self, ticket: T, post: Post) {
        self.last += 1;
        let number = self.last;
        self.tickets.insert(number, ticket);
        let channel = self.channel.clone();
        self.running.push(
            async move {
                let Post { exchange, key, mandatory, body, properties } = post;
                let options = BasicPublishOptions { mandatory, immediate: false };
                let sent = channel.basic_publish(exchange, key, options, &body, properties).await;
                let confirmed = match sent {
                    Ok(confirm) => confirm.await,
                    Err(error) => Err(error),
                };
                (number, confirmed)
            }
            .boxed(),
        );
    }

    /// What became of a message; pending where the broker has said nothing new.
    pub(super) fn poll_confirmed(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<(T, lapin::Result<Confirmation>)> {
        while let Poll::Ready(Some((number, outcome))) = self.running.poll_next_unpin(cx) {
            if let Some(ticket) = self.tickets.remove(&number) {
                return Poll::Ready((ticket, outcome));
            }
        }
        Poll::Pending
    }

    /// Ready once the connection or its channel is lost. Wakes also where the broker blocks it or
    /// blocks it no longer.
    pub(super) fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        while let Poll::Ready(event) = self.events.as_mut().poll_next(cx) {
            match event {
                Some(Event::Error(error)) => return Poll::Ready(failed(error)),
                Some(_) => {}
                None => return Poll::Ready(ended()),
            }
        }
        let lost = !self.connection.status().connected() || !self.channel.status().connected();
        if lost { Poll::Ready(ended()) } else { Poll::Pending }
    }

    /// What the broker has not confirmed, in its order, and the end of the connection.
    pub(super) fn into_unconfirmed(self) -> impl Iterator<Item = T> {
        self.tickets.into_values()
    }

    pub(super) async fn close(self) {
        _ = self.connection.close(OK, "".into()).await;
    }
}

/// Consumes a queue over a connection of its own.
pub(super) struct Subscriber {
    connection: Arc<Connection>,
    pub(super) channel: Channel,
    pub(super) consumer: Consumer,
    settling: FuturesUnordered<BoxFuture<'static, lapin::Result<()>>>,
}

/// What a broker is told of a message that it has delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// It is done with.
    Done,
    /// Somebody else should have it.
    Given,
}

impl Subscriber {
    pub(super) fn new(connection: Arc<Connection>, channel: Channel, consumer: Consumer) -> Self {
        Self { connection, channel, consumer, settling: FuturesUnordered::new() }
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// The connection is lost, or the queue is gone.
    pub(super) fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Delivery>> {
        match Pin::new(&mut self.consumer).poll_next(cx) {
            Poll::Ready(Some(delivery)) => Poll::Ready(delivery.map_err(failed)),
            Poll::Ready(None) => Poll::Ready(Err(ended())),
            Poll::Pending => Poll::Pending,
        }
    }

    pub(super) fn settle(&mut self, tag: DeliveryTag, how: Settled) {
        let channel = self.channel.clone();
        self.settling.push(
            async move {
                match how {
                    Settled::Done => channel.basic_ack(tag, BasicAckOptions::default()).await,
                    Settled::Given => {
                        let options = BasicNackOptions { multiple: false, requeue: true };
                        channel.basic_nack(tag, options).await
                    }
                }
            }
            .boxed(),
        );
    }

    /// How many messages were settled, as far as this side can see it; ready where some were.
    pub(super) fn poll_settled(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.settling).poll_next(cx) {
            Poll::Ready(Some(settled)) => Poll::Ready(settled.map_err(failed)),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    pub(super) fn unsettled(&self) -> usize {
        self.settling.len()
    }

    pub(super) async fn close(self) {
        _ = self.connection.close(OK, "".into()).await;
    }
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the broker ended it")
}

/// A broker that is there answers sooner, whatever `Limits::handshake` allows.
const LONGEST: Duration = Duration::from_secs(5);
/// The code of AMQP for an end without an error.
const OK: u16 = 200;
