//! What a URL leads to: the connector or the listener of its transport.

#[cfg(any(feature = "tcp", all(unix, feature = "unix")))]
mod framed;
#[cfg(feature = "tcp")]
mod tcp;
#[cfg(all(unix, feature = "unix"))]
mod unix;

use std::sync::Arc;

use tinyrpc_core::{Connector, Listener};

#[cfg(any(feature = "tcp", all(unix, feature = "unix")))]
use crate::url::Transport;
use crate::{SetupError, Url};

/// What connects to the address of a URL.
pub(crate) fn connector(url: &Url) -> Result<Arc<dyn Connector>, SetupError> {
    match url.transport {
        #[cfg(feature = "tcp")]
        Transport::Tcp => Ok(tcp::connector(url)),
        #[cfg(all(unix, feature = "unix"))]
        Transport::Unix => unix::connector(url),
    }
}

/// What listens on the address of a URL.
#[cfg_attr(
    not(feature = "tcp"),
    expect(unused_variables, reason = "only some transports reach other machines")
)]
pub(crate) async fn listener(
    url: &Url,
    allow_remote: bool,
) -> Result<Box<dyn Listener>, SetupError> {
    match url.transport {
        #[cfg(feature = "tcp")]
        Transport::Tcp => tcp::listener(url, allow_remote).await,
        #[cfg(all(unix, feature = "unix"))]
        Transport::Unix => unix::listener(url),
    }
}
