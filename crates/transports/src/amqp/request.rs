//! `Request`: a message that a broker has delivered to a server.

use bytes::Bytes;
use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, DeliveryTag, FieldTable, ShortString},
};

use super::{media, within};
use tinyrpc_core::Hint;

/// What identifies a delivery: tags mean nothing on another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) session: u64,
    pub(super) number: DeliveryTag,
}

impl Tag {
    /// Of no delivery: there is nothing to acknowledge.
    pub(super) const NONE: Self = Self { session: 0, number: 0 };
}

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) tag: Tag,
    pub(super) properties: BasicProperties,
    pub(super) body: Bytes,
    pub(super) redelivered: bool,
}

impl Request {
    pub(super) fn new(session: u64, delivery: Delivery) -> Self {
        let Delivery { delivery_tag: number, redelivered, properties, data, .. } = delivery;
        Self { tag: Tag { session, number }, properties, body: data.into(), redelivered }
    }

    /// Where the answer goes, if anywhere.
    pub(super) fn reply_to(&self) -> Option<&ShortString> {
        self.properties.reply_to().as_ref().filter(|name| !name.as_str().is_empty())
    }

    pub(super) fn hint(&self) -> Hint {
        media::hint(&self.properties)
    }

    /// What tells it from all other messages, where its sender gave it a name: the same name from
    /// two senders means two messages.
    pub(super) fn key(&self) -> Option<String> {
        let id = self.properties.message_id().as_ref()?;
        let text = |name: &Option<ShortString>| {
            name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default()
        };
        let reply_to = text(self.properties.reply_to());
        let number = text(self.properties.correlation_id());
        Some(format!("{id}\0{reply_to}\0{number}"))
    }

    /// How often the broker gave it to somebody who was lost over it, as the broker counts.
    pub(super) fn broker_count(&self) -> Option<u32> {
        self.number(BROKER_COUNT)
    }

    /// The same as workers have counted.
    pub(super) fn count(&self) -> u32 {
        self.number(COUNT).unwrap_or(0)
    }

    fn number(&self, name: &str) -> Option<u32> {
        let headers = self.properties.headers().as_ref()?;
        u32::try_from(within::number(headers, name)?.max(0)).ok()
    }

    /// What a handler may read of it.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let properties = &self.properties;
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("redelivered") {
            return Some((self.redelivered || self.count() > 0).to_string());
        }
        for (known, value) in [
            ("message-id", properties.message_id()),
            ("correlation-id", properties.correlation_id()),
            ("reply-to", properties.reply_to()),
            ("content-type", properties.content_type()),
            ("user-id", properties.user_id()),
            ("app-id", properties.app_id()),
        ] {
            if is(known) {
                return value.as_ref().map(|value| value.as_str().to_owned());
            }
        }
        let headers = properties.headers().as_ref()?.inner();
        let mut values = headers.iter().filter(|(known, _)| is(known.as_str()));
        let (Some((_, value)), None) = (values.next(), values.next()) else { return None };
        match value {
            AMQPValue::LongString(text) => String::from_utf8(text.as_bytes().to_vec()).ok(),
            AMQPValue::ShortString(text) => Some(text.as_str().to_owned()),
            AMQPValue::Boolean(value) => Some(value.to_string()),
            _ => self.number(name).map(|number| number.to_string()),
        }
    }

    /// Its properties for another queue or another try: what only its sender may say is left out,
    /// and so is what would have the broker copy it elsewhere.
    pub(super) fn carried(&self, name: &str, value: AMQPValue) -> BasicProperties {
        let old = &self.properties;
        let mut headers = FieldTable::default();
        for (known, value) in old.headers().iter().flat_map(FieldTable::inner) {
            if !LEFT_OUT.contains(&known.as_str()) {
                headers.insert(known.clone(), value.clone());
            }
        }
        if let Some(user) = old.user_id() {
            let user = AMQPValue::LongString(user.as_str().into());
            headers.insert(USER.into(), user);
        }
        headers.insert(name.into(), value);
        let mut new = BasicProperties::default().with_headers(headers);
        macro_rules! carry {
            ($($get:ident, $set:ident;)*) => {$(
                if let Some(value) = old.$get() {
                    new = new.$set(value.clone());
                }
            )*};
        }
        carry! {
            content_type, with_content_type;
            content_encoding, with_content_encoding;
            delivery_mode, with_delivery_mode;
            priority, with_priority;
            correlation_id, with_correlation_id;
            reply_to, with_reply_to;
            message_id, with_message_id;
            timestamp, with_timestamp;
            kind, with_type;
            app_id, with_app_id;
        }
        new
    }
}

/// The count of quorum queues.
const BROKER_COUNT: &str = "x-delivery-count";
/// Our own, for queues that have none.
pub(super) const COUNT: &str = "x-tinyrpc-redelivered";
/// Why a message is a dead letter.
pub(super) const WHY: &str = "x-tinyrpc-why";
/// Who sent it, as the broker has vouched for it.
const USER: &str = "x-tinyrpc-user-id";
const LEFT_OUT: &[&str] = &["CC", "BCC", COUNT, WHY, USER];
