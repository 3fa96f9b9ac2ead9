//! `tcp://HOST:PORT`.

use std::sync::Arc;

use tinyrpc_core::{Connector, Listener};
use tinyrpc_transports::tcp::{KeepAlive, TcpConnector};

use super::{
    Port, Route,
    bind::{Cover, bind},
    framed::Framed,
};
use crate::{SetupError, Url};

pub(super) fn connector(url: &Url, route: &Route) -> Arc<dyn Connector> {
    let connector = TcpConnector::new(&url.address).keepalive(KeepAlive::of(&route.limits));
    Arc::new(Framed::new(connector, url))
}

/// Without a protocol or a framing in its URL, the port is for everything that this build has:
/// HTTP, WebSocket and TLS, too.
pub(super) async fn listener(url: &Url, port: &Port) -> Result<Box<dyn Listener>, SetupError> {
    let listener = bind(url, &url.address, Cover::Plain, port).await?;
    #[cfg(feature = "http")]
    if url.is_auto() && url.framing().is_none() {
        return Ok(Box::new(super::web::any(listener, url, port)));
    }
    Ok(Box::new(Framed::new(listener, url)))
}
