//! `Seed`: decodes params of either form into the places of their tuple.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Fault, Rules, Slots};
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
    rules: Rules<'a>,
    arguments: PhantomData<fn() -> A>,
}

/// What was decoded.
pub(super) struct Collected<A: Slots> {
    pub(super) places: A::Places,
    /// What was seen on the way and is not a matter of types.
    pub(super) fault: Option<Box<Fault>>,
    /// How many of the names were those of params.
    pub(super) known: usize,
}

impl<A: Slots> Default for Collected<A> {
    fn default() -> Self {
        Self { places: A::Places::default(), fault: None, known: 0 }
    }
}

impl<A: Slots> Collected<A> {
    /// True where a map was hardly meant as named params, but as a value.
    pub(super) fn is_foreign(&self, rules: Rules<'_>) -> bool {
        match rules.ignores_unknown(A::COUNT) {
            true => self.known == 0,
            false => {
                self.fault.as_deref().is_some_and(|fault| matches!(fault, Fault::Unknown { .. }))
            }
        }
    }
}

impl<'a, A: Slots> Seed<'a, A> {
    #[inline]
    pub(super) fn new(form: Form, rules: Rules<'a>) -> Self {
        Self { form, rules, arguments: PhantomData }
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
                let mut collected = Collected::<A>::default();
                A::fill(&mut collected.places, 0, params)?;
                Ok(collected)
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
        let mut collected = Collected::<A>::default();
        let places = &mut collected.places;
        for index in 0..A::COUNT {
            if params.next_element_seed(Place::<A> { places, index })?.is_none() {
                return Ok(collected);
            }
        }
        let mut found = A::COUNT;
        while params.next_element::<IgnoredAny>()?.is_some() {
            found += 1;
        }
        if found > A::COUNT && !self.rules.ignores_more() {
            collected.fault = Some(Box::new(Fault::TooMany { found }));
        }
        Ok(collected)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut params: M) -> Result<Collected<A>, M::Error> {
        let Collected::<A> { mut places, mut fault, mut known } = Collected::default();
        let names = self.rules.names().unwrap_or_default();
        let ignores_unknown = self.rules.ignores_unknown(A::COUNT);
        while let Some(key) = params.next_key_seed(Key { names, ignores_unknown })? {
            let index = match key {
                Known::Param(index) => {
                    known += 1;
                    index
                }
                Known::Ignored => A::COUNT,
                Known::Unknown(name) => {
                    fault.get_or_insert_with(|| Box::new(Fault::Unknown { name }));
                    // There is no such place: the value is passed over.
                    A::COUNT
                }
            };
            if !params.next_value_seed(Place::<A> { places: &mut places, index })? {
                fault.get_or_insert_with(|| Box::new(Fault::Twice { index }));
            }
        }
        Ok(Collected { places, fault, known })
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

/// Looks a param up by its name.
struct Key<'a> {
    names: &'a [&'static str],
    ignores_unknown: bool,
}

/// What a name stands for.
enum Known {
    /// The param at this index.
    Param(usize),
    /// Nothing, and nobody minds.
    Ignored,
    /// Nothing.
    Unknown(String),
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Known;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Known;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a param")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(match self.names.iter().position(|known| *known == name) {
            Some(index) => Known::Param(index),
            None if self.ignores_unknown => Known::Ignored,
            None => Known::Unknown(shown(name)),
        })
    }

    /// Older MessagePack peers send names as raw or bin.
    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Self::Value, E> {
        self.visit_str(&String::from_utf8_lossy(name))
    }
}
