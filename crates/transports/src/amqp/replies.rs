//! Queues to which answers come, and what is in their messages.

use std::io;

use bytes::Bytes;
use lapin::{
    BasicProperties, Channel, Consumer,
    message::Delivery,
    options::{BasicConsumeOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use tinyrpc_core::{Hint, Limits};

use super::{link::in_time, media};

/// Makes a queue for answers, which goes with its connection; gives its name.
pub(super) async fn declare(channel: &Channel, limits: &Limits) -> io::Result<ShortString> {
    let options = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let declaring = channel.queue_declare(ShortString::default(), options, FieldTable::default());
    Ok(in_time(limits, declaring).await?.name().clone())
}

/// Consumes such a queue. Answers are not acknowledged: who waits for them is lost with it.
pub(super) async fn consume(
    channel: &Channel,
    queue: ShortString,
    limits: &Limits,
) -> io::Result<Consumer> {
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let tag = ShortString::default();
    in_time(limits, channel.basic_consume(queue, tag, options, FieldTable::default())).await
}

/// The answer in a message, and the number of its call, if it is one.
pub(super) fn answer(delivery: Delivery) -> Option<(u64, Bytes, Hint)> {
    let number = number(&delivery.properties)?;
    Some((number, Bytes::from(delivery.data), media::hint(&delivery.properties)))
}

/// The number of a call.
pub(super) fn number(properties: &BasicProperties) -> Option<u64> {
    properties.correlation_id().as_ref()?.as_str().parse().ok()
}

/// The name by which answers come without a queue. The broker makes an address of it that begins
/// with it.
pub(super) const DIRECT: &str = "amq.rabbitmq.reply-to";
