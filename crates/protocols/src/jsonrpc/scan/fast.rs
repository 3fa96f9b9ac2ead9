//! The walk over a message that is in the buffer as a whole and has nothing wrong with it.
//!
//! Nearly every message is such a one, and then nothing must be remembered and nothing explained.
//! This walk therefore knows one way to fail: it gives up, and [`Walk`](super::walk::Walk) begins
//! again from the start, to find out what is missing or wrong. Both accept the same values with
//! the same outline; the tests hold them to it.
//!
//! Each function takes the bytes that are left and returns those behind what it walked. That costs
//! one comparison a byte and no arithmetic that could overflow, and keeps everything in registers.

use super::{Kind, Member, Outline, ScanLimits, Span, token};

/// Walks the object or array at the start of `buffer` and answers its length; `None` says that
/// somebody else must decide.
pub(super) fn walk(buffer: &[u8], limits: &ScanLimits, outline: &mut Outline) -> Option<usize> {
    // With this every position fits in a `Span`.
    u32::try_from(buffer.len()).ok()?;
    *outline = Outline::default();
    let rest = if let Some(rest) = buffer.strip_prefix(PREAMBLE) {
        outline.kind = Kind::Object;
        outline.note(Member::Jsonrpc, Span { start: 11, end: 16 });
        let values = limits.values.checked_sub(2)?;
        match next(rest)? {
            (b',', rest) => envelope(buffer, rest, values, limits, outline)?,
            (b'}', rest) => rest,
            _ => return None,
        }
    } else {
        let values = limits.values.checked_sub(1)?;
        match next(buffer)? {
            (b'{', rest) => {
                outline.kind = Kind::Object;
                match next(rest)? {
                    (b'}', rest) => rest,
                    _ => envelope(buffer, rest, values, limits, outline)?,
                }
            }
            (b'[', rest) => {
                outline.kind = Kind::Array;
                container(rest, b'[', values, limits.depth, limits)?.0
            }
            _ => return None,
        }
    };
    buffer.len().checked_sub(rest.len())
}

/// How most peers begin a message.
const PREAMBLE: &[u8; 16] = br#"{"jsonrpc":"2.0""#;

/// The members of the top level, from the first key on.
#[inline(always)]
fn envelope<'a>(
    buffer: &[u8],
    mut rest: &'a [u8],
    mut values: u32,
    limits: &ScanLimits,
    outline: &mut Outline,
) -> Option<&'a [u8]> {
    loop {
        let (member, behind) = key(rest)?;
        let (first, behind) = next_behind_colon(behind)?;
        let start = buffer.len() - behind.len() - 1;
        values = values.checked_sub(1)?;
        (rest, values) = match first {
            b'{' | b'[' => {
                container(behind, first, values, limits.depth.saturating_sub(1), limits)?
            }
            _ => (scalar(first, behind, limits)?, values),
        };
        let end = buffer.len() - rest.len();
        match member {
            Some(member) => outline.note(member, Span { start: start as u32, end: end as u32 }),
            None => outline.unknown = true,
        }
        match next(rest)? {
            (b',', behind) => rest = behind,
            (b'}', behind) => return Some(behind),
            _ => return None,
        }
    }
}

/// A key of the top level: which member it names, if any.
#[inline(always)]
fn key(rest: &[u8]) -> Option<(Option<Member>, &[u8])> {
    let (b'"', rest) = next(rest)? else { return None };
    // They fit in a word with their closing quote; `error` may take the long way.
    if let Some(chunk) = rest.first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        match word & (u64::MAX >> 8) {
            METHOD => return Some((Some(Member::Method), rest.get(7..)?)),
            PARAMS => return Some((Some(Member::Params), rest.get(7..)?)),
            RESULT => return Some((Some(Member::Result), rest.get(7..)?)),
            _ if word & (u64::MAX >> 40) == ID => return Some((Some(Member::Id), rest.get(3..)?)),
            _ if word == JSONRPC => return Some((Some(Member::Jsonrpc), rest.get(8..)?)),
            _ => {}
        }
    }
    other_key(rest)
}

const METHOD: u64 = u64::from_le_bytes(*b"method\"\0");
const PARAMS: u64 = u64::from_le_bytes(*b"params\"\0");
const RESULT: u64 = u64::from_le_bytes(*b"result\"\0");
const ID: u64 = u64::from_le_bytes(*b"id\"\0\0\0\0\0");
const JSONRPC: u64 = u64::from_le_bytes(*b"jsonrpc\"");

#[inline(never)]
fn other_key(rest: &[u8]) -> Option<(Option<Member>, &[u8])> {
    let behind = string(rest)?;
    let length = rest.len().checked_sub(behind.len() + 1)?;
    Some((Member::of_key(rest.get(..length)?), behind))
}

