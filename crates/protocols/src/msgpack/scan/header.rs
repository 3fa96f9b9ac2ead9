//! [`Header`]: the first bytes of a value that is not of a fixed size.

/// The whole size of a value that begins with `first`, where that byte says it alone; else 0.
#[inline(always)]
pub(super) fn leaf_size(first: u8) -> usize {
    LEAVES.get(usize::from(first)).copied().map_or(0, usize::from)
}

const LEAVES: [u8; 256] = {
    let mut sizes = [0; 256];
    let mut first = 0;
    while first < 256 {
        sizes[first] = match first {
            // Small integers, nil, false and true.
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 1,
            // Short strings.
            0xa0..=0xbf => 1 + (first as u8 & 0x1f),
            // Integers of one byte; of two; of four, and float 32; of eight, and float 64.
            0xcc | 0xd0 => 2,
            0xcd | 0xd1 => 3,
            0xca | 0xce | 0xd2 => 5,
            0xcb | 0xcf | 0xd3 => 9,
            // Extensions of 1, 2, 4, 8 and 16 bytes, and a byte for their type.
            0xd4 => 3,
            0xd5 => 4,
            0xd6 => 6,
            0xd7 => 10,
            0xd8 => 18,
            _ => 0,
        };
        first += 1;
    }
    sizes
};

/// What the header of a value announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// `length` bytes behind a header of `size` bytes, which counts the type of an extension.
    Bytes { size: usize, length: u32 },
    /// `count` elements or entries of `each` values, which is one or two, behind a header of `size`
    /// bytes.
    Container { size: usize, count: u32, each: u32 },
    /// No value begins like this.
    Reserved,
}

impl Header {
    /// Reads the header at the start of `rest`, whose first byte is `first` and has no
    /// [`leaf_size`]; `None` when it is not whole.
    #[inline(always)]
    pub(super) fn read(first: u8, rest: &[u8]) -> Option<Self> {
        Some(match first {
            0x80..=0x8f => Self::Container { size: 1, count: u32::from(first & 0x0f), each: 2 },
            0x90..=0x9f => Self::Container { size: 1, count: u32::from(first & 0x0f), each: 1 },
            0xdc => Self::Container { size: 3, count: two(rest)?, each: 1 },
            0xdd => Self::Container { size: 5, count: four(rest)?, each: 1 },
            0xde => Self::Container { size: 3, count: two(rest)?, each: 2 },
            0xdf => Self::Container { size: 5, count: four(rest)?, each: 2 },
            0xc4 | 0xd9 => Self::Bytes { size: 2, length: u32::from(*rest.get(1)?) },
            0xc5 | 0xda => Self::Bytes { size: 3, length: two(rest)? },
            0xc6 | 0xdb => Self::Bytes { size: 5, length: four(rest)? },
            0xc7 => Self::Bytes { size: 3, length: u32::from(*rest.get(1)?) },
            0xc8 => Self::Bytes { size: 4, length: two(rest)? },
            0xc9 => Self::Bytes { size: 6, length: four(rest)? },
            _ => Self::Reserved,
        })
    }
}

fn two(rest: &[u8]) -> Option<u32> {
    Some(u16::from_be_bytes(*rest.get(1..)?.first_chunk()?).into())
}

fn four(rest: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*rest.get(1..)?.first_chunk()?))
}
