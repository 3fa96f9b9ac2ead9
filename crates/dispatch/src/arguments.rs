//! `Arguments`: the params of a method, as a tuple of Rust values.
//!
//! Decoded in one pass, straight from the frame into the types of the handler. Positional params
//! are a sequence, named ones a map; which of them came is seen from the first byte.

mod absent;
mod fault;
mod read;
mod rules;
mod seed;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, SeqAccess},
};

use self::absent::Absent;
use self::fault::Fault;
pub(crate) use self::{read::Reader, rules::Rules};

/// The params of a method: a tuple of 0 to 12 types, each of them `DeserializeOwned`.
///
/// It is implemented for such tuples and cannot be implemented for anything else.
pub trait Arguments: Slots {}

/// The places into which params are decoded, in whatever order they come.
#[expect(unnameable_types, reason = "only tuples can be arguments")]
pub trait Slots: Sized + 'static {
    /// How many params there are.
    const COUNT: usize;
    /// A place for each param.
    type Places: Default;

    /// Decodes all of them from a sequence; `None` where there are too few.
    fn read<'de, S: SeqAccess<'de>>(params: &mut S) -> Result<Option<Self>, S::Error>;

    /// Decodes the param at `index`; false where it was there already.
    fn fill<'de, D: Deserializer<'de>>(
        places: &mut Self::Places,
        index: usize,
        value: D,
    ) -> Result<bool, D::Error>;

    /// Moves what is in `more` to its place in `places`; gives the index of a param that is in both.
    fn merge(places: &mut Self::Places, more: Self::Places) -> Option<usize>;

    /// Takes the params out. Absent ones are `None` where they may be, else a fault.
    fn take(places: Self::Places) -> Result<Self, Fault>;

    /// How many params a caller must give at least: all but the last ones that may be absent.
    fn required() -> usize;
}

macro_rules! arguments {
    ($count:literal $($type:ident $index:tt)*) => {
        impl<$($type: DeserializeOwned + 'static),*> Arguments for ($($type,)*) {}

        impl<$($type: DeserializeOwned + 'static),*> Slots for ($($type,)*) {
            const COUNT: usize = $count;
            type Places = ($(Option<$type>,)*);

            #[inline]
            fn read<'de, Seq: SeqAccess<'de>>(
                _params: &mut Seq,
            ) -> Result<Option<Self>, Seq::Error> {
                Ok(Some(($(match _params.next_element::<$type>()? {
                    Some(value) => value,
                    None => match absent::<$type>($index) {
                        Ok(value) => value,
                        Err(_) => return Ok(None),
                    },
                },)*)))
            }

            #[inline]
            fn fill<'de, De: Deserializer<'de>>(
                _places: &mut Self::Places,
                index: usize,
                value: De,
            ) -> Result<bool, De::Error> {
                match index {
                    $($index => Ok(_places.$index.replace($type::deserialize(value)?).is_none()),)*
                    _ => IgnoredAny::deserialize(value).map(|_| true),
                }
            }

            fn merge(_places: &mut Self::Places, _more: Self::Places) -> Option<usize> {
                $(if let Some(value) = _more.$index && _places.$index.replace(value).is_some() {
                    return Some($index);
                })*
                None
            }

            #[inline]
            fn take(_places: Self::Places) -> Result<Self, Fault> {
                Ok(($(match _places.$index {
                    Some(value) => value,
                    None => absent::<$type>($index)?,
                },)*))
            }

            fn required() -> usize {
                let mut _required = 0;
                $(if absent::<$type>($index).is_err() {
                    _required = $index + 1;
                })*
                _required
            }
        }
    };
}

arguments!(0);
arguments!(1 A 0);
arguments!(2 A 0 B 1);
arguments!(3 A 0 B 1 C 2);
arguments!(4 A 0 B 1 C 2 D 3);
arguments!(5 A 0 B 1 C 2 D 3 E 4);
arguments!(6 A 0 B 1 C 2 D 3 E 4 F 5);
arguments!(7 A 0 B 1 C 2 D 3 E 4 F 5 G 6);
arguments!(8 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
arguments!(9 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
arguments!(10 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
arguments!(11 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
arguments!(12 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);

/// What a param is when nobody gave it: `None` for an `Option`, a fault for anything else.
#[cold]
fn absent<T: DeserializeOwned>(index: usize) -> Result<T, Fault> {
    T::deserialize(Absent).map_err(|wanted| Fault::Missing { index, expected: wanted.0 })
}

#[cfg(all(test, feature = "json", feature = "msgpack"))]
mod tests;
