//! `Notice`: what a notification of a subscription says, and `Key`: to which it belongs.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned, IgnoredAny, MapAccess},
};

use crate::{FormatError, Payload, Request, RpcError, SubscriptionId, format::Shape};

/// To what a notification belongs, by a member of its params.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A subscription, whatever its notifications are called.
    Subscription(SubscriptionId),
    /// The reports of a call, by the token that its params named.
    Progress(SubscriptionId),
}

/// The member that tells.
#[derive(Deserialize)]
struct Head {
    subscription: SubscriptionId,
}

/// The member that tells where the method says that it is a report: that of the Language Server
/// Protocol, or that of the Model Context Protocol.
#[derive(Deserialize)]
struct Told {
    #[serde(alias = "progressToken")]
    token: SubscriptionId,
}

impl Key {
    /// The key of a notification, where it has one.
    pub(crate) fn of(request: &Request<'_>) -> Option<Self> {
        let params = request.params;
        if matches!(&*request.method, "$/progress" | "notifications/progress") {
            return params.decode::<Told>().ok().map(|told| Self::Progress(told.token));
        }
        let head = match params.format.shape(params.bytes) {
            Shape::Map { .. } => params.decode::<Head>().ok()?,
            // MessagePack-RPC has named params as the only positional one.
            Shape::Sequence { len: Some(1) } => params.decode::<(Head,)>().ok()?.0,
            _ => return None,
        };
        Some(Self::Subscription(head.subscription))
    }
}

/// A report: the `value` of the Language Server Protocol, or else all of the params.
pub(super) struct Report;

impl Report {
    pub(super) fn decode<T: DeserializeOwned>(params: &Payload) -> Result<T, FormatError> {
        #[derive(Deserialize)]
        struct Lsp<T> {
            value: T,
        }
        #[derive(Deserialize)]
        struct IsMcp {
            #[serde(rename = "progressToken")]
            _token: IgnoredAny,
        }
        match params.decode::<IsMcp>() {
            Ok(_) => params.decode(),
            Err(_) => params.decode::<Lsp<T>>().map(|Lsp { value }| value),
        }
    }
}

/// The params of a notification.
pub(super) enum Notice<T> {
    /// An item.
    Result(T),
    /// The end.
    Error(RpcError),
}

impl<T: DeserializeOwned> Notice<T> {
    pub(super) fn decode(params: &Payload) -> Result<Self, FormatError> {
        match params.format.shape(&params.bytes) {
            Shape::Sequence { .. } => params.decode::<(Self,)>().map(|(notice,)| notice),
            _ => params.decode(),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Notice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NoticeVisitor(PhantomData))
    }
}

struct NoticeVisitor<T>(PhantomData<T>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Member {
    Result,
    Error,
    #[serde(other)]
    Other,
}

impl<'de, T: DeserializeOwned> de::Visitor<'de> for NoticeVisitor<T> {
    type Value = Notice<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a result or an error")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Notice<T>, M::Error> {
        let mut notice = None;
        while let Some(member) = map.next_key()? {
            match member {
                Member::Result => notice = Some(Notice::Result(map.next_value()?)),
                Member::Error => notice = Some(Notice::Error(map.next_value::<Fault>()?.0)),
                Member::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        notice.ok_or_else(|| de::Error::missing_field("result"))
    }
}

/// An error as a peer has it: an object with code and message, a text, or anything else. Its data
/// is passed over.
struct Fault(RpcError);

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FaultVisitor)
    }
}

struct FaultVisitor;

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Part {
    Code,
    Message,
    #[serde(other)]
    Other,
}

impl<'de> de::Visitor<'de> for FaultVisitor {
    type Value = Fault;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Fault, E> {
        Ok(Fault(RpcError::server(text.to_owned())))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Fault, E> {
        Ok(closed())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Fault, E> {
        Ok(closed())
    }

    fn visit_i64<E: de::Error>(self, code: i64) -> Result<Fault, E> {
        Ok(Fault(RpcError::new(code, closed().0.message)))
    }

    fn visit_u64<E: de::Error>(self, code: u64) -> Result<Fault, E> {
        self.visit_i64(i64::try_from(code).unwrap_or(i64::MAX))
    }

    fn visit_seq<S: de::SeqAccess<'de>>(self, mut parts: S) -> Result<Fault, S::Error> {
        while parts.next_element::<IgnoredAny>()?.is_some() {}
        Ok(closed())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fault, M::Error> {
        let mut error = closed().0;
        while let Some(part) = map.next_key()? {
            match part {
                Part::Code => error.code = map.next_value::<i64>()?.into(),
                Part::Message => error.message = map.next_value::<String>()?.into(),
                Part::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(Fault(error))
    }
}

fn closed() -> Fault {
    Fault(RpcError::server("the peer closed the subscription"))
}
