//! Tokens of JSON that were walked before, to values: strings, ids, the code of an error.

use std::borrow::Cow;

use tinyrpc_core::Id;

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

/// An id; `None` for what is none, and for a text of more than `max` bytes.
pub(super) fn id(token: &[u8], max: usize) -> Option<Id<'_>> {
    match token {
        [b'0'..=b'9', rest @ ..] if rest.len() < FITS_ALWAYS => number(token).map(Id::Number),
        [b'"', inner @ .., b'"'] if inner.len() <= max => {
            if inner.contains(&b'\\') {
                // Other ways to write the same text exist: only the token is surely what came.
                return Some(Id::Token(token.into()));
            }
            std::str::from_utf8(inner).ok().map(|text| Id::Text(text.into()))
        }
        [b'0'..=b'9' | b'-', ..] => odd_number(token),
        b"null" => Some(Id::Null),
        _ => None,
    }
}

/// A number of at most [`FITS_ALWAYS`] digits, and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
    }
    Some(number)
}

/// A negative integer, or one of many digits.
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

/// How many digits fit in 64 bits whatever they are.
const FITS_ALWAYS: usize = 19;
