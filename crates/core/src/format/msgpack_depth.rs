//! A guard for the stack: how deeply a MessagePack value is nested.
//!
//! rmp-serde counts sequences and maps on its way down, but not the map of one entry that holds a
//! variant of an enum, so a recursive enum would let a few kilobytes exhaust the stack.

/// The deepest nesting that is decoded.
///
/// Far more than honest data needs, and a thread with a stack of 256 KiB survives it.
pub(super) const MAX_DEPTH: usize = 64;

/// Levels that may go uncounted: few beside those that are counted, and most values hold fewer
/// enums, so that they need not be walked over.
const UNCOUNTED: usize = 16;

/// True where a value may be nested deeper than rmp-serde will notice.
#[inline]
pub(super) fn is_too_deep(bytes: &[u8]) -> bool {
    // Even the shortest levels take a byte each for the header and for the name of the variant.
    bytes.len() > 2 * UNCOUNTED
        && !(bytes.len() >= LONG && is_flat(bytes))
        && enum_headers(bytes) > UNCOUNTED
        && depth_exceeds(bytes, MAX_DEPTH)
}

/// True for a scalar, and for a container of a few: large binary values and texts are walked over
/// by their lengths.
fn is_flat(bytes: &[u8]) -> bool {
    let after = |bytes: &'_ [u8]| {
        let (size, children) = head(bytes)?;
        Some((usize::try_from(size).ok().filter(|&size| size <= bytes.len())?, children))
    };
    let Some((mut at, children @ 0..=FEW)) = after(bytes) else { return false };
    (0..children).all(|_| match after(bytes.get(at..).unwrap_or_default()) {
        Some((size, 0)) => {
            at += size;
            true
        }
        _ => false,
    })
}

/// Elements of a container that are looked at one by one.
const FEW: u64 = 16;
/// From this size on a look at the lengths is worth it.
const LONG: usize = 4 << 10;

/// Counts the bytes that could be the header of a variant, an upper bound of the uncounted levels.
///
/// This is the whole cost for most values: it runs at many bytes a cycle.
fn enum_headers(bytes: &[u8]) -> usize {
    // Blocks short enough for a byte to count them, which is what lets the compiler use vectors.
    let count = |block: &[u8]| {
        block.iter().fold(0_u8, |count, byte| {
            count.wrapping_add(u8::from(*byte == 0x81 || *byte == 0xde || *byte == 0xdf))
        })
    };
    bytes.chunks(255).map(|block| usize::from(count(block))).sum()
}

/// True where a value is nested deeper than `limit`, which is at most [`MAX_DEPTH`].
///
/// What is malformed is left to the decoder.
pub(super) fn depth_exceeds(bytes: &[u8], limit: usize) -> bool {
    let mut rest = bytes;
    // How many values each open container still has to come.
    let mut open = [0_u64; MAX_DEPTH];
    let limit = limit.min(MAX_DEPTH);
    let mut depth = 0;
    loop {
        let Some((size, children)) = head(rest) else {
            return false;
        };
        let Some(after) = usize::try_from(size).ok().and_then(|size| rest.get(size..)) else {
            return false;
        };
        rest = after;
        if children > 0 {
            let Some(level) = open[..limit].get_mut(depth) else {
                return true;
            };
            *level = children;
            depth += 1;
            continue;
        }
        // A value is complete, and with it each container of which it was the last.
        loop {
            let Some(parent) = depth.checked_sub(1) else {
                return false;
            };
            open[parent] -= 1;
            if open[parent] > 0 {
                break;
            }
            depth = parent;
        }
    }
}

