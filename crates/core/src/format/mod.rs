//! The data model: how Rust values are encoded in payloads.
//!
//! Everything that turns a value into bytes or back goes through [`Format`]; services and their
//! callers never name one.
//!
//! A service means the same in every format.
//! Both are written and read *human-readable* in serde's sense, so that for example an IP address
//! is text in both, and both name the fields of structs:
//!
//! | Rust | JSON | MessagePack |
//! |---|---|---|
//! | struct | object | map with the field names; a sequence of the fields is read as well, in both |
//! | tuple, array, `Vec` | array | array |
//! | newtype struct, `Some(x)`, `Box<x>` | as what is inside | as what is inside |
//! | `()`, `None` | `null` | nil; as everywhere in serde, `Some(())` reads back as `None` |
//! | unit struct | `null` | an empty array; nil is read as well |
//! | enum, by serde's default | `"A"`, `{"B": 1}`, `{"C": [1, 2]}`, `{"D": {"x": 1}}` | the same |
//! | `char`, `String` | text | str; bin is read as well if it is UTF-8 |
//! | `i64`, `u64` and smaller | number, exact | the shortest integer, exact |
//! | `i128`, `u128` | number, exact | written as bin of 16 bytes, big-endian; integers are read as well, and a negative one as `u128` wraps |
//! | `f32`, `f64` | number; NaN and infinities are refused | float 32 or float 64, every bit kept; integers are read as well |
//! | [`Blob`](crate::Blob) | base64 text (standard alphabet, padded) | bin; str is read as well, whatever its bytes |
//! | `Vec<u8>` | array of numbers | array of integers; bin is read as well |
//! | [`Ext`](crate::Ext) | `{"ext": tag, "data": base64}` | ext |
//! | map | object; keys that are numbers, `bool`, `char`, [`Blob`](crate::Blob) or names of variants are written as text and read back; other keys are refused | map, keys of any type |
//! | text that is not UTF-8 | an error | an error for `String`, kept by [`Blob`](crate::Blob) |
//!
//! ```
//! # #[cfg(all(feature = "json", feature = "msgpack"))] {
//! use tinyrpc_core::{Blob, Format};
//!
//! #[derive(serde::Serialize)]
//! struct Picture {
//!     width: u32,
//!     pixels: Blob,
//! }
//!
//! let picture = Picture { width: 2, pixels: Blob::from(vec![0, 255]) };
//! let (mut json, mut msgpack) = (Vec::new(), Vec::new());
//! Format::Json.encode(&picture, &mut json)?;
//! Format::MsgPack.encode(&picture, &mut msgpack)?;
//! assert_eq!(json, br#"{"width":2,"pixels":"AP8="}"#);
//! assert_eq!(msgpack, b"\x82\xa5width\x02\xa6pixels\xc4\x02\x00\xff");
//! # }
//! # Ok::<_, tinyrpc_core::FormatError>(())
//! ```
//!
//! What serde itself cannot do stays undone: inside `#[serde(flatten)]`, `untagged` and internally
//! tagged enums, 128-bit integers are refused, and maps with integer keys are not read back from JSON.
//!
//! One value and nothing else is read: bytes after it are an error (white space excepted in JSON).
//! Nesting ends at 64 levels in MessagePack and at 127 in JSON, so that a hostile value cannot
//! exhaust the stack; the limits of a session are usually lower.

mod error;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "json")]
mod json_finite;
pub(crate) mod lent;
#[cfg(feature = "msgpack")]
mod msgpack;
#[cfg(feature = "msgpack")]
mod msgpack_depth;
pub(crate) mod pieces;
#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;

#[cfg(feature = "msgpack")]
use std::any::type_name;
use std::{marker::PhantomData, ops::RangeInclusive};

use serde::de::{DeserializeSeed, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::error::{FormatError, FormatErrorKind};
pub(crate) use self::pieces::Pieces;

/// How payloads are encoded.
///
/// What each Rust type becomes is in the table of the [module](crate::format).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JSON, [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259), without white space.
    #[cfg(feature = "json")]
    Json,
    /// [MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md).
    #[cfg(feature = "msgpack")]
    MsgPack,
}

