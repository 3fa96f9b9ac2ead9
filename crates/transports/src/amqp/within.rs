//! What messages within a call that streams look like, beside those by which it begins and ends.

use bytes::Bytes;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, ShortString},
};
use tinyrpc_core::Hint;

use super::{media, replies::DIRECT};

/// What a message at a queue of answers is, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The answer to a call, or none of ours.
    Answer,
    /// A call to whoever reads the queue.
    Call,
    /// Within a call, from whoever has made it.
    Up,
    /// Within a call, from whoever executes it.
    Down,
    /// Nothing: whoever sent it wants to know whether the queue is there.
    Ping,
}

impl Kind {
    pub(super) fn of(properties: &BasicProperties) -> Self {
        match properties.kind().as_ref().map(ShortString::as_str) {
            Some("call") => Self::Call,
            Some("up") => Self::Up,
            Some("down") => Self::Down,
            Some("ping") => Self::Ping,
            _ => Self::Answer,
        }
    }

    /// The properties with the type in them.
    pub(super) fn named(self, properties: BasicProperties) -> BasicProperties {
        let name = match self {
            Self::Answer => return properties,
            Self::Call => "call",
            Self::Up => "up",
            Self::Down => "down",
            Self::Ping => "ping",
        };
        properties.with_type(name.into())
    }

    /// True for messages that come back where the other side is gone.
    pub(super) fn is_within(self) -> bool {
        matches!(self, Self::Up | Self::Down | Self::Ping)
    }
}

/// Which call a message is about: where its caller reads answers, and what it calls it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) reply_to: ShortString,
    pub(super) correlation: ShortString,
}

impl Origin {
    pub(super) fn of(properties: &BasicProperties) -> Self {
        Self {
            reply_to: properties.reply_to().clone().unwrap_or_default(),
            correlation: properties.correlation_id().clone().unwrap_or_default(),
        }
    }

    /// True where somebody can be answered.
    pub(super) fn is_known(&self) -> bool {
        !self.reply_to.as_str().is_empty() && !self.correlation.as_str().is_empty()
    }
}

/// Properties of a message within a call; `own` is where its sender reads.
pub(super) fn properties(
    kind: Kind,
    own: &ShortString,
    correlation: ShortString,
    hint: Hint,
) -> BasicProperties {
    let properties =
        BasicProperties::default().with_reply_to(own.clone()).with_correlation_id(correlation);
    media::named(kind.named(properties), hint)
}

/// The properties of a message that is the how-manieth of its sender within a call; the end of one
/// without words has no number, which is 0.
pub(super) fn counted(properties: BasicProperties, count: u64) -> BasicProperties {
    match count {
        0 => properties,
        count => properties.with_message_id(count.to_string().into()),
    }
}

/// The how-manieth of its sender a message is within its call; 0 where it does not say.
pub(super) fn count(properties: &BasicProperties) -> u64 {
    let count = properties.message_id().as_ref().map(|count| count.as_str().parse());
    count.and_then(Result::ok).unwrap_or(0)
}

/// What both sides have said within a call: none of it may be missing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) said: u64,
    pub(super) heard: u64,
}

impl Counts {
    /// The number of the next message.
    pub(super) fn say(&mut self) -> u64 {
        self.said += 1;
        self.said
    }

    /// A message came under this number; false where one before it is missing.
    pub(super) fn hear(&mut self, count: u64) -> bool {
        let follows = count == self.heard + 1;
        self.heard = count;
        follows
    }
}

/// False where no broker says whether anybody is behind an address.
pub(super) fn comes_back(queue: &ShortString) -> bool {
    !queue.as_str().starts_with(DIRECT)
}

/// The properties of a request with the mark in them by which its streams have it for themselves.
pub(super) fn marked(properties: BasicProperties) -> BasicProperties {
    let mut headers = properties.headers().clone().unwrap_or_default();
    headers.insert(MARK.into(), AMQPValue::LongInt(VERSION));
    properties.with_headers(headers)
}

/// What a session is told of a request: whether its streams have it for themselves.
pub(super) fn opening(properties: &BasicProperties) -> Hint {
    let hint = media::hint(properties);
    let version = properties.headers().as_ref().and_then(|headers| number(headers, MARK));
    let is_marked =
        version.is_some_and(|version| version >= 1) && Origin::of(properties).is_known();
    match hint {
        Hint::Text if is_marked => Hint::StreamingText,
        Hint::Binary if is_marked => Hint::StreamingBinary,
        hint => hint,
    }
}

/// The content type of a request, whatever else is said of it; `None` where it opens no streams.
pub(super) fn plain(hint: Hint) -> Option<Hint> {
    match hint {
        Hint::StreamingText => Some(Hint::Text),
        Hint::StreamingBinary => Some(Hint::Binary),
        _ => None,
    }
}

/// A header that is an integer.
pub(super) fn number(headers: &FieldTable, name: &str) -> Option<i64> {
    Some(match headers.inner().get(name)? {
        AMQPValue::LongLongInt(number) => *number,
        AMQPValue::LongInt(number) => (*number).into(),
        AMQPValue::LongUInt(number) => (*number).into(),
        AMQPValue::ShortInt(number) => (*number).into(),
        AMQPValue::ShortUInt(number) => (*number).into(),
        AMQPValue::ShortShortInt(number) => (*number).into(),
        AMQPValue::ShortShortUInt(number) => (*number).into(),
        _ => return None,
    })
}

/// The message that ends a call, either way: no answer comes, or none is wanted.
pub(super) const END: Bytes = Bytes::new();
/// The header of a request whose caller knows the extension, with the version of that.
const MARK: &str = "tinyrpc-extension";
const VERSION: i32 = 1;