/// The size of a scalar, or of the header of a container, and the number of values inside.
fn head(bytes: &[u8]) -> Option<(u64, u64)> {
    let (&first, rest) = bytes.split_first()?;
    let number = |width: usize| {
        let digits = rest.get(..width)?;
        Some(digits.iter().fold(0, |number, digit| number << 8 | u64::from(*digit)))
    };
    let scalar = |width: u64| Some((1 + width, 0));
    // A length of `width` bytes, then `extra` bytes, then as many as the length says.
    let sized =
        |width: u8, extra: u64| Some((1 + u64::from(width) + extra + number(width.into())?, 0));
    let container = |width: u8, values: u64| Some((1 + u64::from(width), values));
    match first {
        0x00..=0x7f | 0xc0..=0xc3 | 0xe0.. => scalar(0),
        0x80..=0x8f => container(0, 2 * u64::from(first & 0x0f)),
        0x90..=0x9f => container(0, u64::from(first & 0x0f)),
        0xa0..=0xbf => scalar(u64::from(first & 0x1f)),
        0xc4 | 0xd9 => sized(1, 0),
        0xc5 | 0xda => sized(2, 0),
        0xc6 | 0xdb => sized(4, 0),
        0xc7 => sized(1, 1),
        0xc8 => sized(2, 1),
        0xc9 => sized(4, 1),
        0xcc | 0xd0 => scalar(1),
        0xcd | 0xd1 => scalar(2),
        0xca | 0xce | 0xd2 => scalar(4),
        0xcb | 0xcf | 0xd3 => scalar(8),
        // The type of the extension comes before its data.
        0xd4..=0xd8 => scalar(1 + (1 << (first - 0xd4))),
        0xdc => container(2, number(2)?),
        0xdd => container(4, number(4)?),
        0xde => container(2, 2 * number(2)?),
        0xdf => container(4, 2 * number(4)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels of a container, each with the next one as its last value, around one scalar.
    fn nested(level: &[u8], levels: usize, scalar: &[u8]) -> Vec<u8> {
        [level.repeat(levels), scalar.to_vec()].concat()
    }

    #[test]
    fn every_container_counts() {
        let levels: [&[u8]; 8] = [
            &[0x91],
            &[0x93, 0x07, 0xa1, b'x'],
            &[0xdc, 0, 1],
            &[0xdd, 0, 0, 0, 2, 0x80],
            &[0x81, 0xa1, b'x'],
            &[0x82, 0xa0, 0x90, 0xc4, 1, 0xff],
            &[0xde, 0, 1, 0xc0],
            &[0xdf, 0, 0, 0, 1, 0xc3],
        ];
        for level in levels {
            let exceeds = |levels| depth_exceeds(&nested(level, levels, &[0xc0]), MAX_DEPTH);
            assert!(!exceeds(MAX_DEPTH), "{level:02x?}");
            assert!(exceeds(MAX_DEPTH + 1), "{level:02x?}");
            assert!(exceeds(100_000), "{level:02x?}");
        }
    }

    #[test]
    fn every_scalar_is_stepped_over() {
        let scalars: [&[u8]; 31] = [
            &[0x7f],
            &[0xe0],
            &[0xa2, 0x91, 0x91],
            &[0xc0],
            &[0xc2],
            &[0xc3],
            &[0xc4, 1, 0x91],
            &[0xc5, 0, 1, 0x91],
            &[0xc6, 0, 0, 0, 1, 0x91],
            &[0xc7, 1, 0x91, 0x91],
            &[0xc8, 0, 1, 0x91, 0x91],
            &[0xc9, 0, 0, 0, 1, 0x91, 0x91],
            &[0xca, 0x91, 0x91, 0x91, 0x91],
            &[0xcb, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91],
            &[0xcc, 0x91],
            &[0xcd, 0x91, 0x91],
            &[0xce, 0x91, 0x91, 0x91, 0x91],
            &[0xcf, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91],
            &[0xd0, 0x91],
            &[0xd1, 0x91, 0x91],
            &[0xd2, 0x91, 0x91, 0x91, 0x91],
            &[0xd3, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91],
            &[0xd4, 0x91, 0x91],
            &[0xd5, 0x91, 0x91, 0x91],
            &[0xd6, 0x91, 0x91, 0x91, 0x91, 0x91],
            &[0xd7, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91],
            &[
                0xd8, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91,
                0x91, 0x91, 0x91, 0x91,
            ],
            &[0xd9, 1, 0x91],
            &[0xda, 0, 1, 0x91],
            &[0xdb, 0, 0, 0, 1, 0x91],
            &[0x90],
        ];
        // A scalar that is measured wrongly puts the walk out of step, and the bytes 0x91 inside
        // the scalars would then be levels.
        for scalar in scalars {
            let wide = [&[0xdc, 0, 200][..], &scalar.repeat(199)].concat();
            assert!(!depth_exceeds(&[&wide[..], &[0xc0]].concat(), 1), "{scalar:02x?}");
            let deep = nested(&[0x91], MAX_DEPTH, &[0xc0]);
            assert!(depth_exceeds(&[&wide[..], &deep].concat(), MAX_DEPTH), "{scalar:02x?}");
        }
    }

    #[test]
    fn malformed_values_are_left_to_the_decoder() {
        for bytes in [&[][..], &[0xc1], &[0x91], &[0xc6, 0xff, 0xff, 0xff, 0xff], &[0xdf, 0xff]] {
            assert!(!depth_exceeds(bytes, MAX_DEPTH), "{bytes:02x?}");
        }
    }

    #[test]
    fn only_a_suspect_is_walked_over() {
        let deep = nested(&[0x81, 0xa0], MAX_DEPTH + 1, &[0xc0]);
        assert!(is_too_deep(&deep));
        assert!(!is_too_deep(&nested(&[0x81, 0xa0], MAX_DEPTH, &[0xc0])));
        assert_eq!(enum_headers(&[0x81; 10_000]), 10_000);
        assert_eq!(enum_headers(&[0xde; 256]), 256);
        assert_eq!(enum_headers(&[0x80; 256]), 0);
    }
}