#[cfg_attr(
    not(any(feature = "json", feature = "msgpack")),
    expect(
        unused_variables,
        clippy::ptr_arg,
        reason = "without a codec there is no format to ask"
    )
)]
impl Format {
    /// The name of the format, for people.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "json")]
            Self::Json => "JSON",
            #[cfg(feature = "msgpack")]
            Self::MsgPack => "MessagePack",
        }
    }

    /// True when every encoding is text without a raw line feed.
    pub fn is_text(self) -> bool {
        match self {
            #[cfg(feature = "json")]
            Self::Json => true,
            #[cfg(feature = "msgpack")]
            Self::MsgPack => false,
        }
    }

    /// Appends the encoding of `value` to `out`.
    ///
    /// # Errors
    ///
    /// What the value's own `Serialize` reports, and what the format cannot say, such as NaN in
    /// JSON; then `out` is as it was before.
    ///
    /// ```
    /// # #[cfg(all(feature = "json", feature = "msgpack"))] {
    /// use tinyrpc_core::Format;
    ///
    /// let mut out = b"result: ".to_vec();
    /// assert!(Format::Json.encode(&(1.5, f64::NAN), &mut out).is_err());
    /// assert_eq!(out, b"result: ");
    /// assert!(Format::MsgPack.encode(&(1.5, f64::NAN), &mut out).is_ok());
    /// # }
    /// ```
    #[inline]
    pub fn encode<T: Serialize + ?Sized>(
        self,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), FormatError> {
        match self {
            #[cfg(feature = "json")]
            Self::Json => json::encode(value, out),
            #[cfg(feature = "msgpack")]
            Self::MsgPack => msgpack::encode(value, out),
        }
    }

    /// The same, but for large binary values: those become `pieces`, where the format has a form in
    /// which they are as they are.
    #[cfg_attr(
        not(feature = "msgpack"),
        allow(unused_variables, reason = "only MessagePack has such a form")
    )]
    #[inline]
    pub(crate) fn encode_in_pieces<T: Serialize + ?Sized>(
        self,
        value: &T,
        out: &mut Vec<u8>,
        pieces: &mut Pieces,
    ) -> Result<(), FormatError> {
        match self {
            #[cfg(feature = "json")]
            Self::Json => json::encode(value, out),
            #[cfg(feature = "msgpack")]
            Self::MsgPack => msgpack::encode_in_pieces(value, out, pieces),
        }
    }

    /// Decodes exactly one value, which may borrow from `bytes`.
    ///
    /// # Errors
    ///
    /// Bytes that are not well-formed, a value of another type (with the path to it), and bytes
    /// after the value.
    ///
    /// ```
    /// # #[cfg(all(feature = "json", feature = "msgpack"))] {
    /// use tinyrpc_core::Format;
    ///
    /// let error = Format::Json.decode::<Vec<(u8, i64)>>(br#"[[1, 2], [3, "x"]]"#).unwrap_err();
    /// assert_eq!(error.to_string(), r#"[1][1]: invalid type: string "x", expected i64"#);
    ///
    /// let trailing = Format::MsgPack.decode::<i64>(&[0x01, 0x02]).unwrap_err();
    /// assert_eq!(trailing.to_string(), "unexpected bytes after the value");
    /// # }
    /// ```
    #[inline]
    pub fn decode<'de, T: Deserialize<'de>>(self, bytes: &'de [u8]) -> Result<T, FormatError> {
        self.decode_seed(bytes, || PhantomData::<T>)
    }

    /// Decodes exactly one value with the seed that `make` returns.
    ///
    /// A failure is explained by decoding a second time while keeping track of the path, which is
    /// why the seed must be made twice.
    /// Success pays nothing for that.
    ///
    /// # Errors
    ///
    /// As for [`Format::decode`].
    #[inline]
    pub fn decode_seed<'de, S: DeserializeSeed<'de>>(
        self,
        bytes: &'de [u8],
        make: impl Fn() -> S,
    ) -> Result<S::Value, FormatError> {
        match self {
            #[cfg(feature = "json")]
            Self::Json => json::decode(bytes, make),
            #[cfg(feature = "msgpack")]
            Self::MsgPack => msgpack::decode(bytes, make),
        }
    }

    /// Decodes exactly one sequence in the way that costs least, with the visitor that `make` returns;
    /// it must read all elements.
    ///
    /// `None` where that does not work out, for whatever reason: [`Format::decode_seed`] is then to
    /// be asked, and tells why.
    /// Sequences whose length is stated and not among `lens` are not begun at all.
    #[inline]
    #[cfg_attr(
        not(feature = "msgpack"),
        allow(unused_variables, reason = "only MessagePack states lengths")
    )]
    pub fn decode_sequence<'de, V: Visitor<'de>>(
        self,
        bytes: &'de [u8],
        lens: RangeInclusive<usize>,
        make: impl Fn() -> V,
    ) -> Option<V::Value> {
        match self {
            #[cfg(feature = "json")]
            Self::Json => json::decode_sequence(bytes, make),
            #[cfg(feature = "msgpack")]
            Self::MsgPack => msgpack::decode_sequence(bytes, lens, make()),
        }
    }

    /// The encoding of `()` and of `None`.
    pub fn null(self) -> &'static [u8] {
        match self {
            #[cfg(feature = "json")]
            Self::Json => b"null",
            #[cfg(feature = "msgpack")]
            Self::MsgPack => &[0xc0],
        }
    }

    /// True where `bytes` are the encoding of null and nothing else.
    pub fn is_null(self, bytes: &[u8]) -> bool {
        match self {
            #[cfg(feature = "json")]
            Self::Json => json::trim(bytes) == b"null",
            #[cfg(feature = "msgpack")]
            Self::MsgPack => bytes == [0xc0],
        }
    }

    /// What stands between two elements of a sequence.
    pub fn separator(self) -> &'static [u8] {
        match self {
            #[cfg(feature = "json")]
            Self::Json => b",",
            #[cfg(feature = "msgpack")]
            Self::MsgPack => b"",
        }
    }

    /// The encoding of a sequence of `count` elements that are encoded already, one behind the other
    /// with a [`Format::separator`] between them.
    #[cfg_attr(
        not(feature = "msgpack"),
        allow(unused_variables, unused_mut, reason = "only MessagePack states lengths")
    )]
    pub fn sequence(self, count: u32, elements: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(elements.len() + 5);
        match self {
            #[cfg(feature = "json")]
            Self::Json => out.push(b'['),
            #[cfg(feature = "msgpack")]
            Self::MsgPack => match count {
                0..16 => out.push(0x90 | count as u8),
                16..0x1_0000 => {
                    out.push(0xdc);
                    out.extend_from_slice(&(count as u16).to_be_bytes());
                }
                _ => {
                    out.push(0xdd);
                    out.extend_from_slice(&count.to_be_bytes());
                }
            },
        }
        out.extend_from_slice(elements);
        if self.is_text() {
            out.push(b']');
        }
        out
    }

    /// What kind of value `bytes` hold, by a look at its head alone.
    ///
    /// Only well-formed values have a shape: for anything else the answer is arbitrary.
    ///
    /// ```
    /// # #[cfg(all(feature = "json", feature = "msgpack"))] {
    /// use tinyrpc_core::format::{Format, Shape};
    ///
    /// assert_eq!(Format::Json.shape(b" [1, 2]"), Shape::Sequence { len: None });
    /// assert_eq!(Format::MsgPack.shape(&[0x92, 1, 2]), Shape::Sequence { len: Some(2) });
    /// # }
    /// ```
    pub fn shape(self, bytes: &[u8]) -> Shape {
        match self {
            #[cfg(feature = "json")]
            Self::Json => json::shape(bytes),
            #[cfg(feature = "msgpack")]
            Self::MsgPack => msgpack::shape(bytes),
        }
    }
}

