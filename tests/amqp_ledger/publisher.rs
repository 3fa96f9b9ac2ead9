//! `Publisher`: notifications by a client that is not ours, and that knows which of them the broker
//! has taken over.

use std::{sync::Arc, time::Duration};

use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use tokio::time::timeout;

use crate::{QUEUE, book::Book, callers::Traffic};

/// Publishes one after the other for as long as there are calls.
pub(crate) async fn publish(url: String, book: Arc<Book>, traffic: Arc<Traffic>) {
    let mut connection = None;
    let mut number = FIRST;
    while traffic.is_over().is_none() {
        let (_, channel) = match &connection {
            Some(open) => open,
            None => match timeout(PATIENCE, open(&url)).await {
                Ok(Ok(open)) => connection.insert(open),
                // The broker is away for seconds.
                _ => {
                    tokio::time::sleep(RETRY).await;
                    continue;
                }
            },
        };
        match timeout(PATIENCE, post(channel, number)).await {
            Ok(Ok(Confirmation::Ack(None))) => book.confirm(number),
            Ok(Ok(other)) => panic!("notification {number}: {other:?}"),
            // Perhaps it was taken over; nobody has said so.
            Ok(Err(_)) | Err(_) => {
                connection = None;
                book.lose();
            }
        }
        number += 1;
    }
}

async fn open(url: &str) -> lapin::Result<(Connection, Channel)> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    Ok((connection, channel))
}

async fn post(channel: &Channel, number: u64) -> lapin::Result<Confirmation> {
    // [2, "note", [number]]
    let mut body = b"\x93\x02\xa4note\x91\xcf".to_vec();
    body.extend(number.to_be_bytes());
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    // What came to no queue would come back.
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    channel.basic_publish("".into(), QUEUE.into(), options, &body, properties).await?.await
}

/// Other numbers than those of calls.
const FIRST: u64 = 1 << 40;
const PERSISTENT: u8 = 2;
const RETRY: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(20);
