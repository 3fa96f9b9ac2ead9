//! MessagePack, opened one level.

use std::borrow::Cow;

use rmpv::{ValueRef, decode::read_value_ref};

use super::Parts;

impl<'a> Parts<'a> {
    /// Opens one MessagePack value; `None` where it is malformed.
    pub(crate) fn of_msgpack(bytes: &'a [u8]) -> Option<Self> {
        let (header, values, is_map) = match *bytes {
            [first @ 0x80..=0x8f, ..] => (1, u32::from(first & 0x0f), true),
            [first @ 0x90..=0x9f, ..] => (1, u32::from(first & 0x0f), false),
            [0xdc, a, b, ..] => (3, u32::from_be_bytes([0, 0, a, b]), false),
            [0xdd, a, b, c, d, ..] => (5, u32::from_be_bytes([a, b, c, d]), false),
            [0xde, a, b, ..] => (3, u32::from_be_bytes([0, 0, a, b]), true),
            [0xdf, a, b, c, d, ..] => (5, u32::from_be_bytes([a, b, c, d]), true),
            [] => return None,
            _ => return Some(Self::Scalar),
        };
        let mut rest = bytes.get(header..)?;
        if !is_map {
            let mut elements = Vec::new();
            for _ in 0..values {
                elements.push(value(&mut rest)?.1);
            }
            return rest.is_empty().then_some(Self::Sequence(elements));
        }
        let mut entries = Vec::new();
        for _ in 0..values {
            let key = match value(&mut rest)?.0 {
                ValueRef::String(text) => text.into_str(),
                ValueRef::Binary(bytes) => std::str::from_utf8(bytes).ok(),
                _ => None,
            };
            entries.push((key.map(Cow::Borrowed), value(&mut rest)?.1));
        }
        rest.is_empty().then_some(Self::Map(entries))
    }
}

/// Takes the first value off, together with its bytes.
fn value<'a>(rest: &mut &'a [u8]) -> Option<(ValueRef<'a>, &'a [u8])> {
    let bytes = *rest;
    let value = read_value_ref(rest).ok()?;
    Some((value, bytes.get(..bytes.len() - rest.len())?))
}
