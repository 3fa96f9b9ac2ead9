//! The RabbitMQ between the two processes of the peers that need one. It runs already:
//! `TINYRPC_AMQP_URL` names it, as `amqp://guest:guest@127.0.0.1:5672`.

use std::{
    env,
    net::{SocketAddr, ToSocketAddrs as _},
};

use anyhow::{Context as _, Result};

/// Its URL, without a virtual host.
pub(super) fn url() -> Result<String> {
    env::var(URL).with_context(|| format!("{URL} names no broker"))
}

/// Where it listens.
pub(super) fn address() -> Result<SocketAddr> {
    let url = url()?;
    let (_, address) = url.rsplit_once(['@', '/']).context("a URL")?;
    let mut addresses = address.to_socket_addrs()?;
    addresses.next().context("an address")
}

/// Whether there is one.
pub(super) fn is_there() -> bool {
    env::var_os(URL).is_some()
}

const URL: &str = "TINYRPC_AMQP_URL";
