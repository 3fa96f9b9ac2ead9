//! `tls://HOST:PORT`.

use std::{io, sync::Arc};

use tinyrpc_core::{Connector, Listener};
use tinyrpc_transports::{
    tcp::KeepAlive,
    tls::{ServerTls, TlsConnector, TlsListener},
};

use super::{
    Port, Route,
    bind::{Cover, bind},
    framed::Framed,
};
use crate::{SetupError, Url, UrlError};

pub(super) fn connector(url: &Url, route: &Route) -> Result<Arc<dyn Connector>, SetupError> {
    let wrong = || UrlError(format!("`{url}`: expected HOST:PORT"));
    let (host, port) = url.address.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().map_err(|_| wrong())?;
    let connector = TlsConnector::new(host, port, route.tls.clone());
    Ok(Arc::new(Framed::new(
        connector.handshake(route.limits.handshake).keepalive(KeepAlive::of(&route.limits)),
        url,
    )))
}

pub(super) async fn listener(url: &Url, port: &Port) -> Result<Box<dyn Listener>, SetupError> {
    let tls = certificate(url, port)?;
    let listener = TlsListener::new(bind(url, &url.address, Cover::Tls, port).await?, tls);
    Ok(Box::new(Framed::new(listener.handshake(port.limits.handshake), url)))
}

/// What the server proves itself with.
pub(super) fn certificate(url: &Url, port: &Port) -> Result<ServerTls, SetupError> {
    let none = || SetupError::Io {
        address: url.to_string(),
        source: io::Error::new(
            io::ErrorKind::InvalidInput,
            "a server over TLS needs a certificate and its key: give them by `Server::tls`",
        ),
    };
    port.tls.clone().ok_or_else(none)
}
