//! A queue of a test, its server and its clients; and the broker as others see it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions,
        ConfirmSelectOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use tinyrpc::{Client, Dispatcher, Server, ServerHandle};
use tokio::sync::Notify;

use crate::broker::Broker;

/// A queue that no other test has.
pub(crate) struct World {
    pub(crate) url: String,
    pub(crate) queue: String,
}

impl World {
    /// At the broker that tests share.
    pub(crate) fn new() -> Option<Self> {
        Broker::shared().map(Self::at)
    }

    pub(crate) fn at(broker: &Broker) -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let queue = format!("amqp-{}-{}", std::process::id(), LAST.fetch_add(1, SeqCst));
        Self { url: broker.url().into(), queue }
    }

    pub(crate) fn url(&self, protocol: &str, options: &str) -> String {
        format!("{protocol}+{}?queue={}{options}", self.url, self.queue)
    }

    pub(crate) async fn serve(&self, service: Dispatcher, options: &str) -> ServerHandle {
        Server::new(service).listen(self.url("auto", options)).await.expect("it serves")
    }

    /// Why it cannot be served so.
    pub(crate) async fn serve_error(&self, options: &str) -> String {
        let served = Server::new(service()).listen(self.url("auto", options)).await;
        served.expect_err("it cannot be served").to_string()
    }

    pub(crate) async fn client(&self, protocol: &str, options: &str) -> Client {
        tinyrpc::connect(self.url(protocol, options)).await.expect("it connects")
    }

    /// The broker as others see it.
    pub(crate) async fn by_hand(&self) -> Hand {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await;
        let connection = connection.expect("a broker");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirmations");
        Hand { _connection: connection, url: self.url.clone(), channel }
    }
}

/// A connection of somebody else.
pub(crate) struct Hand {
    _connection: Connection,
    url: String,
    pub(crate) channel: Channel,
}

impl Hand {
    /// Publishes, and waits until the broker has it.
    pub(crate) async fn publish(&self, queue: &str, body: &[u8], properties: BasicProperties) {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let sent = self.channel.basic_publish("".into(), queue.into(), options, body, properties);
        let confirmed = sent.await.expect("it is sent").await.expect("it is confirmed");
        assert!(confirmed.is_ack() && confirmed.take_message().is_none(), "no queue {queue}");
    }

    /// A queue for answers.
    pub(crate) async fn answers(&self) -> String {
        let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare("".into(), options, FieldTable::default()).await;
        queue.expect("a queue").name().as_str().to_owned()
    }

    /// The next message of a queue that is there or will be.
    pub(crate) async fn next(&self, queue: &str) -> Delivery {
        loop {
            let got = self.channel.basic_get(queue.into(), BasicGetOptions::default()).await;
            if let Some(got) = got.expect("there is such a queue") {
                got.delivery.ack(BasicAckOptions::default()).await.expect("it is taken");
                return got.delivery;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Waits until there is a queue.
    pub(crate) async fn made(&self, queue: &str) {
        loop {
            // A channel ends with such an error, and with it what is opened in the same moment.
            let connection = Connection::connect(&self.url, ConnectionProperties::default()).await;
            let connection = connection.expect("a broker");
            let channel = connection.create_channel().await.expect("a channel");
            let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
            if channel.queue_declare(queue.into(), options, FieldTable::default()).await.is_ok() {
                return;
            }
        }
    }

    /// How many messages wait in a queue.
    pub(crate) async fn count(&self, queue: &str) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = self.channel.queue_declare(queue.into(), options, FieldTable::default()).await;
        queue.expect("there is such a queue").message_count()
    }

    /// Takes messages without ever saying that it is done with them.
    pub(crate) async fn hold(&self, queue: &str) -> lapin::Consumer {
        let consuming = self.channel.basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        consuming.await.expect("it consumes")
    }
}

/// Counts what was executed.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<(AtomicU32, Notify)>);

impl Count {
    pub(crate) fn add(&self) -> u32 {
        let number = self.0.0.fetch_add(1, SeqCst) + 1;
        self.0.1.notify_waiters();
        number
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.0.load(SeqCst)
    }

    pub(crate) async fn until(&self, count: u32) {
        loop {
            let changed = self.0.1.notified();
            if self.get() >= count {
                return;
            }
            changed.await;
        }
    }
}

pub(crate) fn service() -> Dispatcher {
    Dispatcher::new().method("add", |a: i64, b: i64| a + b).method("echo", |value: String| value)
}

/// Runs a test in a time that none takes unless it hangs.
pub(crate) async fn in_time(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), test).await.expect("it does not hang");
}
