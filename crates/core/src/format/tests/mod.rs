//! The data model, as tables over both formats.

mod binary;
mod faults;
mod floats;
mod large;
mod model;
mod properties;
mod sequence;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Format::{Json, MsgPack};
use super::{Format, FormatError, FormatErrorKind as Kind, Shape};
use crate::{Blob, Ext};

const BOTH: [Format; 2] = [Json, MsgPack];

fn encode<T: Serialize + ?Sized>(format: Format, value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    format.encode(value, &mut out).expect("an encodable value");
    out
}

/// The value is written so in each format, and read back from it.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: T,
    json: &str,
    msgpack: &[u8],
) {
    assert_eq!(String::from_utf8_lossy(&encode(Json, &value)), json);
    assert_eq!(
        encode(MsgPack, &value).escape_ascii().to_string(),
        msgpack.escape_ascii().to_string()
    );
    assert_eq!(Json.decode::<T>(json.as_bytes()).as_ref(), Ok(&value));
    assert_eq!(MsgPack.decode::<T>(msgpack), Ok(value));
}

#[track_caller]
fn check_error<T: DeserializeOwned + Debug>(format: Format, bytes: &[u8], kind: Kind, text: &str) {
    let error = format.decode::<T>(bytes).expect_err("a fault");
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i64,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(u8);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Unit,
    Newtype(u8),
    Tuple(u8, bool),
    Struct { x: u8 },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Key {
    North,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    a: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, Blob>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct FlatExt {
    a: u8,
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inner {
    ext: Ext,
    blob: Blob,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u8),
    Ext(Ext),
    Inner { inner: Inner },
    Blob(Blob),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    Inner(Inner),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value")]
enum Adjacent {
    Blob(Blob),
    Ext(Ext),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Recursive {
    End,
    More(Box<Self>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct List(Vec<Self>);

fn inner() -> Inner {
    Inner { ext: Ext { tag: 5, data: vec![1].into() }, blob: vec![0xff].into() }
}
