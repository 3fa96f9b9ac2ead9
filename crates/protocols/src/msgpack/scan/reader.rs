//! [`Reader`]: takes single values from a message that was scanned.

use super::header::{Header, leaf_size};

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nil,
    Bool,
    Integer,
    Float,
    /// A `str`, in older words raw bytes.
    Text,
    Binary,
    Array,
    Map,
    Extension,
}

/// Takes single values from the front of a message.
///
/// A method that does not find what it is named after answers `None` and takes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Takes the header of an array: how many elements follow.
    #[inline]
    pub(crate) fn array(&mut self) -> Option<u32> {
        self.container(0x90, 0xdc, 0xdd)
    }

    /// Takes the header of a map: how many pairs of key and value follow.
    #[inline]
    pub(crate) fn map(&mut self) -> Option<u32> {
        self.container(0x80, 0xde, 0xdf)
    }

    #[inline(always)]
    fn container(&mut self, small: u8, medium: u8, large: u8) -> Option<u32> {
        let first = *self.rest.first()?;
        if first & 0xf0 != small && first != medium && first != large {
            return None;
        }
        match Header::read(first, self.rest)? {
            Header::Container { size, count, .. } => {
                self.rest = self.rest.get(size..)?;
                Some(count)
            }
            _ => None,
        }
    }

    /// Takes an integer that is not negative, however it was written.
    #[inline]
    pub(crate) fn uint(&mut self) -> Option<u64> {
        let mut behind = *self;
        let value = u64::try_from(behind.integer()?).ok()?;
        *self = behind;
        Some(value)
    }

    /// Takes an integer that fits, however it was written.
    #[inline]
    pub(crate) fn int(&mut self) -> Option<i64> {
        let mut behind = *self;
        let value = i64::try_from(behind.integer()?).ok()?;
        *self = behind;
        Some(value)
    }

    fn integer(&mut self) -> Option<i128> {
        let (first, rest) = self.rest.split_first()?;
        let (value, behind) = match first {
            0x00..=0x7f => (i128::from(*first), rest),
            0xe0..=0xff => (i128::from(first.cast_signed()), rest),
            0xcc => fixed(rest, u8::from_be_bytes)?,
            0xcd => fixed(rest, u16::from_be_bytes)?,
            0xce => fixed(rest, u32::from_be_bytes)?,
            0xcf => fixed(rest, u64::from_be_bytes)?,
            0xd0 => fixed(rest, i8::from_be_bytes)?,
            0xd1 => fixed(rest, i16::from_be_bytes)?,
            0xd2 => fixed(rest, i32::from_be_bytes)?,
            0xd3 => fixed(rest, i64::from_be_bytes)?,
            _ => return None,
        };
        self.rest = behind;
        Some(value)
    }

    /// Takes a `str` or `bin`: its bytes, which need not be UTF-8.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let first = *self.rest.first()?;
        let (size, length) = match first {
            0xa0..=0xbf => (1, usize::from(first & 0x1f)),
            0xc4..=0xc6 | 0xd9..=0xdb => match Header::read(first, self.rest)? {
                Header::Bytes { size, length } => (size, length as usize),
                _ => return None,
            },
            _ => return None,
        };
        let (bytes, behind) = self.rest.get(size..)?.split_at_checked(length)?;
        self.rest = behind;
        Some(bytes)
    }

    /// Takes a boolean.
    #[inline]
    pub(crate) fn bool(&mut self) -> Option<bool> {
        let (first @ (0xc2 | 0xc3), behind) = self.rest.split_first()? else { return None };
        self.rest = behind;
        Some(*first == 0xc3)
    }

    /// Takes a nil.
    #[inline]
    pub(crate) fn nil(&mut self) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[0xc0])?;
        Some(())
    }

    /// Takes one value of any kind, with all that is in it, as it was written.
    #[inline]
    pub(crate) fn value(&mut self) -> Option<&'a [u8]> {
        let mut rest = self.rest;
        // No counter for each level: only where the last of all values ends matters here.
        let mut left = 1_u64;
        while left > 0 {
            let first = *rest.first()?;
            let (size, values) = match leaf_size(first) {
                0 => match Header::read(first, rest)? {
                    Header::Bytes { size, length } => (size.checked_add(length as usize)?, 0),
                    Header::Container { size, count, each } => {
                        (size, u64::from(count) * u64::from(each))
                    }
                    Header::Reserved => return None,
                },
                size => (size, 0),
            };
            rest = rest.get(size..)?;
            left = (left - 1).checked_add(values)?;
        }
        let (value, behind) = self.rest.split_at_checked(self.rest.len() - rest.len())?;
        self.rest = behind;
        Some(value)
    }

    /// What comes next; `None` at the end.
    #[inline]
    pub(crate) fn kind(&self) -> Option<Kind> {
        Some(match self.rest.first()? {
            0x00..=0x7f | 0xe0..=0xff | 0xcc..=0xd3 => Kind::Integer,
            0x80..=0x8f | 0xde | 0xdf => Kind::Map,
            0x90..=0x9f | 0xdc | 0xdd => Kind::Array,
            0xa0..=0xbf | 0xd9..=0xdb => Kind::Text,
            0xc0 => Kind::Nil,
            0xc1 => return None,
            0xc2 | 0xc3 => Kind::Bool,
            0xc4..=0xc6 => Kind::Binary,
            0xc7..=0xc9 | 0xd4..=0xd8 => Kind::Extension,
            0xca | 0xcb => Kind::Float,
        })
    }

    /// What was not taken yet.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// Takes `N` bytes as a number.
fn fixed<const N: usize, T: Into<i128>>(
    rest: &[u8],
    read: fn([u8; N]) -> T,
) -> Option<(i128, &[u8])> {
    let (bytes, behind) = rest.split_first_chunk()?;
    Some((read(*bytes).into(), behind))
}
