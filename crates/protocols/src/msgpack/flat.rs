//! The end of a small message that is in the buffer as a whole, which is nearly every one.
//!
//! Such a message has no long texts and few containers, so a sum tells where it ends: no counters
//! for levels, nothing to remember. Whatever is not so simple is left to the
//! [`Scanner`](super::scan::Scanner); it accepts all that is accepted here, which the tests hold it
//! to.

use super::scan::ScanLimits;

/// The length of the value at the start of `buffer`; `None` says that a scanner must decide.
#[inline]
pub(super) fn end(buffer: &[u8], limits: &ScanLimits) -> Option<usize> {
    let mut sum = LEFT;
    while sum >= LEFT {
        let first = *buffer.get(field(sum, AT))?;
        sum = sum.wrapping_add(SUMMANDS.get(usize::from(first)).copied().unwrap_or(NOT_SIMPLE));
        if sum & NOT_SIMPLE != 0 {
            return None;
        }
    }
    // Were each container in the one before it, their number would be the depth; keys count as
    // values here only.
    let simple =
        field(sum, OPEN) <= limits.depth as usize && field(sum, VALUES) < limits.values as usize;
    (simple && field(sum, AT) <= buffer.len()).then_some(field(sum, AT))
}

/// The parts of a sum, 16 bits each: where the next value begins,
const AT: u64 = 1;
/// how many values were announced,
const VALUES: u64 = 1 << 16;
/// how many containers were opened,
const OPEN: u64 = 1 << 32;
/// and how many values must still come.
const LEFT: u64 = 1 << 48;
/// Set in a sum of more than 256 values, so that no part ever overflows, and by a first byte that
/// does not say alone how long its value is.
const NOT_SIMPLE: u64 = VALUES << 8;

#[inline(always)]
fn field(sum: u64, part: u64) -> usize {
    (sum / part) as usize & 0xffff
}

/// What each first byte adds to the sum.
const SUMMANDS: [u64; 256] = {
    let mut summands = [NOT_SIMPLE; 256];
    let mut first = 0;
    while first < 256 {
        let low = first as u64;
        summands[first] = match first {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => leaf(1),
            0x80..=0x8f => container((low & 0x0f) * 2),
            0x90..=0x9f => container(low & 0x0f),
            0xa0..=0xbf => leaf(1 + (low & 0x1f)),
            0xcc | 0xd0 => leaf(2),
            0xcd | 0xd1 => leaf(3),
            0xca | 0xce | 0xd2 => leaf(5),
            0xcb | 0xcf | 0xd3 => leaf(9),
            _ => NOT_SIMPLE,
        };
        first += 1;
    }
    summands
};

const fn leaf(size: u64) -> u64 {
    (size * AT).wrapping_sub(LEFT)
}

const fn container(values: u64) -> u64 {
    (AT + OPEN + values * (VALUES + LEFT)).wrapping_sub(LEFT)
}
