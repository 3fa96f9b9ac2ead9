//! `Destination`: one address of a client, where it connects or waits for who does.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use tinyrpc_core::{Connector, Format, Listener, Protocol};

use crate::{
    SetupError, Url,
    open::{self, Port, Route, Source},
};

/// Where a client goes, or who comes to it, and in which protocol it speaks there.
pub(super) struct Destination {
    pub(super) place: Place,
    pub(super) protocol: Arc<dyn Protocol>,
}

/// Where connections come from.
pub(super) enum Place {
    Url(Url),
    Through(Arc<dyn Connector>),
    /// The listener of this URL.
    Bind(Url),
    /// Of this listener, which is taken out once.
    From(Mutex<Option<Box<dyn Listener>>>),
}

impl Destination {
    /// Connects to a URL. What is wrong with the address is said here, and not later.
    pub(super) fn to(url: Url) -> Result<Self, SetupError> {
        open::connector(&url, &Route::default())?;
        Ok(Self { protocol: url.spoken()?, place: Place::Url(url) })
    }

    /// Listens at a URL.
    pub(super) fn bind(mut url: Url) -> Result<Self, SetupError> {
        let protocol = url.spoken()?;
        open::check_bound(&url)?;
        url.speak(Arc::clone(&protocol));
        Ok(Self { place: Place::Bind(url), protocol })
    }

    /// Accepts from a listener.
    pub(super) fn listener(
        listener: impl Listener + 'static,
        protocol: impl Protocol + 'static,
    ) -> Self {
        let listener: Box<dyn Listener> = Box::new(listener);
        Self { place: Place::From(Mutex::new(Some(listener))), protocol: Arc::new(protocol) }
    }

    pub(super) fn is_bound(&self) -> bool {
        matches!(self.place, Place::Bind(_) | Place::From(_))
    }

    pub(super) fn address(&self) -> String {
        match &self.place {
            Place::Url(url) | Place::Bind(url) => url.shown(),
            Place::Through(connector) => connector.address(),
            Place::From(listener) => {
                let listener = listener.lock().unwrap_or_else(PoisonError::into_inner);
                listener.as_ref().map(|listener| listener.address()).unwrap_or_default()
            }
        }
    }

    /// The format of its protocol.
    pub(super) fn format(&self) -> Format {
        self.protocol.open(&tinyrpc_core::Limits::default()).profile.format
    }

    /// Makes the connector, or binds the listener.
    pub(super) async fn open(&self, route: &Route, port: &Port) -> Result<Source, SetupError> {
        match &self.place {
            Place::Url(url) => open::connector(url, route).map(Source::Connector),
            Place::Through(connector) => Ok(Source::Connector(Arc::clone(connector))),
            Place::Bind(url) => open::bound(url, route, port).await,
            Place::From(listener) => {
                let taken = listener.lock().unwrap_or_else(PoisonError::into_inner).take();
                let gone = || SetupError::Io {
                    address: "the listener".into(),
                    source: std::io::ErrorKind::NotConnected.into(),
                };
                taken.map(Source::Listener).ok_or_else(gone)
            }
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("address", &self.address())
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}