/// The kind of an encoded value: see [`Format::shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// Null or nil.
    Null,
    /// An array.
    Sequence {
        /// The number of elements, where the format states it.
        len: Option<u32>,
    },
    /// A map or an object.
    Map {
        /// The number of entries, where the format states it.
        len: Option<u32>,
    },
    /// Anything else: a number, text, binary data, an extension.
    Scalar,
}

/// The deepest nesting in which the path to a fault is looked for.
///
/// Tracking the path takes several times the stack of plain decoding, and nobody reads such paths.
#[cfg(any(feature = "json", feature = "msgpack"))]
const TRACKED_DEPTH: usize = 24;

/// True for serializers of MessagePack, which write some types in a form of their own.
///
/// Serde tells a type whether a format is human-readable, which is true of both of ours, but not
/// its name.
/// The error type tells it, and unlike the type of the serializer it survives the adapters that
/// serde puts around it (`flatten`, `untagged`, path tracking).
/// It need not be `'static`, so names are compared instead of type ids.
pub(crate) fn writes_msgpack<S: Serializer>(_: &S) -> bool {
    #[cfg(feature = "msgpack")]
    return type_name::<S::Error>() == type_name::<rmp_serde::encode::Error>();
    #[cfg(not(feature = "msgpack"))]
    false
}

/// True for deserializers of MessagePack: see [`writes_msgpack`].
pub(crate) fn reads_msgpack<'de, D: Deserializer<'de>>(_: &D) -> bool {
    #[cfg(feature = "msgpack")]
    return type_name::<D::Error>() == type_name::<rmp_serde::decode::Error>();
    #[cfg(not(feature = "msgpack"))]
    false
}
