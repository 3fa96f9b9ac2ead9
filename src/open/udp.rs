//! `udp://HOST:PORT`.

use std::{io, sync::Arc};

use tinyrpc_core::{Connector, Listener};
use tinyrpc_transports::udp::{LARGEST, UNCUT, UdpConnector, UdpListener};

use super::{
    Port,
    bind::{Cover, addresses},
};
use crate::{SetupError, Url, UrlError};

pub(super) fn connector(url: &Url) -> Arc<dyn Connector> {
    Arc::new(UdpConnector::new(&url.address, largest(url)))
}

/// Receives on the first address of the host that can be received on.
pub(super) async fn listener(url: &Url, port: &Port) -> Result<Box<dyn Listener>, SetupError> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses(url, &url.address, Cover::Plain, port).await? {
        match UdpListener::bind(address, largest(url), &port.limits) {
            Ok(listener) => return Ok(Box::new(listener)),
            Err(refused) => error = refused,
        }
    }
    Err(SetupError::Io { address: url.to_string(), source: error })
}

/// Nobody comes over UDP, who could be called.
pub(super) fn one_way() -> SetupError {
    UrlError("over UDP servers listen and clients connect: nobody is called who connects".into())
        .into()
}

/// Messages that no network has to cut, unless the URL wants others.
fn largest(url: &Url) -> usize {
    url.max_message().map_or(UNCUT, |asked| asked.min(LARGEST))
}
