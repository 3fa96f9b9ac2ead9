//! `SetupError`: why a client or a server could not begin.

use std::{fmt, io};

use tinyrpc_core::Error;

use crate::UrlError;

/// Why there is no connection, or nobody listens.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The URL is wrong, or needs something that this build does not have.
    Url(UrlError),
    /// The address cannot be reached or listened on.
    Io {
        /// What was tried.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server did not let this side in.
    Login {
        /// The server.
        address: String,
        /// How the login failed.
        source: Error,
    },
    /// What a client does on each connection ([`ClientBuilder::on_connect`]) failed.
    ///
    /// [`ClientBuilder::on_connect`]: crate::ClientBuilder::on_connect
    OnConnect {
        /// The server.
        address: String,
        /// How it failed.
        source: Error,
    },
    /// An address beyond this machine, without leave to use one.
    Remote {
        /// The address.
        address: String,
    },
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::Io { address, source } => write!(f, "{address}: {source}"),
            Self::Login { address, source } => write!(f, "{address}: the login failed: {source}"),
            Self::OnConnect { address, source } => {
                write!(f, "{address}: what begins each connection failed: {source}")
            }
            Self::Remote { address } => write!(
                f,
                "{address} is reachable from other machines, and whoever reaches it may call \
                 everything: listen on 127.0.0.1, let in only whom you know by `authenticate(..)`, \
                 or say `allow_remote()` if that is meant"
            ),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Io { source, .. } => Some(source),
            Self::Login { source, .. } | Self::OnConnect { source, .. } => Some(source),
            Self::Remote { .. } => None,
        }
    }
}

impl From<UrlError> for SetupError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}
