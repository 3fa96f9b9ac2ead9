//! MessagePack, through rmp-serde.

use std::{fmt, io, ops::RangeInclusive};

use rmp_serde::decode::{Error, ReadRefReader};
use rmp_serde::encode;
use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer as _, SeqAccess, Visitor};
use serde_path_to_error::{Path, Track};

use super::error::path_text;
use super::msgpack_depth::{MAX_DEPTH, depth_exceeds, is_too_deep};
use super::{FormatError, FormatErrorKind, Pieces, Shape, TRACKED_DEPTH};

#[inline]
pub(super) fn encode<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let start = out.len();
    let mut serializer =
        rmp_serde::Serializer::new(&mut *out).with_human_readable().with_struct_map();
    value.serialize(&mut serializer).map_err(|error| {
        out.truncate(start);
        refused(&error)
    })
}

/// See [`Format::encode_in_pieces`](super::Format::encode_in_pieces).
#[inline]
pub(super) fn encode_in_pieces<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
    pieces: &mut Pieces,
) -> Result<(), FormatError> {
    let start = out.len();
    let pieced = Pieced { out: &mut *out, pieces: &mut *pieces };
    let mut serializer = rmp_serde::Serializer::new(pieced).with_human_readable().with_struct_map();
    value.serialize(&mut serializer).map_err(|error| {
        out.truncate(start);
        pieces.clear();
        refused(&error)
    })
}

struct Pieced<'a> {
    out: &'a mut Vec<u8>,
    pieces: &'a mut Pieces,
}

impl io::Write for Pieced<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pieces.write(bytes, self.out);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pieces.write(bytes, self.out);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cold]
fn refused(error: &encode::Error) -> FormatError {
    FormatError::new(FormatErrorKind::Encode, &error.to_string(), None)
}

#[inline]
pub(super) fn decode<'de, S: DeserializeSeed<'de>>(
    bytes: &'de [u8],
    make: impl Fn() -> S,
) -> Result<S::Value, FormatError> {
    if is_too_deep(bytes) {
        return Err(describe(&Error::DepthLimitExceeded, None));
    }
    let mut deserializer = deserializer(bytes);
    match make().deserialize(&mut deserializer) {
        Ok(value) if is_at_end(&mut deserializer) => Ok(value),
        Ok(_) => Err(trailing()),
        Err(error) => Err(explain(&error, bytes, make())),
    }
}

type Deserializer<'de> = rmp_serde::Deserializer<
    ReadRefReader<'de, [u8]>,
    rmp_serde::config::HumanReadableConfig<rmp_serde::config::DefaultConfig>,
>;

#[inline]
fn deserializer(bytes: &[u8]) -> Deserializer<'_> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes).with_human_readable();
    // It refuses the level at which its counter reaches zero.
    deserializer.set_max_depth(MAX_DEPTH + 1);
    deserializer
}

/// rmp-serde does not tell how much it has read, so it is asked for one value more: only at the
/// end of the bytes does that fail for want of a first byte.
#[inline]
fn is_at_end(deserializer: &mut Deserializer<'_>) -> bool {
    match deserializer.deserialize_option(Anything) {
        // Taken apart, as dropping what may be any error costs more than the rest of this.
        Err(Error::InvalidMarkerRead(error)) => {
            drop(error);
            true
        }
        _ => false,
    }
}

/// Takes note that there is a value, and looks at its first byte alone.
struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    #[inline]
    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    #[inline]
    fn visit_some<D>(self, _: D) -> Result<(), D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        Ok(())
    }
}

/// See [`Format::decode_sequence`](super::Format::decode_sequence).
///
/// The header is read here: rmp-serde would find it out of all that a value may be.
#[inline]
pub(super) fn decode_sequence<'de, V: Visitor<'de>>(
    bytes: &'de [u8],
    lens: RangeInclusive<usize>,
    visitor: V,
) -> Option<V::Value> {
    let [first @ 0x90..=0x9f, elements @ ..] = bytes else { return None };
    let left = usize::from(first & 0x0f);
    if !lens.contains(&left) || is_too_deep(bytes) {
        return None;
    }
    let mut deserializer = deserializer(elements);
    // The sequence is a level of its own.
    deserializer.set_max_depth(MAX_DEPTH);
    let mut elements = Elements { deserializer: &mut deserializer, left };
    let value = visitor.visit_seq(&mut elements).ok()?;
    (elements.left == 0 && is_at_end(&mut deserializer)).then_some(value)
}

