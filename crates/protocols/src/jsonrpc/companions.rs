//! What a request says beside its params: the member `rpc`, to a [`Meta`] and back.

use tinyrpc_core::{Allowance, Meta};

use super::{
    encoder::{quoted, unsigned},
    scan::{elements, key_is, members},
    text,
};
use crate::extension;

/// Reads the value of the member. Members in it that nobody knows mean nothing.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read(map: &[u8]) -> Result<Meta, &'static str> {
    if !map.starts_with(b"{") {
        return Err("`rpc` must be an object");
    }
    let mut meta = Meta::default();
    for (key, value) in members(map) {
        match KEYS.iter().find(|known| key_is(key, known)) {
            Some(&STREAM) => {
                let stream = allowance(value);
                meta.stream =
                    Some(stream.ok_or("`stream` must be two integers from 0 to 2^31 - 1")?);
            }
            Some(&SEND) => {
                meta.sends = text::boolean(value).ok_or("`send` must be a boolean")?;
            }
            Some(&DEADLINE) => {
                let deadline = text::unsigned(value).and_then(extension::deadline);
                meta.deadline =
                    Some(deadline.ok_or("`deadline` must be an integer from 0 to 2^53 - 1")?);
            }
            Some(&DEPTH) => {
                let depth = text::unsigned(value).and_then(extension::amount);
                meta.depth = depth.ok_or("`depth` must be an integer from 0 to 2^31 - 1")?;
            }
            Some(&TRACE) => {
                meta.trace = Some(text::string(value).ok_or("`trace` must be a text")?.into());
            }
            Some(&KEY) => {
                let key = text::string(value).ok_or("`key` must be a text")?;
                meta.idempotency_key = Some(key.into());
            }
            _ => {}
        }
    }
    Ok(meta)
}

fn allowance(array: &[u8]) -> Option<Allowance> {
    if !array.starts_with(b"[") {
        return None;
    }
    let mut elements = elements(array);
    let mut next = || text::unsigned(elements.next()?);
    let allowance = extension::allowance(next()?, next()?)?;
    elements.next().is_none().then_some(allowance)
}

/// Appends the member behind a comma; nothing where there is nothing to say.
pub(super) fn write(out: &mut Vec<u8>, meta: &Meta) {
    if extension::members(meta) == 0 {
        return;
    }
    out.extend_from_slice(br#","rpc":{"#);
    let first = out.len();
    let key = |out: &mut Vec<u8>, key: &str| {
        if out.len() > first {
            out.push(b',');
        }
        quoted(out, key);
        out.push(b':');
    };
    if let Some(Allowance { items, bytes }) = meta.stream {
        key(out, STREAM);
        out.push(b'[');
        unsigned(out, extension::said(items));
        out.push(b',');
        unsigned(out, extension::said(bytes));
        out.push(b']');
    }
    if meta.sends {
        key(out, SEND);
        out.extend_from_slice(b"true");
    }
    if let Some(deadline) = meta.deadline {
        key(out, DEADLINE);
        unsigned(out, extension::millis(deadline));
    }
    if meta.depth > 0 {
        key(out, DEPTH);
        unsigned(out, extension::said(meta.depth));
    }
    if let Some(trace) = &meta.trace {
        key(out, TRACE);
        quoted(out, trace);
    }
    if let Some(text) = &meta.idempotency_key {
        key(out, KEY);
        quoted(out, text);
    }
    out.push(b'}');
}

const KEYS: [&str; 6] = [STREAM, SEND, DEADLINE, DEPTH, TRACE, KEY];
const STREAM: &str = "stream";
const SEND: &str = "send";
const DEADLINE: &str = "deadline";
const DEPTH: &str = "depth";
const TRACE: &str = "trace";
const KEY: &str = "key";
