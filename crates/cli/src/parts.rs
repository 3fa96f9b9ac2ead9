//! `Parts`: the elements of an encoded value, as the bytes they are, in either format.
//!
//! For what must not be altered on its way, or has to be found in a message as it was sent.

#[cfg(feature = "msgpack")]
mod msgpack;

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// An encoded value, one level opened. Every part is a slice of the whole.
#[derive(Debug, PartialEq)]
pub(crate) enum Parts<'a> {
    /// The elements of an array.
    Sequence(Vec<&'a [u8]>),
    /// Keys, `None` where they are no text, and what belongs to them.
    Map(Vec<(Option<Cow<'a, str>>, &'a [u8])>),
    /// Anything else.
    Scalar,
}

impl<'a> Parts<'a> {
    /// Opens one JSON value; `None` where it is malformed.
    pub(crate) fn of_json(bytes: &'a [u8]) -> Option<Self> {
        let text = json_text(bytes).ok()?;
        match text.trim_start().as_bytes().first()? {
            b'[' => {
                let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                Some(Self::Sequence(elements.iter().map(|part| part.get().as_bytes()).collect()))
            }
            b'{' => Some(Self::Map(serde_json::from_str::<Entries<'_>>(text).ok()?.0)),
            _ => Some(Self::Scalar),
        }
    }
}

/// The text of one well-formed JSON value.
///
/// # Errors
///
/// It is none, in words.
pub(crate) fn json_text(bytes: &[u8]) -> Result<&str, String> {
    let value: &RawValue = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    Ok(value.get())
}

/// The entries of an object in their order, those with the same key included.
struct Entries<'a>(Vec<(Option<Cow<'a, str>>, &'a [u8])>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<&RawValue, &RawValue>()? {
            // One with half a surrogate pair is no text.
            let key = serde_json::from_str::<Key<'_>>(key.get()).ok();
            entries.push((key.map(|key| key.0), value.get().as_bytes()));
        }
        Ok(Entries(entries))
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn map<'a>(entries: &[(&'a str, &'a [u8])]) -> Parts<'a> {
        Parts::Map(entries.iter().map(|(key, value)| (Some((*key).into()), *value)).collect())
    }

    #[test]
    fn json() {
        let cases: [(&str, Parts<'_>); 6] = [
            (" 1.50 ", Parts::Scalar),
            ("[]", Parts::Sequence(vec![])),
            (
                "[ 1e999 , [2,3],\"\\ud800\" ]",
                Parts::Sequence(vec![b"1e999", b"[2,3]", b"\"\\ud800\""]),
            ),
            ("{ }", map(&[])),
            (r#"{"a": {"x" :1} ,"\u0061":2}"#, map(&[("a", br#"{"x" :1}"#), ("a", b"2")])),
            (r#"{"\ud800":1}"#, Parts::Map(vec![(None, b"1")])),
        ];
        for (text, parts) in cases {
            assert_eq!(Parts::of_json(text.as_bytes()), Some(parts), "{text}");
        }
        for text in ["", "[1", "[1,]", "{\"a\"}", "1 2", "\u{feff}1"] {
            assert_eq!(Parts::of_json(text.as_bytes()), None, "{text}");
        }
    }

    #[cfg(feature = "msgpack")]
    #[test]
    fn msgpack() {
        let cases: [(&[u8], Parts<'_>); 7] = [
            (b"\x05", Parts::Scalar),
            (b"\x90", Parts::Sequence(vec![])),
            (b"\x92\xcd\0\x01\x91\x02", Parts::Sequence(vec![b"\xcd\0\x01", b"\x91\x02"])),
            (b"\xdc\0\x01\xc0", Parts::Sequence(vec![b"\xc0"])),
            (b"\xdd\0\0\0\x01\xa1x", Parts::Sequence(vec![b"\xa1x"])),
            (b"\x82\xa1a\xd4\x05\0\xc4\x01b\x80", map(&[("a", b"\xd4\x05\0"), ("b", b"\x80")])),
            (b"\xde\0\x01\x01\x02", Parts::Map(vec![(None, b"\x02")])),
        ];
        for (bytes, parts) in cases {
            assert_eq!(Parts::of_msgpack(bytes), Some(parts), "{bytes:02x?}");
        }
        for bytes in [&b""[..], b"\x91", b"\x91\x01\x02", b"\x81\xa1", b"\xdd\xff\xff\xff\xff"] {
            assert_eq!(Parts::of_msgpack(bytes), None, "{bytes:02x?}");
        }
    }
}
