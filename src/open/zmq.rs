//! `zmq://HOST:PORT`, `zmq-ipc:///PATH` and `zmq-inproc://NAME`.

use std::sync::Arc;

use tinyrpc_core::{Connector, Listener};
use tinyrpc_transports::zmq::{Endpoint, ZmqConnector, ZmqListener};

use super::{
    Port, Route,
    bind::{Cover, addresses},
};
use crate::{SetupError, Url, UrlError, url::Transport};

pub(super) fn connector(url: &Url, route: &Route) -> Arc<dyn Connector> {
    let connector = ZmqConnector::new(endpoint(url), Arc::clone(&route.limits));
    Arc::new(if url.is_enveloped() { connector.enveloped() } else { connector })
}

/// Binds the address; over TCP the first one that can be bound.
pub(super) async fn listener(url: &Url, port: &Port) -> Result<Box<dyn Listener>, SetupError> {
    let endpoints = match url.transport {
        Transport::Zmq => addresses(url, &url.address, Cover::Plain, port)
            .await?
            .into_iter()
            .map(|address| Endpoint::Tcp(address.to_string()))
            .collect(),
        _ => vec![endpoint(url)],
    };
    let mut error = std::io::Error::new(std::io::ErrorKind::NotFound, "the host has no address");
    for endpoint in endpoints {
        match ZmqListener::bind(&endpoint, &port.limits).await {
            Ok(listener) => return Ok(Box::new(listener)),
            Err(refused) => error = refused,
        }
    }
    Err(SetupError::Io { address: url.to_string(), source: error })
}

/// A ROUTER that connects is another thing than one that binds.
pub(super) fn no_worker(url: &Url) -> SetupError {
    UrlError(format!("`{url}`: workers do not connect over ZeroMQ: listen, or connect over tcp"))
        .into()
}

/// A DEALER that binds is another thing than one that connects.
pub(super) fn no_bound(url: &Url) -> SetupError {
    UrlError(format!("`{url}`: clients do not bind over ZeroMQ: connect, or bind over tcp")).into()
}

fn endpoint(url: &Url) -> Endpoint {
    let address = url.address.clone();
    match url.transport {
        Transport::ZmqIpc => Endpoint::Ipc(address),
        Transport::ZmqInproc => Endpoint::Inproc(address),
        _ => Endpoint::Tcp(address),
    }
}
