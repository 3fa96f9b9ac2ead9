//! `Job`: what a server has to tell its broker about one message.

use bytes::Bytes;
use lapin::{
    BasicProperties,
    types::{AMQPValue, ShortString},
};
use tinyrpc_core::Hint;

use super::{
    link::{Post, Settled},
    media,
    request::{Request, Tag, WHY},
    target::Target,
    within::{self, Kind, Origin},
};

#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Whose it is, where somebody may wait for it.
    pub(super) seat: Option<u64>,
    pub(super) tag: Tag,
    pub(super) what: What,
}

/// What becomes of a message.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// It is done with.
    Settle,
    /// Somebody else should have it.
    GiveBack,
    /// A call to a client, by the number that its answer bears.
    Call { number: u64, key: ShortString, body: Bytes, hint: Hint, streams: bool },
    /// Something within such a call, which streams.
    Up { number: u64, count: u64, key: ShortString, body: Bytes, hint: Hint },
    /// Something within a call of a client, which streams.
    Down { origin: Origin, count: u64, body: Bytes, hint: Hint },
    /// To a client that may be gone.
    Ping { key: ShortString },
    /// It is answered, and then done with.
    Answer { reply_to: ShortString, properties: BasicProperties, body: Bytes, streams: bool },
    /// It goes to the dead letters, and is then done with.
    Bury { properties: BasicProperties, body: Bytes },
    /// It goes to the end of its queue, with a count in it, and is then done with here.
    Again { properties: BasicProperties, body: Bytes },
}

impl Job {
    pub(super) fn new(seat: Option<u64>, tag: Tag, what: What) -> Self {
        Self { seat, tag, what }
    }

    /// The message to publish for it; `None` where there is none. Answers to calls are to come to
    /// the queue `answers`.
    pub(super) fn post(&self, target: &Target, answers: &ShortString) -> Option<Post> {
        let (key, properties, body) = match &self.what {
            What::Settle | What::GiveBack => return None,
            What::Call { number, key, body, hint, streams } => {
                let properties = addressed(Kind::Call, answers, *number, *hint);
                let properties = if *streams { within::marked(properties) } else { properties };
                return Some(to_client(key, body, properties));
            }
            What::Up { number, count, key, body, hint } => {
                let properties = addressed(Kind::Up, answers, *number, *hint);
                return Some(to_client(key, body, within::counted(properties, *count)));
            }
            What::Down { origin: Origin { reply_to, correlation }, count, body, hint } => {
                let number = correlation.clone();
                let properties = within::properties(Kind::Down, answers, number, *hint);
                return Some(to_client(reply_to, body, within::counted(properties, *count)));
            }
            What::Ping { key } => {
                let nothing = ShortString::default();
                let properties = within::properties(Kind::Ping, answers, nothing, Hint::None);
                return Some(to_client(key, &within::END, properties));
            }
            What::Answer { reply_to, properties, body, .. } => (reply_to.clone(), properties, body),
            What::Bury { properties, body } => (target.dead(), properties, body),
            What::Again { properties, body } => (target.queue.clone(), properties, body),
        };
        Some(Post {
            exchange: ShortString::default(),
            key,
            // Nobody waits for an answer any more where there is no queue for it. The others have
            // one, unless somebody has deleted it.
            mandatory: !matches!(self.what, What::Answer { .. }),
            body: body.clone(),
            properties: properties.clone(),
        })
    }
}

impl What {
    pub(super) fn answer(request: &Request, (body, hint): (Bytes, Hint)) -> Self {
        let mut properties = BasicProperties::default();
        if let Some(number) = request.properties.correlation_id() {
            properties = properties.with_correlation_id(number.clone());
        }
        Self::Answer {
            reply_to: request.reply_to().cloned().unwrap_or_default(),
            properties: media::named(properties, hint),
            body,
            streams: false,
        }
    }

    /// The same for a call that streams, whose answer is worth nothing without what was said before.
    pub(super) fn behind_stream(self, count: u64) -> Self {
        let Self::Answer { reply_to, properties, body, .. } = self else { return self };
        let properties = within::counted(properties, count);
        Self::Answer { reply_to, properties, body, streams: true }
    }

    /// True for what is told again over another connection to the broker, where nobody knows whether
    /// it arrived.
    pub(super) fn is_told_again(&self) -> bool {
        matches!(self, Self::Answer { streams: false, .. })
    }

    /// Where a message within a call goes.
    pub(super) fn key(&self) -> Option<&ShortString> {
        match self {
            Self::Up { key, .. } => Some(key),
            Self::Down { origin, .. } => Some(&origin.reply_to),
            _ => None,
        }
    }

    /// Bytes of a message within a call.
    pub(super) fn within(&self) -> usize {
        match self {
            Self::Up { body, .. } | Self::Down { body, .. } => body.len() + OVERHEAD,
            _ => 0,
        }
    }

    pub(super) fn bury(request: &Request, why: &str) -> Self {
        let properties = request.carried(WHY, AMQPValue::LongString(why.into()));
        Self::Bury { properties, body: request.body.clone() }
    }

    /// What the broker is told of the message itself, once all else is done.
    pub(super) fn settled(&self) -> Settled {
        match self {
            Self::GiveBack => Settled::Given,
            _ => Settled::Done,
        }
    }

    pub(super) fn publishes(&self) -> bool {
        !matches!(self, Self::Settle | Self::GiveBack)
    }
}

/// Properties of a message about a call of this side.
fn addressed(kind: Kind, answers: &ShortString, number: u64, hint: Hint) -> BasicProperties {
    within::properties(kind, answers, number.to_string().into(), hint)
}

fn to_client(key: &ShortString, body: &Bytes, properties: BasicProperties) -> Post {
    Post {
        exchange: ShortString::default(),
        key: key.clone(),
        // What is behind such a name is no queue, and always comes back.
        mandatory: within::comes_back(key),
        body: body.clone(),
        properties,
    }
}

/// What a message costs beside its bytes.
const OVERHEAD: usize = 256;
