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
    replies::DIRECT,
    request::{Request, Tag, WHY},
    target::Target,
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
    Call { number: u64, key: ShortString, body: Bytes, hint: Hint },
    /// It is answered, and then done with.
    Answer { reply_to: ShortString, properties: BasicProperties, body: Bytes },
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
            What::Call { number, key, body, hint } => {
                let properties = BasicProperties::default()
                    .with_type(CALL.into())
                    .with_reply_to(answers.clone())
                    .with_correlation_id(number.to_string().into());
                return Some(Post {
                    exchange: ShortString::default(),
                    key: key.clone(),
                    // What is behind such a name is no queue, and always comes back.
                    mandatory: !key.as_str().starts_with(DIRECT),
                    body: body.clone(),
                    properties: media::named(properties, *hint),
                });
            }
            What::Answer { reply_to, properties, body } => (reply_to.clone(), properties, body),
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

/// The type of messages to a client that are no answers.
pub(super) const CALL: &str = "call";
