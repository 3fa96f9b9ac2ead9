//! `Blob`: binary data.
//!
//! For parameters, results and fields that hold bytes; a plain `Vec<u8>` also travels, but as an
//! array of numbers, which takes up to four times the room and much more time.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::format::{lent, pieces, reads_msgpack, writes_msgpack};

/// Binary data: `bin` in MessagePack, base64 text in JSON.
///
/// In JSON the text is in the standard alphabet with padding, and nothing else is read.
/// In MessagePack `str` is read as well and gives its raw bytes, whether they are UTF-8 or not,
/// because peers older than `bin` write binary data so.
/// With other serializers it is base64 text where they are human-readable (which needs the feature
/// `json`), else bytes.
///
/// ```
/// # #[cfg(all(feature = "json", feature = "msgpack"))] {
/// use tinyrpc_core::{Blob, Format};
///
/// let blob = Blob::from(vec![0xde, 0xad]);
/// assert_eq!(Format::Json.decode::<Blob>(br#""3q0=""#)?, blob);
/// assert_eq!(Format::MsgPack.decode::<Blob>(b"\xc4\x02\xde\xad")?, blob);
/// assert_eq!(Format::MsgPack.decode::<Blob>(b"\xa2\xde\xad")?, blob);
/// assert_eq!(blob.len(), 2);
/// # }
/// # Ok::<_, tinyrpc_core::FormatError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blob(pub Bytes);

impl Blob {
    /// The bytes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<Bytes> for Blob {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for Blob {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<Blob> for Bytes {
    fn from(blob: Blob) -> Self {
        blob.0
    }
}

impl From<Blob> for Vec<u8> {
    fn from(blob: Blob) -> Self {
        blob.0.into()
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes", self.len())?;
        if !self.is_empty() {
            f.write_str(": ")?;
        }
        for byte in self.iter().take(SHOWN) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str(if self.len() > SHOWN { "…)" } else { ")" })
    }
}

/// Bytes in the debug form: enough to tell two apart in a failed test, too few to fill a log.
const SHOWN: usize = 16;

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !writes_msgpack(&serializer) && serializer.is_human_readable() {
            text::serialize(&self.0, serializer)
        } else if self.len() < pieces::LEAST {
            serializer.serialize_bytes(self)
        } else {
            pieces::announced(&self.0, || serializer.serialize_bytes(self))
        }
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if reads_msgpack(&deserializer) || !deserializer.is_human_readable() {
            deserializer.deserialize_byte_buf(Raw)
        } else {
            text::deserialize(deserializer)
        }
    }
}

/// Takes bytes as they are.
struct Raw;

impl Visitor<'_> for Raw {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("binary data")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Blob, E> {
        Ok(Blob(lent::keep(bytes)))
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Blob, E> {
        Ok(bytes.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Blob, E> {
        Ok(Blob(lent::keep(text.as_bytes())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Blob, E> {
        Ok(text.into_bytes().into())
    }
}

#[cfg(feature = "json")]
mod text {
    use base64::Engine as _;
    use base64::display::Base64Display;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    pub(super) fn serialize<S: Serializer>(
        bytes: &Bytes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if bytes.len() < LONG {
            return Base64(bytes).serialize(serializer);
        }
        pieces::announced(bytes, || {
            serializer.serialize_newtype_struct(pieces::BASE64, &Base64(bytes))
        })
    }

    struct Base64<'a>(&'a [u8]);

    impl Serialize for Base64<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
        }
    }

    /// From this size on there is a quicker way than the one that serializers know.
    const LONG: usize = 256;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Blob, D::Error> {
        d.deserialize_str(Text)
    }

    struct Text;

    impl Visitor<'_> for Text {
        type Value = Blob;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("binary data as base64 text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Blob, E> {
            if text.len() >= LONG
                && let Ok(bytes) = base64_simd::STANDARD.decode_to_vec(text)
            {
                return Ok(bytes.into());
            }
            // The text itself stays out of the message: it can be long, and secret.
            let bytes = STANDARD.decode(text).map_err(|error| {
                E::custom(format_args!("invalid base64 for binary data: {error}"))
            })?;
            Ok(bytes.into())
        }
    }
}

#[cfg(not(feature = "json"))]
mod text {
    use serde::ser;

    use super::*;

    // An error instead of another form, so that the feature adds and does not alter.
    const MISSING: &str = "binary data as text needs the feature `json`";

    pub(super) fn serialize<S: Serializer>(_: &Bytes, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom(MISSING))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(_: D) -> Result<Blob, D::Error> {
        Err(D::Error::custom(MISSING))
    }
}
