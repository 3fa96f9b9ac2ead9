//! JSON, through serde_json.

use std::io;

use base64_simd::STANDARD;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeSeed, Deserializer as _, IgnoredAny, Visitor};
use serde_json::error::Category;
use serde_path_to_error::{Path, Track};

use super::error::path_text;
use super::json_finite::Finite;
use super::pieces::take_announced;
use super::{FormatError, FormatErrorKind, Shape, TRACKED_DEPTH};

#[inline]
pub(super) fn encode<T: Serialize + ?Sized>(
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let start = out.len();
    let mut serializer = serde_json::Serializer::new(Text(&mut *out));
    value.serialize(Finite(&mut serializer)).map_err(|error| {
        out.truncate(start);
        refused(&error)
    })
}

/// Where the serializer writes: its words, but for [`MARK`], in whose place stands the base64 of
/// what was announced.
struct Text<'a>(&'a mut Vec<u8>);

/// What [`Finite`] writes in place of long base64, which needs no look for what is to be escaped.
/// Known by its address.
pub(super) static MARK: &str = "base64 of the binary value that was announced";

/// Some members of the object that it may stand in.
const ROOM_BEHIND: usize = 256;

impl io::Write for Text<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() == MARK.len()
            && bytes.as_ptr() == MARK.as_ptr()
            && let Some(announced) = take_announced()
        {
            // With room for what stands behind it, or its closing quote would have it copied.
            self.0.reserve(STANDARD.encoded_length(announced.len()) + ROOM_BEHIND);
            STANDARD.encode_append(&announced, self.0);
        } else {
            self.0.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cold]
fn refused(error: &serde_json::Error) -> FormatError {
    FormatError::new(FormatErrorKind::Encode, &without_position(error), None)
}

#[inline]
pub(super) fn decode<'de, S: DeserializeSeed<'de>>(
    bytes: &'de [u8],
    make: impl Fn() -> S,
) -> Result<S::Value, FormatError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    match make().deserialize(&mut deserializer) {
        Ok(value) => match deserializer.end() {
            Ok(()) => Ok(value),
            Err(error) => Err(trailing(&error)),
        },
        Err(error) => Err(explain(&error, bytes, make())),
    }
}

/// See [`Format::decode_sequence`](super::Format::decode_sequence).
#[inline]
pub(super) fn decode_sequence<'de, V: Visitor<'de>>(
    bytes: &'de [u8],
    make: impl Fn() -> V,
) -> Option<V::Value> {
    let [b'[', ..] = bytes else { return None };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = deserializer.deserialize_seq(make()).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

#[cold]
fn trailing(error: &serde_json::Error) -> FormatError {
    let message = format!("unexpected bytes after the value{}", position(error));
    FormatError::new(FormatErrorKind::Trailing, &message, None)
}

/// Decodes again to learn the path, and puts the error into words.
#[cold]
#[inline(never)]
fn explain<'de, S: DeserializeSeed<'de>>(
    error: &serde_json::Error,
    bytes: &'de [u8],
    seed: S,
) -> FormatError {
    if let Some(fault) = bad_syntax(error, bytes) {
        return fault;
    }
    if depth_exceeds(bytes, TRACKED_DEPTH) {
        return bad_data(error, None);
    }
    let mut track = Track::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    let again = seed.deserialize(tracked);
    bad_data(error, again.is_err().then(|| track.path()))
}

/// For bad syntax the line and the column say more than a path could.
fn bad_syntax(error: &serde_json::Error, bytes: &[u8]) -> Option<FormatError> {
    if error.classify() == Category::Data || is_well_formed(bytes) {
        return None;
    }
    Some(FormatError::new(FormatErrorKind::Syntax, &error.to_string(), None))
}

fn bad_data(error: &serde_json::Error, path: Option<Path>) -> FormatError {
    // serde_json reports some of these as bad syntax although the text is good JSON.
    let bare = without_position(error);
    let (kind, message) = match bare.as_str() {
        "recursion limit exceeded" => (FormatErrorKind::Depth, "nested too deeply"),
        "trailing characters" => (FormatErrorKind::Data, "more elements than expected"),
        "expected value" => {
            (FormatErrorKind::Data, "expected the name of a variant, or a map of it")
        }
        other => (FormatErrorKind::Data, other),
    };
    FormatError::new(kind, message, path.map(path_text).as_deref())
}

/// True where well-formed JSON is nested deeper than `limit`.
fn depth_exceeds(bytes: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

fn is_well_formed(bytes: &[u8]) -> bool {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    std::str::from_utf8(bytes).is_ok()
        && IgnoredAny::deserialize(&mut deserializer).is_ok()
        && deserializer.end().is_ok()
}

/// Lines and columns help with bad syntax; for bad data the path is clearer, and payloads are
/// mostly one line.
fn without_position(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    if let Some(bare) = text.strip_suffix(&position(error)) {
        text.truncate(bare.len());
    }
    text
}

fn position(error: &serde_json::Error) -> String {
    match error.line() {
        0 => String::new(),
        line => format!(" at line {line} column {}", error.column()),
    }
}

pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let start = bytes.iter().position(|byte| !is_space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

pub(super) fn shape(bytes: &[u8]) -> Shape {
    match bytes.iter().find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
        Some(b'n') => Shape::Null,
        Some(b'[') => Shape::Sequence { len: None },
        Some(b'{') => Shape::Map { len: None },
        _ => Shape::Scalar,
    }
}
