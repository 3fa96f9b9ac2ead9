//! Tokens of JSON that were walked before, to values: strings, ids, the code of an error.

use std::borrow::Cow;

use tinyrpc_core::Id;

use super::scan::Span;

/// A string, given with its quotes; `None` for any other value.
pub(super) fn string(token: &[u8]) -> Option<Cow<'_, str>> {
    let inner = inside(token)?;
    if inner.contains(&b'\\') {
        return serde_json::from_slice(token).ok().map(Cow::Owned);
    }
    std::str::from_utf8(inner).ok().map(Cow::Borrowed)
}

/// What is between the quotes of a string; `None` for any other value.
pub(super) fn inside(token: &[u8]) -> Option<&[u8]> {
    match token {
        [b'"', inner @ .., b'"'] => Some(inner),
        _ => None,
    }
}

/// The id at `span`; `None` for what is none, and for a text of more than `max` bytes.
#[inline]
pub(super) fn id(object: &[u8], span: Span, max: usize) -> Option<Id<'_>> {
    let token = span.of(object)?;
    match token {
        [b'0'..=b'9' | b'-', ..] => match number(object, span, token) {
            Some(number) => Some(Id::Number(number)),
            None => odd_number(token),
        },
        [b'"', inner @ .., b'"'] if inner.len() <= max => {
            if inner.contains(&b'\\') {
                // Other ways to write the same text exist: only the token is surely what came.
                return Some(Id::Token(token.into()));
            }
            std::str::from_utf8(inner).ok().map(|text| Id::Text(text.into()))
        }
        b"null" => Some(Id::Null),
        _ => None,
    }
}

/// The number that the token at `span` stands for, if it is nothing but up to 16 digits that do not
/// end the object; `None` where that takes a closer look.
#[inline(always)]
pub(super) fn number(object: &[u8], span: Span, token: &[u8]) -> Option<u64> {
    let first = object.get(span.start as usize..)?.first_chunk()?;
    if token.len() <= 8 {
        return digits(*first, token.len());
    }
    if token.len() > 16 {
        return None;
    }
    let high = digits(*first, token.len() - 8)?;
    let low = digits(*token.last_chunk()?, 8)?;
    Some(high * 100_000_000 + low)
}

/// The number that the first `count` digits stand for, at least one and at most eight.
///
/// All are looked at together: each multiplication adds to every other part ten, a hundred, ten
/// thousand times the part below it, which came before it.
#[inline(always)]
fn digits(bytes: [u8; 8], count: usize) -> Option<u64> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // Shifted in from below are the zeros that would stand before the first digit.
    let digits = (u64::from_le_bytes(bytes) ^ (ONES * 0x30)).wrapping_shl(64 - 8 * count as u32);
    if (digits.wrapping_add(ONES * 0x76) | digits) & (ONES * 0x80) != 0 {
        return None;
    }
    let twos = (digits.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (twos.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(10_000 << 32 | 1) >> 32)
}

/// An integer that is negative, has many digits, or stands at the end of the message.
#[cold]
fn odd_number(token: &[u8]) -> Option<Id<'_>> {
    let digits = token.strip_prefix(b"-").unwrap_or(token);
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = std::str::from_utf8(token).ok()?;
    if let Ok(number) = text.parse() {
        return Some(Id::Number(number));
    }
    match text.parse() {
        Ok(number) if number != 0 => Some(Id::Negative(number)),
        // Beyond 64 bits, or minus zero.
        _ => Some(Id::Token(token.into())),
    }
}

/// An integer that fits; `None` for any other value.
pub(super) fn integer(token: &[u8]) -> Option<i64> {
    std::str::from_utf8(token).ok()?.parse().ok()
}

/// An integer from zero up; `None` for any other value.
pub(super) fn unsigned(token: &[u8]) -> Option<u64> {
    std::str::from_utf8(token).ok()?.parse().ok()
}

/// True or false; `None` for any other value.
pub(super) fn boolean(token: &[u8]) -> Option<bool> {
    match token {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}
