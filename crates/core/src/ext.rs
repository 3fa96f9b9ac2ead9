//! `Ext`: a MessagePack extension value.
//!
//! For talking to peers that use extension types, such as timestamps (tag -1) or the handles of an
//! editor; among our own peers an ordinary type says more.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Blob;
use crate::format::{reads_msgpack, writes_msgpack};

/// A MessagePack extension value: a tag and binary data of any length.
///
/// In JSON, which has no extensions, and with other serializers it is a map of two entries:
///
/// ```
/// # #[cfg(all(feature = "json", feature = "msgpack"))] {
/// use tinyrpc_core::{Ext, Format};
///
/// let ext = Ext { tag: -1, data: vec![0, 0, 0, 9].into() };
/// let (mut json, mut msgpack) = (Vec::new(), Vec::new());
/// Format::Json.encode(&ext, &mut json)?;
/// Format::MsgPack.encode(&ext, &mut msgpack)?;
/// assert_eq!(json, br#"{"ext":-1,"data":"AAAACQ=="}"#);
/// assert_eq!(msgpack, [0xd6, 0xff, 0, 0, 0, 9]);
/// assert_eq!(Format::Json.decode::<Ext>(&json)?, ext);
/// assert_eq!(Format::MsgPack.decode::<Ext>(&msgpack)?, ext);
/// # }
/// # Ok::<_, tinyrpc_core::FormatError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ext {
    /// What the data mean: 0 and above are free for applications, below 0 is for MessagePack's
    /// own use.
    pub tag: i8,
    /// The data.
    pub data: Blob,
}

impl Serialize for Ext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if writes_msgpack(&serializer) {
            serializer.serialize_newtype_struct(EXT_STRUCT, &Body(self))
        } else {
            let mut map = serializer.serialize_struct("Ext", 2)?;
            map.serialize_field("ext", &self.tag)?;
            map.serialize_field("data", &self.data)?;
            map.end()
        }
    }
}

impl<'de> Deserialize<'de> for Ext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if reads_msgpack(&deserializer) {
            let ext = deserializer.deserialize_newtype_struct(EXT_STRUCT, BodyVisitor);
            // rmp-serde only names the byte that it did not expect.
            ext.map_err(|error| match error.to_string().starts_with("wrong msgpack marker") {
                true => de::Error::custom("expected an extension value"),
                false => error,
            })
        } else {
            let Map { ext, data } = Map::deserialize(deserializer)?;
            Ok(Self { tag: ext, data })
        }
    }
}

/// The name by which rmp-serde knows an extension (its `MSGPACK_EXT_STRUCT_NAME`): a newtype
/// struct of this name around a pair of the tag and the data.
const EXT_STRUCT: &str = "_ExtStruct";

struct Body<'a>(&'a Ext);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0.tag, &self.0.data).serialize(serializer)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Ext;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an extension value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, body: D) -> Result<Ext, D::Error> {
        body.deserialize_tuple(2, self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut body: A) -> Result<Ext, A::Error> {
        let missing = |len| de::Error::invalid_length(len, &Self);
        let tag = body.next_element()?.ok_or_else(|| missing(0))?;
        let data = body.next_element()?.ok_or_else(|| missing(1))?;
        Ok(Ext { tag, data })
    }
}

/// The form outside MessagePack.
#[derive(Deserialize)]
#[serde(rename = "Ext", deny_unknown_fields)]
struct Map {
    ext: i8,
    data: Blob,
}
