//! What a URL leads to: the connector or the listener of its transport.

#[cfg(feature = "tcp")]
mod framed;
#[cfg(feature = "tcp")]
mod tcp;

use std::sync::Arc;

use tinyrpc_core::{Connector, Listener};

#[cfg(feature = "tcp")]
use crate::url::Transport;
use crate::{SetupError, Url};

/// What connects to the address of a URL.
pub(crate) fn connector(url: &Url) -> Arc<dyn Connector> {
    match url.transport {
        #[cfg(feature = "tcp")]
        Transport::Tcp => tcp::connector(url),
    }
}

/// What listens on the address of a URL.
#[cfg_attr(
    not(feature = "tcp"),
    expect(unused_variables, reason = "without any transport there are no URLs")
)]
pub(crate) async fn listener(
    url: &Url,
    allow_remote: bool,
) -> Result<Box<dyn Listener>, SetupError> {
    match url.transport {
        #[cfg(feature = "tcp")]
        Transport::Tcp => tcp::listener(url, allow_remote).await,
    }
}
