//! The tokens of JSON: white space, strings, numbers, literals.
//!
//! Each function walks from `at` as far as the bytes reach and leaves `at` where a later call can
//! go on.

use super::walk::Stop;

/// White space in the sense of RFC 8259, section 2.
#[inline(always)]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
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

/// How many bytes of `rest` stand in a string for themselves: plain ASCII, but no quote, no
/// backslash and no control character. Only whole words are looked at.
#[inline(always)]
pub(super) fn plain_words(rest: &[u8]) -> usize {
    let mut plain = plain_blocks(rest);
    for chunk in rest.get(plain..).unwrap_or_default().as_chunks::<8>().0 {
        match specials(u64::from_le_bytes(*chunk)) {
            0 => plain += 8,
            found => return plain + found.trailing_zeros() as usize / 8,
        }
    }
    plain
}

/// The same of eight words at once, for long strings.
#[inline(always)]
fn plain_blocks(rest: &[u8]) -> usize {
    let specials_of = |block: &[u8; 64]| {
        let words = block.as_chunks::<8>().0.iter();
        words.fold(0, |all, word| all | specials(u64::from_le_bytes(*word)))
    };
    64 * rest.as_chunks::<64>().0.iter().take_while(|block| specials_of(block) == 0).count()
}

/// One in each of eight bytes.
const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
/// The high bit of each of eight bytes.
const HIGHS: u64 = ONES << 7;

/// The high bit of the first byte of `word` that does not stand for itself. Bits above it mean
/// nothing, because borrows run upwards.
#[inline(always)]
fn specials(word: u64) -> u64 {
    // Exchanging 0x20 and 0x22 brings the quote next to the control characters.
    let control_or_quote = (word ^ (ONES * 0x02)).wrapping_sub(ONES * 0x21);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (control_or_quote | backslash | word) & HIGHS
}

/// Walks a string to behind its closing quote. `wide` becomes true when a byte outside of ASCII
/// stands in it: somebody must check that they are UTF-8.
#[inline(always)]
pub(super) fn string(buffer: &[u8], at: &mut usize, wide: &mut bool) -> Result<(), Stop> {
    loop {
        *at += plain_words(buffer.get(*at..).unwrap_or_default());
        match buffer.get(*at) {
            Some(b'"') => {
                *at += 1;
                return Ok(());
            }
            Some(b'\\') => *at += escape(buffer, *at)?,
            Some(0..0x20) => {
                return Err(Stop::Syntax { at: *at, what: "a control character in a string" });
            }
            Some(0x20..0x80) => *at += 1,
            Some(0x80..) => {
                *wide = true;
                // Such bytes come in rows, and a row of them would take the long way each.
                while let Some(0x80..) = buffer.get(*at) {
                    *at += 1;
                }
            }
            None => return Err(Stop::More),
        }
    }
}

/// The length of the escape at `at`, which begins with a backslash. A pair of surrogates is one.
fn escape(buffer: &[u8], at: usize) -> Result<usize, Stop> {
    let lone = Stop::Syntax { at, what: "half of a surrogate pair in a string" };
    match buffer.get(at + 1) {
        None => Err(Stop::More),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => match unit(buffer, at + 2)? {
            0xd800..0xdc00 => {
                for (offset, wanted) in [(6, b'\\'), (7, b'u')] {
                    match buffer.get(at + offset) {
                        None => return Err(Stop::More),
                        Some(byte) if *byte == wanted => {}
                        Some(_) => return Err(lone),
                    }
                }
                match unit(buffer, at + 8)? {
                    0xdc00..0xe000 => Ok(12),
                    _ => Err(lone),
                }
            }
            0xdc00..0xe000 => Err(lone),
            _ => Ok(6),
        },
        Some(_) => Err(Stop::Syntax { at, what: "an unknown escape in a string" }),
    }
}

/// What the four hexadecimal digits at `at` stand for. A wrong one is told at once: a peer that
/// waits for our answer sends no more bytes.
fn unit(buffer: &[u8], at: usize) -> Result<u32, Stop> {
    let mut unit = 0;
    for at in at..at + 4 {
        let Some(byte) = buffer.get(at) else { return Err(Stop::More) };
        let Some(digit) = char::from(*byte).to_digit(16) else {
            return Err(Stop::Syntax { at, what: "a \\u without four digits" });
        };
        unit = unit << 4 | digit;
    }
    Ok(unit)
}

/// How much of a number was walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Start,
    Sign,
    Zero,
    Integer,
    Point,
    Fraction,
    E,
    ExponentSign,
    Exponent,
}

impl Phase {
    /// True where the number may end.
    pub(super) fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Integer | Self::Fraction | Self::Exponent)
    }
}

/// Walks a number to the first byte that cannot continue it.
#[inline(always)]
pub(super) fn number(buffer: &[u8], at: &mut usize, phase: &mut Phase) -> Result<(), Stop> {
    loop {
        let Some(byte) = buffer.get(*at) else { return Err(Stop::More) };
        *phase = match (*phase, *byte) {
            (Phase::Start, b'-') => Phase::Sign,
            (Phase::Start | Phase::Sign, b'0') => Phase::Zero,
            (Phase::Start | Phase::Sign | Phase::Integer, b'0'..=b'9') => Phase::Integer,
            (Phase::Zero, b'0'..=b'9') => {
                return Err(Stop::Syntax { at: *at, what: "a number with a leading zero" });
            }
            (Phase::Zero | Phase::Integer, b'.') => Phase::Point,
            (Phase::Point | Phase::Fraction, b'0'..=b'9') => Phase::Fraction,
            (Phase::Zero | Phase::Integer | Phase::Fraction, b'e' | b'E') => Phase::E,
            (Phase::E, b'+' | b'-') => Phase::ExponentSign,
            (Phase::E | Phase::ExponentSign | Phase::Exponent, b'0'..=b'9') => Phase::Exponent,
            (phase, _) if phase.may_end() => return Ok(()),
            _ => return Err(Stop::Syntax { at: *at, what: "a digit was expected" }),
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
        _ => return Err(Stop::Syntax { at, what: "a value was expected" }),
    };
    let found = buffer.get(at..).unwrap_or_default();
    match found.iter().zip(wanted).position(|(found, wanted)| found != wanted) {
        Some(offset) => Err(Stop::Syntax { at: at + offset, what: "a value was expected" }),
        None if found.len() < wanted.len() => Err(Stop::More),
        None => Ok(wanted.len()),
    }
}
