//! The parts of a container that a [`Scanner`](super::Scanner) has walked: the elements of an
//! array, the members of an object.
//!
//! They believe their input. On anything else they yield fewer or odd parts, never more than
//! there are bytes.

use super::{skip::Skip, token::is_space};

/// The elements of an array, each as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
}

/// The elements of `array`; none when it is not an array.
pub(crate) fn elements(array: &[u8]) -> Elements<'_> {
    Elements { rest: array.trim_ascii_start().strip_prefix(b"[").unwrap_or_default() }
}

impl Elements<'_> {
    /// How many bytes stand behind the last element that was taken.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        take_value(&mut self.rest)
    }
}

/// The members of an object: the key as it was written, without its quotes, and the value.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a> {
    rest: &'a [u8],
}

/// The members of `object`; none when it is not an object.
pub(crate) fn members(object: &[u8]) -> Members<'_> {
    Members { rest: object.trim_ascii_start().strip_prefix(b"{").unwrap_or_default() }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let key = take_value(&mut self.rest)?;
        let value = take_value(&mut self.rest)?;
        Some((key.strip_prefix(b"\"")?.strip_suffix(b"\"")?, value))
    }
}

/// The value of the first member of `object` with this key.
pub(crate) fn member<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    members(object).find(|(raw, _)| key_is(raw, key)).map(|(_, value)| value)
}

/// Takes the value behind white space, a comma or a colon; `None` at the end of the container.
fn take_value<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let start = rest.iter().position(|byte| !is_space(*byte) && !matches!(byte, b',' | b':'))?;
    let value = rest.get(start..)?;
    let (value, behind) = value.split_at_checked(Skip::value(value)?)?;
    *rest = behind;
    // A bracket that closes the container is a value of no bytes.
    (!value.is_empty()).then_some(value)
}

/// True when a key, given as it was written without its quotes, means `key`.
pub(crate) fn key_is(raw: &[u8], key: &str) -> bool {
    let mut raw = raw;
    let mut key = key.as_bytes();
    while let Some((first, rest)) = raw.split_first() {
        let mut plain = [0; 4];
        let wanted: &[u8] = if *first == b'\\' {
            let Some((char, length)) = unescape(rest) else { return false };
            raw = rest.get(length..).unwrap_or_default();
            char.encode_utf8(&mut plain).as_bytes()
        } else {
            raw = rest;
            std::slice::from_ref(first)
        };
        let Some(behind) = key.strip_prefix(wanted) else { return false };
        key = behind;
    }
    key.is_empty()
}

/// The character that an escape stands for, and the length of the escape behind its backslash.
fn unescape(escape: &[u8]) -> Option<(char, usize)> {
    let (kind, rest) = escape.split_first()?;
    let plain = match kind {
        b'"' | b'\\' | b'/' => char::from(*kind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let first = unit(rest)?;
            let second = rest.get(4..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(unit);
            let units = [first, second.unwrap_or_default()];
            let char = char::decode_utf16(units).next()?.ok()?;
            return Some((char, if char.len_utf16() == 2 { 11 } else { 5 }));
        }
        _ => return None,
    };
    Some((plain, 1))
}

/// The UTF-16 unit that four hexadecimal digits stand for.
fn unit(digits: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(digits.get(..4)?).ok()?;
    u16::from_str_radix(digits, 16).ok()
}
