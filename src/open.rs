//! What a URL leads to: the connector or the listener of its transport.

#[cfg(feature = "amqp")]
mod amqp;
#[cfg(feature = "tcp")]
mod bind;
#[cfg(feature = "stdio")]
mod exec;
#[cfg(any(feature = "tcp", all(unix, feature = "unix"), feature = "stdio"))]
mod framed;
mod port;
mod route;
#[cfg(feature = "stdio")]
mod stdio;
#[cfg(feature = "tcp")]
mod tcp;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "udp")]
mod udp;
#[cfg(all(unix, feature = "unix"))]
mod unix;
#[cfg(feature = "http")]
mod web;
#[cfg(all(unix, feature = "zmq"))]
mod zmq;

use std::sync::Arc;

use tinyrpc_core::{Connector, Listener};

pub(crate) use self::{port::Port, route::Route};
#[cfg(any(feature = "amqp", feature = "tcp", all(unix, feature = "unix"), feature = "stdio"))]
use crate::url::Transport;
use crate::{SetupError, Url};

/// What connects to the address of a URL.
#[cfg_attr(
    not(any(feature = "amqp", feature = "tcp")),
    expect(unused_variables, reason = "only some transports have more than one way")
)]
pub(crate) fn connector(url: &Url, route: &Route) -> Result<Arc<dyn Connector>, SetupError> {
    match url.transport {
        #[cfg(feature = "tcp")]
        Transport::Tcp => Ok(tcp::connector(url, route)),
        #[cfg(feature = "tls")]
        Transport::Tls => tls::connector(url, route),
        #[cfg(all(unix, feature = "unix"))]
        Transport::Unix => unix::connector(url),
        #[cfg(feature = "stdio")]
        Transport::Exec => exec::connector(url),
        #[cfg(feature = "stdio")]
        Transport::Stdio => Ok(stdio::connector(url)),
        #[cfg(feature = "http")]
        Transport::Http => web::HTTP.connector(url, route),
        #[cfg(all(feature = "http", feature = "tls"))]
        Transport::Https => web::HTTPS.connector(url, route),
        #[cfg(feature = "ws")]
        Transport::Ws => web::WS.connector(url, route),
        #[cfg(all(feature = "ws", feature = "tls"))]
        Transport::Wss => web::WSS.connector(url, route),
        #[cfg(feature = "udp")]
        Transport::Udp => Ok(udp::connector(url)),
        #[cfg(feature = "amqp")]
        Transport::Amqp => amqp::connector(url, route),
        #[cfg(all(feature = "amqp", feature = "tls"))]
        Transport::Amqps => amqp::connector(url, route),
        #[cfg(all(unix, feature = "zmq"))]
        Transport::Zmq | Transport::ZmqIpc | Transport::ZmqInproc => zmq::connector(url, route),
    }
}

/// Where connections come from.
pub(crate) enum Source {
    /// Makes one connection at a time.
    Connector(Arc<dyn Connector>),
    /// Has any number of them.
    Listener(Box<dyn Listener>),
}

/// What has a service called from the address of a URL: it connects, and the other side calls.
#[cfg_attr(
    not(all(unix, feature = "zmq")),
    expect(unused_variables, reason = "ZeroMQ has workers of its own")
)]
pub(crate) async fn worker(url: &Url, route: &Route, port: &Port) -> Result<Source, SetupError> {
    match url.transport {
        #[cfg(feature = "http")]
        Transport::Http => Err(web::HTTP.no_worker(url)),
        #[cfg(all(feature = "http", feature = "tls"))]
        Transport::Https => Err(web::HTTPS.no_worker(url)),
        #[cfg(feature = "udp")]
        Transport::Udp => Err(udp::one_way()),
        #[cfg(feature = "amqp")]
        Transport::Amqp => Err(amqp::one_way()),
        #[cfg(all(feature = "amqp", feature = "tls"))]
        Transport::Amqps => Err(amqp::one_way()),
        #[cfg(all(unix, feature = "zmq"))]
        Transport::Zmq | Transport::ZmqIpc | Transport::ZmqInproc => {
            zmq::worker_listener(url, port).await.map(Source::Listener)
        }
        #[allow(unreachable_patterns, reason = "some builds have none of the others")]
        _ => connector(url, route).map(Source::Connector),
    }
}

