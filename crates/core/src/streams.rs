//! Streams inside of a call: values one way, credit the other.
//!
//! Both ends of a call that streams hold a [`Duct`]: what came and was not read, what may be sent,
//! and who waits for either. The session puts in what comes; an [`Outlet`] and an [`Inlet`] are the
//! ends that a program has. Neither side can make the other keep more than was granted.

mod duct;
mod inlet;
mod nest;
mod outlet;
mod terms;

pub(crate) use self::{
    duct::{Duct, Took},
    nest::Nest,
    terms::{HELLO, Hello, Terms},
};
pub use self::{
    inlet::Inlet,
    outlet::{Outlet, Unsent},
};

/// The streams of a request: what its handler may take, once each.
///
/// A request whose caller wants no stream and sends none has none of this.
#[derive(Clone, Debug)]
pub struct Channels {
    duct: std::sync::Arc<Duct>,
}

impl Channels {
    pub(crate) fn new(duct: std::sync::Arc<Duct>) -> Self {
        Self { duct }
    }

    /// Where the values of the result go; `None` where the caller wants no stream, or it was taken
    /// before.
    pub fn outlet(&self) -> Option<Outlet> {
        self.duct.take_outlet().then(|| Outlet::new(std::sync::Arc::clone(&self.duct)))
    }

    /// What the caller sends into its call; `None` where it sends nothing, or it was taken before.
    pub fn inlet(&self) -> Option<Inlet> {
        self.duct.take_inlet().then(|| Inlet::new(std::sync::Arc::clone(&self.duct)))
    }
}
