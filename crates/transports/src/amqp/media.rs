//! The content types of messages.

use lapin::{BasicProperties, types::ShortString};
use tinyrpc_core::Hint;

/// What a session is told of a message; content types that say nothing are as none.
pub(super) fn hint(properties: &BasicProperties) -> Hint {
    let Some(named) = properties.content_type() else { return Hint::None };
    let essence = named.as_str().split(';').next().unwrap_or_default().trim();
    let is = |names: &[&str]| names.iter().any(|name| essence.eq_ignore_ascii_case(name));
    if is(JSON) {
        Hint::Text
    } else if is(MSGPACK) {
        Hint::Binary
    } else {
        Hint::None
    }
}

/// The properties with the content type of a message in them.
pub(super) fn named(properties: BasicProperties, hint: Hint) -> BasicProperties {
    match hint {
        Hint::Text => properties.with_content_type(ShortString::from(JSON_NAME)),
        Hint::Binary => properties.with_content_type(ShortString::from(MSGPACK_NAME)),
        _ => properties,
    }
}

/// What we send.
const JSON_NAME: &str = "application/json";
const MSGPACK_NAME: &str = "application/msgpack";
/// What is accepted.
const JSON: &[&str] = &[JSON_NAME, "application/json-rpc", "application/json-rpc2"];
const MSGPACK: &[&str] = &[MSGPACK_NAME, "application/x-msgpack", "application/vnd.msgpack"];
