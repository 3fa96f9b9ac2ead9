//! What the tests of the session share: a codec, two joined sessions, a service by script.

pub(crate) mod identity;
pub(crate) mod pair;
pub(crate) mod script;
pub(crate) mod tasks;

pub(crate) use self::{
    identity::Identity,
    pair::{Pair, Setup, Side},
    script::Script,
    tasks::{Chance, Promise, Tasks},
};
