//! What the tests of the session share: a codec, two joined sessions, a service by script.

pub mod identity;
pub mod pair;
pub mod script;
pub mod tasks;

pub use self::{
    identity::Identity,
    pair::{Pair, Setup, Side},
    script::Script,
    tasks::{Promise, Tasks},
};
