//! `Publisher` and `Subscriber`: the connections to a broker.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
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
    /// What ended as soon as it was begun.
    ended: VecDeque<(u64, lapin::Result<Confirmation>)>,
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
        let (last, tickets) = (0, BTreeMap::new());
        let (running, ended) = (FuturesUnordered::new(), VecDeque::new());
        Ok(Self { channel, events, connection, last, tickets, running, ended })
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

    /// Begins what was published last; the task is woken where there is news of it already.
    pub(super) fn begin(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(ended)) = self.running.poll_next_unpin(cx) {
            self.ended.push_back(ended);
        }
        if !self.ended.is_empty() {
            cx.waker().wake_by_ref();
        }
    }

    /// What became of a message; pending where the broker has said nothing new.
    pub(super) fn poll_confirmed(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<(T, lapin::Result<Confirmation>)> {
        loop {
            let ended = match self.ended.pop_front() {
                Some(ended) => ended,
                None => match self.running.poll_next_unpin(cx) {
                    Poll::Ready(Some(ended)) => ended,
                    Poll::Ready(None) | Poll::Pending => return Poll::Pending,
                },
            };
            if let Some(ticket) = self.tickets.remove(&ended.0) {
                return Poll::Ready((ticket, ended.1));
            }
        }
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
    /// What was delivered and not settled.
    open: BTreeSet<DeliveryTag>,
    settling: FuturesUnordered<BoxFuture<'static, lapin::Result<()>>>,
    failed: bool,
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
        let (open, settling) = (BTreeSet::new(), FuturesUnordered::new());
        Self { connection, channel, consumer, open, settling, failed: false }
    }

    /// The next message.
    ///
    /// # Errors
    ///
    /// The connection is lost, or the queue is gone.
    pub(super) fn poll_delivery(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Delivery>> {
        match Pin::new(&mut self.consumer).poll_next(cx) {
            Poll::Ready(Some(Ok(delivery))) => {
                self.open.insert(delivery.delivery_tag);
                Poll::Ready(Ok(delivery))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Err(failed(error))),
            Poll::Ready(None) => Poll::Ready(Err(ended())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Tells the broker what became of messages. Those that are done with and came before all that
    /// are not are told of at once.
    pub(super) fn settle(
        &mut self,
        settled: impl IntoIterator<Item = (DeliveryTag, Settled)>,
        cx: &mut Context<'_>,
    ) {
        let (mut done, mut given) = (BTreeSet::new(), Vec::new());
        for (tag, how) in settled {
            match how {
                Settled::Done => _ = done.insert(tag),
                Settled::Given => given.push(tag),
            }
        }
        let mut first = None;
        while let Some(tag) = self.open.first().copied().filter(|tag| done.remove(tag)) {
            self.open.remove(&tag);
            first = Some(tag);
        }
        for (tag, multiple) in
            first.map(|tag| (tag, true)).into_iter().chain(done.into_iter().map(|tag| (tag, false)))
        {
            self.open.remove(&tag);
            let channel = self.channel.clone();
            let told = async move { channel.basic_ack(tag, BasicAckOptions { multiple }).await };
            self.settling.push(told.boxed());
        }
        for tag in given {
            self.open.remove(&tag);
            let channel = self.channel.clone();
            let options = BasicNackOptions { multiple: false, requeue: true };
            let told = async move { channel.basic_nack(tag, options).await };
            self.settling.push(told.boxed());
        }
        self.failed |= self.poll_settled(cx).is_err();
    }

    /// Goes on telling.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub(super) fn poll_settled(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while let Poll::Ready(Some(told)) = self.settling.poll_next_unpin(cx) {
            told.map_err(failed)?;
        }
        if self.failed { Err(ended()) } else { Ok(()) }
    }

    /// How many of these the library has not written.
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
