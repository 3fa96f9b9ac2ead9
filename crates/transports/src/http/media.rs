//! `Media`: the media types of messages.

use http::HeaderValue;
use tinyrpc_core::Hint;

/// What the body of a request or response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// Text: JSON.
    Json,
    /// Binary: MessagePack.
    MsgPack,
}

impl Media {
    /// By the value of a `Content-Type` header; parameters such as a charset do not matter.
    pub(crate) fn from_header(value: &HeaderValue) -> Option<Self> {
        let text = value.to_str().ok()?;
        let essence = text.split(';').next().unwrap_or_default().trim();
        if is_json(essence) {
            Some(Self::Json)
        } else if MSGPACK.iter().any(|name| essence.eq_ignore_ascii_case(name)) {
            Some(Self::MsgPack)
        } else {
            None
        }
    }

    /// By the first byte of a body, where nobody says what it is. The arrays of MessagePack begin
    /// above all ASCII.
    pub(crate) fn guess(body: &[u8]) -> Self {
        match body.first() {
            Some(0x80..) => Self::MsgPack,
            _ => Self::Json,
        }
    }

    /// What a session is told about it.
    pub(crate) fn hint(self) -> Hint {
        match self {
            Self::Json => Hint::Text,
            Self::MsgPack => Hint::Binary,
        }
    }

    /// Its name as we send it.
    pub(crate) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => JSON[0],
            Self::MsgPack => MSGPACK[0],
        })
    }
}

/// True for the names of JSON.
pub(crate) fn is_json(essence: &str) -> bool {
    JSON.iter().any(|name| essence.eq_ignore_ascii_case(name))
}

/// The first is what we send, all are accepted.
const JSON: [&str; 3] = ["application/json", "application/json-rpc", "application/json-rpc2"];
const MSGPACK: [&str; 3] =
    ["application/msgpack", "application/x-msgpack", "application/vnd.msgpack"];