/// A container behind its opening bracket, and all that stands in it, at most `depth` levels. How
/// many values may still come is returned as well.
#[inline(always)]
fn container<'a>(
    rest: &'a [u8],
    bracket: u8,
    mut values: u32,
    depth: u32,
    limits: &ScanLimits,
) -> Option<(&'a [u8], u32)> {
    // What closes the innermost container. Both closing brackets stand two behind their opening
    // one, and bit 5 tells `}` from `]`.
    let mut close = bracket + 2;
    // That bit of each container around it, the nearest lowest, under a one that marks the end
    // and whose place is the depth.
    let mut around = 1_u64;
    let deepest = 1_u64.checked_shl(depth.checked_sub(1)?)?;
    let (mut first, mut rest) = next(rest)?;
    let mut empty = first == close;
    loop {
        if !empty {
            if close == b'}' {
                if first != b'"' {
                    return None;
                }
                (first, rest) = next_behind_colon(string(rest)?)?;
            }
            values = values.checked_sub(1)?;
            if let b'{' | b'[' = first {
                if around >= deepest {
                    return None;
                }
                around = around << 1 | u64::from(close >> 5 & 1);
                close = first + 2;
                (first, rest) = next(rest)?;
                empty = first == close;
                continue;
            }
            (first, rest) = next(scalar(first, rest, limits)?)?;
        }
        while first == close {
            if around == 1 {
                return Some((rest, values));
            }
            close = if around & 1 == 1 { b'}' } else { b']' };
            around >>= 1;
            (first, rest) = next(rest)?;
        }
        if first != b',' {
            return None;
        }
        (first, rest) = next(rest)?;
        empty = false;
    }
}

/// The next byte that is not white space, and what stands behind it.
#[inline(always)]
fn next(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (byte, behind) = rest.split_first()?;
    if *byte > b' ' { Some((*byte, behind)) } else { next_behind_space(behind, *byte) }
}

#[inline(never)]
fn next_behind_space(mut rest: &[u8], mut last: u8) -> Option<(u8, &[u8])> {
    while token::is_space(last) {
        let (byte, behind) = rest.split_first()?;
        last = *byte;
        rest = behind;
    }
    Some((last, rest))
}

/// The first byte of a value and what stands behind it, from behind the key of that value on.
#[inline(always)]
fn next_behind_colon(rest: &[u8]) -> Option<(u8, &[u8])> {
    match next(rest)? {
        (b':', rest) => next(rest),
        _ => None,
    }
}

/// A string, a number or a literal that begins with `first`: what stands behind it.
#[inline(always)]
fn scalar<'a>(first: u8, rest: &'a [u8], limits: &ScanLimits) -> Option<&'a [u8]> {
    match first {
        b'"' => string(rest),
        b'0'..=b'9' | b'-' => number(first, rest, limits),
        b't' => rest.strip_prefix(b"rue"),
        b'n' => rest.strip_prefix(b"ull"),
        b'f' => rest.strip_prefix(b"alse"),
        _ => None,
    }
}

/// The rest of a string behind its opening quote.
///
/// Most strings are short, and most of them keys that come again and again: byte by byte the
/// processor guesses their ends, while the next byte behind a computed end must wait for it.
#[inline(always)]
fn string(rest: &[u8]) -> Option<&[u8]> {
    let mut left = rest;
    let long = rest.len().saturating_sub(16);
    while let Some((byte, behind)) = left.split_first() {
        if PLAIN.get(usize::from(*byte)) != Some(&true) {
            if *byte == b'"' {
                return Some(behind);
            }
            break;
        }
        left = behind;
        if left.len() == long {
            break;
        }
    }
    other_string(rest, rest.len() - left.len())
}

/// Which bytes stand in a string for themselves, outside of UTF-8.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20;
    while byte < 0x80 {
        plain[byte] = byte != b'"' as usize && byte != b'\\' as usize;
        byte += 1;
    }
    plain
};

/// A string of which `plain` bytes were walked, and that is long or has something in it that does
/// not stand for itself.
#[inline(never)]
fn other_string(rest: &[u8], plain: usize) -> Option<&[u8]> {
    let mut end = plain;
    let mut wide = false;
    token::string(rest, &mut end, &mut wide).ok()?;
    let (text, behind) = rest.split_at_checked(end)?;
    if wide {
        std::str::from_utf8(text).ok()?;
    }
    Some(behind)
}

/// A number that begins with `first`.
#[inline(always)]
fn number<'a>(first: u8, rest: &'a [u8], limits: &ScanLimits) -> Option<&'a [u8]> {
    let mut left = rest;
    let mut lead = first;
    if first == b'-' {
        let (digit, behind) = left.split_first()?;
        lead = *digit;
        left = behind;
    }
    match lead {
        // A digit behind it is none that may stand behind a value.
        b'0' => {}
        b'1'..=b'9' => left = digits(left),
        _ => return None,
    }
    if let [b'.', behind @ ..] = left {
        left = some_digits(behind)?;
    }
    if let [b'e' | b'E', behind @ ..] = left {
        left = match behind {
            [b'+' | b'-', behind @ ..] => some_digits(behind)?,
            _ => some_digits(behind)?,
        };
    }
    (rest.len() - left.len() < limits.digits as usize).then_some(left)
}

#[inline(always)]
fn digits(mut rest: &[u8]) -> &[u8] {
    while let [b'0'..=b'9', behind @ ..] = rest {
        rest = behind;
    }
    rest
}

#[inline(always)]
fn some_digits(rest: &[u8]) -> Option<&[u8]> {
    match rest {
        [b'0'..=b'9', behind @ ..] => Some(digits(behind)),
        _ => None,
    }
}
