//! `SubscriptionId`: what a subscription goes by on the wire.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The id of a subscription: a number or a text, as its peer likes.
///
/// Ids that our servers give are texts of 16 hexadecimal digits behind `0x`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SubscriptionId {
    /// An integer from zero up.
    Number(u64),
    /// Any text.
    Text(Box<str>),
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl From<u64> for SubscriptionId {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for SubscriptionId {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl Serialize for SubscriptionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for SubscriptionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = SubscriptionId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id of a subscription, a number or a text")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<SubscriptionId, E> {
        Ok(number.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<SubscriptionId, E> {
        let number = u64::try_from(number);
        number.map(SubscriptionId::from).map_err(|_| E::custom("an id is not negative"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SubscriptionId, E> {
        Ok(text.into())
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<SubscriptionId, E> {
        let text = str::from_utf8(bytes);
        text.map(SubscriptionId::from).map_err(|_| E::custom("the id is no text"))
    }
}
