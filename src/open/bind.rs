//! Listening on a host and port, for every transport over TCP.

use std::{io, net::SocketAddr};

use tinyrpc_transports::tcp::{KeepAlive, TcpListener};
use tokio::net::lookup_host;

use super::Port;
use crate::{SetupError, Url};

/// Whether nothing is known of who reaches an address, or it is encrypted at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cover {
    Plain,
    #[cfg(feature = "tls")]
    Tls,
}

/// Listens on the first address of `HOST:PORT` that can be listened on.
pub(super) async fn bind(
    url: &Url,
    authority: &str,
    cover: Cover,
    port: &Port,
) -> Result<TcpListener, SetupError> {
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses(url, authority, cover, port).await? {
        match TcpListener::bind(address) {
            Ok(listener) => return Ok(listener.keepalive(KeepAlive::of(&port.limits))),
            Err(refused) => error = refused,
        }
    }
    Err(SetupError::Io { address: url.to_string(), source: error })
}

/// The addresses of `HOST:PORT`.
///
/// # Errors
///
/// One is beyond this machine, without cover and without leave.
pub(super) async fn addresses(
    url: &Url,
    authority: &str,
    cover: Cover,
    port: &Port,
) -> Result<Vec<SocketAddr>, SetupError> {
    let failed = |source| SetupError::Io { address: url.to_string(), source };
    // Host 0 is every interface, as in zerorpc.
    let target = match authority.split_once(':') {
        Some(("0" | "*", port)) => format!("0.0.0.0:{port}"),
        _ => authority.to_owned(),
    };
    let addresses: Vec<SocketAddr> = lookup_host(&target).await.map_err(failed)?.collect();
    let remote = addresses.iter().any(|address| !address.ip().is_loopback());
    if remote && cover == Cover::Plain && !port.allow_remote {
        return Err(SetupError::Remote { address: url.to_string() });
    }
    Ok(addresses)
}
