//! `Absent`: a value that is not there, to learn whether a type minds.

use std::fmt;

use serde::{
    Deserializer,
    de::{self, Expected, Visitor},
    forward_to_deserialize_any,
};

/// Deserializes an `Option` as `None` and refuses everything else, as serde does for the absent
/// fields of a struct.
pub(super) struct Absent;

/// What was expected in place of nothing.
#[derive(Debug)]
pub(super) struct Wanted(pub(super) String);

impl<'de> Deserializer<'de> for Absent {
    type Error = Wanted;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wanted> {
        Err(Wanted((&visitor as &dyn Expected).to_string()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wanted> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl de::Error for Wanted {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wanted {}
