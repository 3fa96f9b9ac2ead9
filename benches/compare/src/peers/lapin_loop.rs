//! The yardstick of AMQP: a plain request and reply loop over lapin, as tutorials write it.
//!
//! A message has as many bytes as the JSON-RPC request of the workload and comes back as it is;
//! there are no ids but correlation ids, and no codec. It is confirmed by nobody, and a message
//! that no queue takes is lost. The worker takes 64 requests at a time and acknowledges each when it
//! has sent the answer.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        QueueDeclareOptions,
    },
    types::{FieldTable, ShortString},
};
use tokio::sync::oneshot;

use super::broker;
use crate::{
    book::{Book, add_message_len, book_message_len},
    load::{Caller, Peer},
};

/// The peer.
pub(super) struct LapinLoop;

/// A channel with a queue for the answers.
#[derive(Clone)]
pub(super) struct Requester {
    channel: Channel,
    replies: ShortString,
    waiting: Arc<Mutex<HashMap<u64, oneshot::Sender<Vec<u8>>>>>,
    last: Arc<AtomicU64>,
    add: Arc<[u8]>,
    book: Arc<[u8]>,
    /// It ends with this.
    _connection: Arc<Connection>,
}

impl Peer for LapinLoop {
    type Caller = Requester;

    async fn serve() -> Result<SocketAddr> {
        let (connection, channel) = open().await?;
        declare(&channel, QUEUE, false).await?;
        channel
            .basic_qos(IN_FLIGHT as u16, BasicQosOptions::default())
            .await?;
        let options = BasicConsumeOptions::default();
        let requests = channel
            .basic_consume(QUEUE.into(), "".into(), options, FieldTable::default())
            .await?;
        tokio::spawn(async move {
            let _connection = connection;
            let serve = async |request: lapin::Result<Delivery>| {
                // An error here is the end of the broker, which the client sees too.
                let Ok(request) = request else { return };
                let _ = answer(&channel, &request.properties, &request.data).await;
                let _ = request.ack(BasicAckOptions::default()).await;
            };
            // One after the other, each would wait until the one before is written to the socket.
            requests.for_each_concurrent(IN_FLIGHT, serve).await;
        });
        broker::address()
    }

    async fn connect(_: SocketAddr) -> Result<Requester> {
        let (connection, channel) = open().await?;
        let replies = declare(&channel, "", true).await?;
        let options = BasicConsumeOptions {
            no_ack: true,
            ..BasicConsumeOptions::default()
        };
        let mut answers = channel
            .basic_consume(replies.clone(), "".into(), options, FieldTable::default())
            .await?;
        let waiting = Arc::new(Mutex::new(HashMap::<u64, oneshot::Sender<Vec<u8>>>::new()));
        let waits = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Some(Ok(answer)) = answers.next().await {
                let number = answer.properties.correlation_id().as_ref();
                let number = number.and_then(|number| number.as_str().parse().ok());
                let mut waits = waits.lock().unwrap_or_else(PoisonError::into_inner);
                let waiter = number.and_then(|number: u64| waits.remove(&number));
                drop(waits);
                // Nobody waits any more when a measurement is over.
                waiter.map(|waiter| waiter.send(answer.data));
            }
        });
        Ok(Requester {
            channel,
            replies,
            waiting,
            last: Arc::default(),
            add: vec![b'x'; add_message_len()].into(),
            book: vec![b'x'; book_message_len()?].into(),
            _connection: Arc::new(connection),
        })
    }
}

async fn open() -> Result<(Connection, Channel)> {
    let connection = Connection::connect(&broker::url()?, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

async fn declare(channel: &Channel, name: &str, exclusive: bool) -> Result<ShortString> {
    let options = QueueDeclareOptions {
        exclusive,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare(name.into(), options, FieldTable::default())
        .await?;
    Ok(queue.name().clone())
}

async fn answer(channel: &Channel, request: &BasicProperties, body: &[u8]) -> Result<()> {
    let to = request
        .reply_to()
        .clone()
        .context("a place for the answer")?;
    let number = request.correlation_id().clone().context("a number")?;
    let properties = BasicProperties::default().with_correlation_id(number);
    let options = BasicPublishOptions::default();
    channel
        .basic_publish("".into(), to, options, body, properties)
        .await?;
    Ok(())
}

impl Requester {
    fn wait(&self, number: u64, sender: oneshot::Sender<Vec<u8>>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(number, sender);
    }

    async fn ask(&self, body: &[u8]) -> Result<()> {
        let number = self.last.fetch_add(1, Relaxed);
        let (sender, answered) = oneshot::channel();
        self.wait(number, sender);
        let properties = BasicProperties::default()
            .with_reply_to(self.replies.clone())
            .with_correlation_id(number.to_string().into());
        let options = BasicPublishOptions::default();
        self.channel
            .basic_publish("".into(), QUEUE.into(), options, body, properties)
            .await?;
        ensure!(answered.await? == body, "the echo is not what was sent");
        Ok(())
    }
}

impl Caller for Requester {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        self.ask(&self.add).await?;
        Ok(a + b)
    }

    async fn book(&self, book: &Book) -> Result<Book> {
        self.ask(&self.book).await?;
        Ok(book.clone())
    }
}

/// Requests that the server has at a time.
const IN_FLIGHT: usize = 64;
const QUEUE: &str = "compare-lapin";
