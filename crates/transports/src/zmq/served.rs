//! `Served`: what is behind an endpoint of a listener.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::{hub::Hub, inlet::Inlet};

/// A socket that serves, in one of two ways.
#[derive(Clone)]
pub(super) enum Served {
    /// Peers that are answered, each a connection.
    Peers(Arc<Hub>),
    /// Messages that come one way.
    Inlet(Arc<Inlet>),
}

impl Served {
    /// The endpoint is gone; its peers go on, unless `cut` is said.
    pub(super) fn leave(&self, cut: bool) {
        match self {
            Self::Peers(hub) => hub.leave(cut),
            Self::Inlet(inlet) => inlet.leave(),
        }
    }

    /// Ready when a network connection has closed that was made from here.
    pub(super) fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Peers(hub) => hub.poll_cut(cx),
            Self::Inlet(inlet) => inlet.poll_cut(cx),
        }
    }
}