/// What calls whoever comes to the address of a URL.
#[cfg_attr(
    not(all(unix, feature = "zmq")),
    expect(unused_variables, reason = "ZeroMQ has clients that bind of its own")
)]
pub(crate) async fn bound(url: &Url, route: &Route, port: &Port) -> Result<Source, SetupError> {
    match url.transport {
        #[cfg(all(unix, feature = "zmq"))]
        Transport::Zmq | Transport::ZmqIpc | Transport::ZmqInproc => {
            zmq::binding_connector(url, route).await.map(Source::Connector)
        }
        #[allow(unreachable_patterns, reason = "some builds have none of the others")]
        _ => listener(url, port).await.map(Source::Listener),
    }
}

/// Refuses the addresses where nobody can listen who calls whoever comes.
pub(crate) fn check_bound(url: &Url) -> Result<(), SetupError> {
    match url.transport {
        #[cfg(feature = "stdio")]
        Transport::Exec => Err(exec::no_listener(url)),
        #[cfg(feature = "http")]
        Transport::Http => Err(web::HTTP.no_bound(url)),
        #[cfg(all(feature = "http", feature = "tls"))]
        Transport::Https => Err(web::HTTPS.no_bound(url)),
        #[cfg(feature = "udp")]
        Transport::Udp => Err(udp::one_way()),
        #[cfg(feature = "amqp")]
        Transport::Amqp => Err(amqp::one_way()),
        #[cfg(all(feature = "amqp", feature = "tls"))]
        Transport::Amqps => Err(amqp::one_way()),
        #[cfg(all(unix, feature = "zmq"))]
        Transport::Zmq | Transport::ZmqIpc | Transport::ZmqInproc => zmq::check_bound(url),
        #[allow(unreachable_patterns, reason = "some builds have none of the others")]
        _ => Ok(()),
    }
}

/// What listens on the address of a URL.
#[cfg_attr(
    not(any(feature = "amqp", feature = "tcp")),
    expect(unused_variables, reason = "only some transports reach other machines")
)]
pub(crate) async fn listener(url: &Url, port: &Port) -> Result<Box<dyn Listener>, SetupError> {
    match url.transport {
        #[cfg(feature = "tcp")]
        Transport::Tcp => tcp::listener(url, port).await,
        #[cfg(feature = "tls")]
        Transport::Tls => tls::listener(url, port).await,
        #[cfg(all(unix, feature = "unix"))]
        Transport::Unix => unix::listener(url),
        #[cfg(feature = "stdio")]
        Transport::Exec => Err(exec::no_listener(url)),
        #[cfg(feature = "stdio")]
        Transport::Stdio => stdio::listener(url),
        #[cfg(feature = "http")]
        Transport::Http => web::HTTP.listener(url, port).await,
        #[cfg(all(feature = "http", feature = "tls"))]
        Transport::Https => web::HTTPS.listener(url, port).await,
        #[cfg(feature = "ws")]
        Transport::Ws => web::WS.listener(url, port).await,
        #[cfg(all(feature = "ws", feature = "tls"))]
        Transport::Wss => web::WSS.listener(url, port).await,
        #[cfg(feature = "udp")]
        Transport::Udp => udp::listener(url, port).await,
        #[cfg(feature = "amqp")]
        Transport::Amqp => amqp::listener(url, port).await,
        #[cfg(all(feature = "amqp", feature = "tls"))]
        Transport::Amqps => amqp::listener(url, port).await,
        #[cfg(all(unix, feature = "zmq"))]
        Transport::Zmq | Transport::ZmqIpc | Transport::ZmqInproc => zmq::listener(url, port).await,
    }
}