/// The elements of a sequence whose header was read.
struct Elements<'a, 'de> {
    deserializer: &'a mut Deserializer<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.deserializer).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

#[cold]
fn trailing() -> FormatError {
    FormatError::new(FormatErrorKind::Trailing, "unexpected bytes after the value", None)
}

/// Decodes again to learn the path, and puts the error into words.
#[cold]
#[inline(never)]
fn explain<'de, S: DeserializeSeed<'de>>(error: &Error, bytes: &'de [u8], seed: S) -> FormatError {
    if matches!(error, Error::DepthLimitExceeded) || depth_exceeds(bytes, TRACKED_DEPTH) {
        return describe(error, None);
    }
    let mut track = Track::new();
    let mut deserializer = deserializer(bytes);
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    let again = seed.deserialize(tracked);
    describe(error, again.is_err().then(|| track.path()))
}

/// rmp-serde's own texts speak of markers and of IO.
fn describe(error: &Error, path: Option<Path>) -> FormatError {
    use FormatErrorKind::{Data, Depth, Syntax};
    let text;
    let (kind, message) = match error {
        Error::InvalidMarkerRead(_) | Error::InvalidDataRead(_) => {
            (Syntax, "unexpected end of the data")
        }
        Error::TypeMismatch(marker) => match type_name(marker.to_u8()) {
            None => (Syntax, "the byte 0xc1 means nothing"),
            // It looks at the value first where anything but these is expected.
            Some(found) => {
                text = format!("invalid type: {found}, expected a number or a boolean");
                (Data, text.as_str())
            }
        },
        Error::OutOfRange => (Data, "number out of range"),
        Error::LengthMismatch(_) => (Data, "wrong number of elements"),
        Error::Utf8Error(error) => {
            text = format!("text that is not UTF-8 (at its byte {})", error.valid_up_to());
            (Data, text.as_str())
        }
        Error::DepthLimitExceeded => (Depth, "nested too deeply"),
        Error::Uncategorized(message) | Error::Syntax(message) => (Data, message.as_str()),
    };
    let path = path.map(path_text);
    FormatError::new(kind, message, path.as_deref())
}

/// What serde calls the type of a value that begins with this byte.
fn type_name(first: u8) -> Option<&'static str> {
    Some(match first {
        0x00..=0x7f | 0xcc..=0xd3 | 0xe0.. => "integer",
        0x80..=0x8f | 0xde | 0xdf => "map",
        0x90..=0x9f | 0xdc | 0xdd => "sequence",
        0xa0..=0xbf | 0xd9..=0xdb => "string",
        0xc0 => "nil",
        0xc1 => return None,
        0xc2 | 0xc3 => "boolean",
        0xc4..=0xc6 => "byte array",
        0xc7..=0xc9 | 0xd4..=0xd8 => "ext",
        0xca | 0xcb => "floating point number",
    })
}

pub(super) fn shape(bytes: &[u8]) -> Shape {
    match *bytes {
        [0xc0, ..] => Shape::Null,
        [first @ 0x80..=0x8f, ..] => Shape::Map { len: Some(u32::from(first & 0x0f)) },
        [first @ 0x90..=0x9f, ..] => Shape::Sequence { len: Some(u32::from(first & 0x0f)) },
        [0xdc, a, b, ..] => Shape::Sequence { len: Some(u32::from_be_bytes([0, 0, a, b])) },
        [0xdd, a, b, c, d, ..] => Shape::Sequence { len: Some(u32::from_be_bytes([a, b, c, d])) },
        [0xde, a, b, ..] => Shape::Map { len: Some(u32::from_be_bytes([0, 0, a, b])) },
        [0xdf, a, b, c, d, ..] => Shape::Map { len: Some(u32::from_be_bytes([a, b, c, d])) },
        _ => Shape::Scalar,
    }
}
