//! `tcp://HOST:PORT`.

use std::{io, net::SocketAddr, sync::Arc};

use tinyrpc_core::{Connector, Listener};
use tinyrpc_transports::tcp::{TcpConnector, TcpListener};
use tokio::net::lookup_host;

use super::framed::Framed;
use crate::{SetupError, Url};

pub(super) fn connector(url: &Url) -> Arc<dyn Connector> {
    Arc::new(Framed::new(TcpConnector::new(&url.address), url))
}

/// Listens on the first address of the host that can be listened on.
pub(super) async fn listener(
    url: &Url,
    allow_remote: bool,
) -> Result<Box<dyn Listener>, SetupError> {
    let failed = |source| SetupError::Io { address: url.to_string(), source };
    // Host 0 is every interface, as in zerorpc.
    let target = match url.address.split_once(':') {
        Some(("0" | "*", port)) => format!("0.0.0.0:{port}"),
        _ => url.address.clone(),
    };
    let addresses: Vec<SocketAddr> = lookup_host(&target).await.map_err(failed)?.collect();
    if !allow_remote && addresses.iter().any(|address| !address.ip().is_loopback()) {
        return Err(SetupError::Remote { address: url.to_string() });
    }
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match TcpListener::bind(address) {
            Ok(inner) => return Ok(Box::new(Framed::new(inner, url))),
            Err(refused) => error = refused,
        }
    }
    Err(failed(error))
}
