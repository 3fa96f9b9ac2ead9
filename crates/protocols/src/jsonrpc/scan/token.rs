//! The tokens of JSON: strings, numbers, literals. Each function walks from `at` as far as the
//! bytes reach and leaves `at` where a later call goes on.

use super::walk::Stop;

/// White space in the sense of RFC 8259, section 2.
#[inline]
pub(super) fn is_space(byte: u8) -> bool {
    byte <= b' ' && matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The next byte that is not white space; `at` is left at it.
#[inline(always)]
pub(super) fn peek(buffer: &[u8], at: &mut usize) -> Result<u8, Stop> {
    loop {
        match buffer.get(*at) {
            Some(byte) if is_space(*byte) => *at += 1,
            Some(byte) => return Ok(*byte),
            None => return Err(Stop::More),
        }
    }
}

/// One byte in each of eight.
const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
/// The high bit of each of eight bytes.
const HIGHS: u64 = ONES << 7;

/// The high bit of the first byte of `word` that cannot stand in a string as it is: a quote, a
/// backslash, a control character. Bits above it mean nothing, because borrows run upwards.
#[inline(always)]
fn specials(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let found = (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash)
        | (word.wrapping_sub(ONES * 0x20) & !word);
    found & HIGHS
}

/// Walks a string to behind its closing quote. `wide` becomes true when a byte outside of ASCII may
/// stand in it.
#[inline(always)]
pub(super) fn string(buffer: &[u8], at: &mut usize, wide: &mut u64) -> Result<(), Stop> {
    loop {
        while let Some(chunk) = buffer.get(*at..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_le_bytes(*chunk);
            *wide |= word & HIGHS;
            match specials(word) {
                0 => *at += 8,
                found => {
                    *at += found.trailing_zeros() as usize / 8;
                    break;
                }
            }
        }
        match buffer.get(*at) {
            Some(b'"') => {
                *at += 1;
                return Ok(());
            }
            Some(b'\\') => *at += escape(buffer, *at)?,
            Some(byte) if *byte < b' ' => {
                return Err(Stop::Syntax { at: *at, what: "a control character in a string" });
            }
            Some(byte) => {
                *wide |= u64::from(*byte & 0x80);
                *at += 1;
            }
            None => return Err(Stop::More),
        }
    }
}

/// The length of the escape at `at`, which begins with a backslash; a pair of surrogates is one.
#[cold]
fn escape(buffer: &[u8], at: usize) -> Result<usize, Stop> {
    let rest = buffer.get(at..).unwrap_or_default();
    match rest.get(1) {
        None => Err(Stop::More),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => match unit(buffer, at + 2)? {
            0xd800..=0xdbff => {
                for (offset, wanted) in [(6, b'\\'), (7, b'u')] {
                    match rest.get(offset) {
                        None => return Err(Stop::More),
                        Some(byte) if *byte == wanted => {}
                        Some(_) => return Err(Stop::Syntax { at, what: LONE }),
                    }
                }
                match unit(buffer, at + 8)? {
                    0xdc00..=0xdfff => Ok(12),
                    _ => Err(Stop::Syntax { at, what: LONE }),
                }
            }
            0xdc00..=0xdfff => Err(Stop::Syntax { at, what: LONE }),
            _ => Ok(6),
        },
        Some(_) => Err(Stop::Syntax { at, what: "an unknown escape in a string" }),
    }
}

const LONE: &str = "half of a surrogate pair in a string";

/// The four hexadecimal digits at `at`.
fn unit(buffer: &[u8], at: usize) -> Result<u32, Stop> {
    let digits = buffer.get(at..).unwrap_or_default();
    let mut unit = 0;
    for offset in 0..4 {
        let Some(byte) = digits.get(offset) else { return Err(Stop::More) };
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Err(Stop::Syntax { at: at + offset, what: "a \\u without four digits" });
        };
        unit = unit << 4 | digit;
    }
    Ok(unit)
}

/// How much of a number was seen: after its sign, in its integer part, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Sign,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

impl Phase {
    /// True where the number may end.
    pub(super) fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::ExponentDigits)
    }
}

/// Walks a number to the first byte that cannot continue it.
#[inline(always)]
pub(super) fn number(buffer: &[u8], at: &mut usize, phase: &mut Phase) -> Result<(), Stop> {
    loop {
        let Some(byte) = buffer.get(*at) else { return Err(Stop::More) };
        *phase = match (*phase, *byte) {
            (Phase::Sign, b'0') => Phase::Zero,
            (Phase::Sign | Phase::Integer, b'0'..=b'9') => Phase::Integer,
            (Phase::Point | Phase::Fraction, b'0'..=b'9') => Phase::Fraction,
            (Phase::Zero | Phase::Integer, b'.') => Phase::Point,
            (Phase::Zero | Phase::Integer | Phase::Fraction, b'e' | b'E') => Phase::Exponent,
            (Phase::Exponent, b'+' | b'-') => Phase::ExponentSign,
            (Phase::Exponent | Phase::ExponentSign | Phase::ExponentDigits, b'0'..=b'9') => {
                Phase::ExponentDigits
            }
            (Phase::Zero, b'0'..=b'9') => {
                return Err(Stop::Syntax { at: *at, what: "a number with a leading zero" });
            }
            (phase, _) if phase.may_end() => return Ok(()),
            _ => return Err(Stop::Syntax { at: *at, what: "a number without digits" }),
        };
        *at += 1;
    }
}

/// The length of the literal at `at`, which begins with `first`.
#[inline(always)]
pub(super) fn literal(buffer: &[u8], at: usize, first: u8) -> Result<usize, Stop> {
    let wanted: &[u8] = match first {
        b't' => b"true",
        b'f' => b"false",
        b'n' => b"null",
        _ => return Err(Stop::Syntax { at, what: "no value begins like this" }),
    };
    let rest = buffer.get(at..).unwrap_or_default();
    if rest.starts_with(wanted) {
        return Ok(wanted.len());
    }
    broken_literal(rest, at, wanted)
}

#[cold]
fn broken_literal(rest: &[u8], at: usize, wanted: &[u8]) -> Result<usize, Stop> {
    match rest.iter().zip(wanted).position(|(is, should)| is != should) {
        Some(offset) => Err(Stop::Syntax { at: at + offset, what: "no value is written like this" }),
        None => Err(Stop::More),
    }
}
