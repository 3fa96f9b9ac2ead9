//! `Seed`: decodes params of either form into the places of their tuple.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Fault, Slots, fault::Names};
use crate::shown::shown;

/// In which form params come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A sequence.
    Positional,
    /// A map.
    Named,
    /// A sequence whose one element is a map: how MessagePack-RPC says named params.
    Wrapped,
    /// The one param of the method itself.
    Whole,
}

/// Decodes params of one form.
pub(super) struct Seed<'a, A> {
    form: Form,
    names: &'a [&'static str],
    arguments: PhantomData<fn() -> A>,
}

/// What was decoded.
pub(super) struct Collected<A: Slots> {
    pub(super) places: A::Places,
    /// What was seen on the way and is not a matter of types.
    pub(super) fault: Option<Box<Fault>>,
}

impl<'a, A: Slots> Seed<'a, A> {
    #[inline]
    pub(super) fn new(form: Form, names: Names<'a>) -> Self {
        Self { form, names: names.unwrap_or_default(), arguments: PhantomData }
    }
}

impl<'de, A: Slots> DeserializeSeed<'de> for Seed<'_, A> {
    type Value = Collected<A>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, params: D) -> Result<Collected<A>, D::Error> {
        match self.form {
            Form::Positional => params.deserialize_seq(self),
            Form::Named | Form::Wrapped => params.deserialize_map(self),
            Form::Whole => {
                let mut places = A::Places::default();
                A::fill(&mut places, 0, params)?;
                Ok(Collected { places, fault: None })
            }
        }
    }
}

impl<'de, A: Slots> Visitor<'de> for Seed<'_, A> {
    type Value = Collected<A>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params")
    }

    #[inline]
    fn visit_seq<S: SeqAccess<'de>>(self, mut params: S) -> Result<Collected<A>, S::Error> {
        let mut places = A::Places::default();
        for index in 0..A::COUNT {
            if params.next_element_seed(Place::<A> { places: &mut places, index })?.is_none() {
                return Ok(Collected { places, fault: None });
            }
        }
        let mut found = A::COUNT;
        while params.next_element::<IgnoredAny>()?.is_some() {
            found += 1;
        }
        let fault = (found > A::COUNT).then(|| Box::new(Fault::TooMany { found }));
        Ok(Collected { places, fault })
    }

    fn visit_map<M: MapAccess<'de>>(self, mut params: M) -> Result<Collected<A>, M::Error> {
        let (mut places, mut fault) = (A::Places::default(), None);
        while let Some(key) = params.next_key_seed(Key(self.names))? {
            let index = match key {
                Ok(index) => index,
                Err(name) => {
                    fault.get_or_insert_with(|| Box::new(Fault::Unknown { name }));
                    // There is no such place: the value is passed over.
                    A::COUNT
                }
            };
            if !params.next_value_seed(Place::<A> { places: &mut places, index })? {
                fault.get_or_insert_with(|| Box::new(Fault::Twice { index }));
            }
        }
        Ok(Collected { places, fault })
    }
}

/// Decodes one param into its place; false where one was there already.
struct Place<'p, A: Slots> {
    places: &'p mut A::Places,
    index: usize,
}

impl<'de, A: Slots> DeserializeSeed<'de> for Place<'_, A> {
    type Value = bool;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<bool, D::Error> {
        A::fill(self.places, self.index, value)
    }
}

/// The index of a param by its name, or a name that nobody declared.
struct Key<'a>(&'a [&'static str]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a param")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        let index = self.0.iter().position(|known| *known == name);
        Ok(index.ok_or_else(|| shown(name)))
    }

    /// Older MessagePack peers send names as raw or bin.
    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Self::Value, E> {
        self.visit_str(&String::from_utf8_lossy(name))
    }
}
