//! What a request says beside its params: the map behind them, to a [`Meta`] and back.

use tinyrpc_core::{Allowance, Meta};

use super::{
    encoder::{Texts, text, unsigned},
    envelope,
    scan::Reader,
};
use crate::extension;

/// Reads the map. Members that nobody knows mean nothing.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read(map: &[u8]) -> Result<Meta, &'static str> {
    let mut reader = Reader::new(map);
    let count = reader.map().ok_or("what stands behind the params must be a map")?;
    let mut meta = Meta::default();
    for _ in 0..count {
        let key = Reader::new(reader.value().unwrap_or_default()).bytes();
        let mut value = Reader::new(reader.value().unwrap_or_default());
        match key {
            Some(b"stream") => {
                meta.stream = Some(
                    allowance(&mut value)
                        .ok_or("`stream` must be two integers from 0 to 2^31 - 1")?,
                );
            }
            Some(b"send") => meta.sends = value.bool().ok_or("`send` must be a boolean")?,
            Some(b"deadline") => {
                let deadline = value.uint().and_then(extension::deadline);
                meta.deadline =
                    Some(deadline.ok_or("`deadline` must be an integer from 0 to 2^53 - 1")?);
            }
            Some(b"depth") => {
                let depth = value.uint().and_then(extension::amount);
                meta.depth = depth.ok_or("`depth` must be an integer from 0 to 2^31 - 1")?;
            }
            Some(b"trace") => {
                meta.trace =
                    Some(envelope::text(&mut value).ok_or("`trace` must be a text")?.into());
            }
            Some(b"key") => {
                let key = envelope::text(&mut value).ok_or("`key` must be a text")?;
                meta.idempotency_key = Some(key.into());
            }
            _ => {}
        }
    }
    Ok(meta)
}

fn allowance(reader: &mut Reader<'_>) -> Option<Allowance> {
    if reader.array()? != 2 {
        return None;
    }
    extension::allowance(reader.uint()?, reader.uint()?)
}

/// Appends the map; false and nothing where there is nothing to say.
pub(super) fn write(out: &mut Vec<u8>, meta: &Meta, texts: Texts) -> bool {
    let count = extension::members(meta);
    if count == 0 {
        return false;
    }
    out.push(0x80 | count);
    if let Some(Allowance { items, bytes }) = meta.stream {
        out.extend_from_slice(b"\xa6stream\x92");
        unsigned(out, extension::said(items));
        unsigned(out, extension::said(bytes));
    }
    if meta.sends {
        out.extend_from_slice(b"\xa4send\xc3");
    }
    if let Some(deadline) = meta.deadline {
        out.extend_from_slice(b"\xa8deadline");
        unsigned(out, extension::millis(deadline));
    }
    if meta.depth > 0 {
        out.extend_from_slice(b"\xa5depth");
        unsigned(out, extension::said(meta.depth));
    }
    if let Some(trace) = &meta.trace {
        out.extend_from_slice(b"\xa5trace");
        text(out, trace, texts);
    }
    if let Some(key) = &meta.idempotency_key {
        out.extend_from_slice(b"\xa3key");
        text(out, key, texts);
    }
    true
}
