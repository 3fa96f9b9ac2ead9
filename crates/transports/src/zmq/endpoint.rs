//! `Endpoint`: where a ZeroMQ socket is bound or connected.

use std::{fmt, io, net::SocketAddr};

use tokio::net::lookup_host;

/// An address of ZeroMQ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `HOST:PORT` over TCP. Where it is bound, the host is an address, and port 0 is a free one.
    Tcp(String),
    /// The path of a Unix socket.
    Ipc(String),
    /// A name in this process.
    Inproc(String),
}

impl Endpoint {
    /// The ways to it in ZeroMQ's own words, best first.
    pub(super) async fn resolve(&self) -> io::Result<Vec<Resolved>> {
        Ok(match self {
            Self::Tcp(authority) => {
                let addresses = lookup_host(authority).await?;
                addresses.map(|address| Resolved::of(&address)).collect()
            }
            Self::Ipc(path) => vec![Resolved::near(format!("ipc://{path}"))],
            Self::Inproc(name) => vec![Resolved::near(format!("inproc://{name}"))],
        })
    }

    /// What ZeroMQ calls `text`.
    pub(super) fn from_zmq(text: &str) -> Self {
        match text.split_once("://") {
            Some(("ipc", path)) => Self::Ipc(path.into()),
            Some(("inproc", name)) => Self::Inproc(name.into()),
            Some((_, authority)) => Self::Tcp(authority.into()),
            None => Self::Tcp(text.into()),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&list(std::slice::from_ref(self)))
    }
}

/// Several endpoints as one address: those of one kind behind one scheme.
pub(super) fn list(endpoints: &[Endpoint]) -> String {
    let mut text = String::new();
    let mut last = "";
    for endpoint in endpoints {
        let (scheme, rest) = match endpoint {
            Endpoint::Tcp(rest) => ("zmq://", rest),
            Endpoint::Ipc(rest) => ("zmq-ipc://", rest),
            Endpoint::Inproc(rest) => ("zmq-inproc://", rest),
        };
        if !text.is_empty() {
            text.push(',');
        }
        if std::mem::replace(&mut last, scheme) != scheme {
            text.push_str(scheme);
        }
        text.push_str(rest);
    }
    text
}

/// An endpoint in ZeroMQ's own words.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) text: String,
    pub(super) is_ipv6: bool,
    /// Other machines can reach it.
    pub(super) is_remote: bool,
}

impl Resolved {
    /// True where nothing is told of connections: there is no network.
    pub(super) fn is_inproc(&self) -> bool {
        self.text.starts_with("inproc:")
    }

    fn of(address: &SocketAddr) -> Self {
        Self {
            text: format!("tcp://{address}"),
            is_ipv6: address.is_ipv6(),
            is_remote: !address.ip().is_loopback(),
        }
    }

    /// One that stays on this machine.
    fn near(text: String) -> Self {
        Self { text, is_ipv6: false, is_remote: false }
    }
}
