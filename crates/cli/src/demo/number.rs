//! `Number`: integers that stay integers, and floats.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};
use tinyrpc::RpcError;

/// A number as a peer sent it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl Number {
    /// Where sums begin.
    pub(super) const ZERO: Self = Self::Signed(0);

    /// The sum: an integer of integers, else a float.
    ///
    /// # Errors
    ///
    /// An integer beyond 64 bits.
    pub(super) fn plus(self, other: Self) -> Result<Self, RpcError> {
        let (Some(a), Some(b)) = (self.as_integer(), other.as_integer()) else {
            return Ok(Self::Float(self.as_float() + other.as_float()));
        };
        let sum = a + b;
        i64::try_from(sum)
            .map(Self::Signed)
            .or_else(|_| u64::try_from(sum).map(Self::Unsigned))
            .map_err(|_| RpcError::server("the sum has more than 64 bits"))
    }

    fn as_integer(self) -> Option<i128> {
        match self {
            Self::Signed(number) => Some(number.into()),
            Self::Unsigned(number) => Some(number.into()),
            Self::Float(_) => None,
        }
    }

    fn as_float(self) -> f64 {
        match self {
            Self::Signed(number) => number as f64,
            Self::Unsigned(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
        Ok(Number::Signed(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number::Unsigned(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Number, E> {
        Ok(Number::Float(number))
    }
}
