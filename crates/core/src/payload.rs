//! `Payload`: an encoded value that nobody has opened.
//!
//! Params, results and error data travel through the session as payloads and are decoded once,
//! straight into the types of the handler or of the caller.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Format, FormatError, format::lent};

/// One encoded value, kept.
///
/// The bytes are a slice of the block in which they were received, so a payload that is kept pins
/// that block (up to a few hundred KiB); [`Payload::detach`] copies it out.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    /// The encoding of exactly one value.
    pub bytes: Bytes,
    /// How it is encoded.
    pub format: Format,
}

impl Payload {
    /// Encodes a value.
    ///
    /// # Errors
    ///
    /// What the value's `Serialize` reports, and values that the format cannot say, such as NaN
    /// in JSON.
    pub fn encode<T: Serialize + ?Sized>(value: &T, format: Format) -> Result<Self, FormatError> {
        let mut bytes = Vec::new();
        format.encode(value, &mut bytes)?;
        Ok(Self { bytes: bytes.into(), format })
    }

    /// Decodes the value; it may borrow from the payload.
    ///
    /// # Errors
    ///
    /// A value of another type, with the path to it.
    pub fn decode<'de, T: Deserialize<'de>>(&'de self) -> Result<T, FormatError> {
        self.as_ref().decode()
    }

    /// The same value in a block of its own.
    pub fn detach(self) -> Self {
        Self { bytes: Bytes::copy_from_slice(&self.bytes), format: self.format }
    }

    /// A borrowed view.
    pub fn as_ref(&self) -> PayloadRef<'_> {
        PayloadRef { bytes: &self.bytes, block: Some(&self.bytes), format: self.format }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// One encoded value, borrowed from the frame it came in.
#[derive(Clone, Copy)]
pub struct PayloadRef<'f> {
    /// The encoding of exactly one value, or nothing at all where the member was absent.
    pub bytes: &'f [u8],
    /// The block that `bytes` is a part of, for keeping it without a copy.
    pub block: Option<&'f Bytes>,
    /// How it is encoded.
    pub format: Format,
}

impl<'f> PayloadRef<'f> {
    /// Decodes the value; it may borrow from the frame.
    ///
    /// # Errors
    ///
    /// A value of another type, with the path to it.
    pub fn decode<T: Deserialize<'f>>(self) -> Result<T, FormatError> {
        self.lend(|| self.format.decode(self.bytes))
    }

    /// Runs `read`, in which a [`Blob`](crate::Blob) of MessagePack that is most of the block becomes
    /// a part of it instead of a copy. [`PayloadRef::decode`] does that by itself; it is for whoever
    /// decodes the bytes in another way.
    pub fn lend<R>(self, read: impl FnOnce() -> R) -> R {
        lent::lending(self.block, read)
    }

    /// Keeps the value: a slice of its block, or a copy where there is no block.
    pub fn to_payload(self) -> Payload {
        let bytes = match self.block {
            Some(block) if !self.bytes.is_empty() => block.slice_ref(self.bytes),
            _ => Bytes::copy_from_slice(self.bytes),
        };
        Payload { bytes, format: self.format }
    }

    /// True where the member was absent, which is not the same as null.
    pub fn is_absent(self) -> bool {
        self.bytes.is_empty()
    }
}

impl fmt::Debug for PayloadRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Payloads may hold secrets: only the size is shown.
        write!(f, "Payload({}, {} bytes)", self.format.name(), self.bytes.len())
    }
}
