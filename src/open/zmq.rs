//! `zmq://HOST:PORT`, `zmq-ipc:///PATH` and `zmq-inproc://NAME`, and lists of them.

use std::{io, sync::Arc};

use tinyrpc_core::{Connector, Listener};
use tinyrpc_transports::zmq::{Endpoint, Tuning, ZmqConnector, ZmqEndpoints, ZmqListener};

use super::{
    Port, Route,
    bind::{Cover, addresses},
};
use crate::{
    SetupError, Url, UrlError,
    url::{Pattern, Side, Transport},
};

/// The endpoints of a URL, by what becomes of them.
struct Places {
    bind: Vec<Endpoint>,
    connect: Vec<Endpoint>,
}

/// Connects, unless the URL says otherwise.
pub(super) fn connector(url: &Url, route: &Route) -> Result<Arc<dyn Connector>, SetupError> {
    Ok(Arc::new(calling(url, route, Side::Connect)?))
}

/// What calls the workers that come; it is bound already.
pub(super) async fn binding_connector(
    url: &Url,
    route: &Route,
) -> Result<Arc<dyn Connector>, SetupError> {
    let failed = |source| SetupError::Io { address: url.to_string(), source };
    Ok(Arc::new(calling(url, route, Side::Bind)?.opened().await.map_err(failed)?))
}

/// Binds, unless the URL says otherwise.
pub(super) async fn listener(url: &Url, port: &Port) -> Result<Box<dyn Listener>, SetupError> {
    serving(url, port, Side::Bind).await
}

/// What is called by clients that are bound: it connects, again and again.
pub(super) async fn worker_listener(
    url: &Url,
    port: &Port,
) -> Result<Box<dyn Listener>, SetupError> {
    serving(url, port, Side::Connect).await
}

/// Refuses what cannot be bound by a client.
pub(super) fn check_bound(url: &Url) -> Result<(), SetupError> {
    Places::of(url, Side::Bind).map(drop)
}

fn calling(url: &Url, route: &Route, side: Side) -> Result<ZmqConnector, SetupError> {
    let (sockets, places) = (url.sockets(), Places::of(url, side)?);
    let mut connector = ZmqConnector::nowhere(Arc::clone(&route.limits)).tuned(tuning(url));
    connector = places.bind.into_iter().fold(connector, ZmqConnector::and_bind);
    connector = places.connect.into_iter().fold(connector, ZmqConnector::and_connect);
    if sockets.envelope {
        connector = connector.enveloped();
    }
    if !route.allow_remote {
        connector = connector.bound_locally();
    }
    Ok(match sockets.pattern {
        Pattern::Calls => connector,
        Pattern::Push => connector.pushing(),
        Pattern::Publish => connector.publishing(sockets.topics.concat()),
    })
}

async fn serving(url: &Url, port: &Port, side: Side) -> Result<Box<dyn Listener>, SetupError> {
    let (sockets, places) = (url.sockets(), Places::of(url, side)?);
    let listener = ZmqListener::new(&port.limits).tuned(tuning(url));
    let listener = match sockets.pattern {
        Pattern::Calls => listener,
        Pattern::Push => listener.pulling(),
        Pattern::Publish => listener.subscribing(sockets.topics.clone()),
    };
    let endpoints = listener.endpoints();
    for endpoint in &places.bind {
        bind(url, endpoint, &endpoints, port).await?;
    }
    for endpoint in &places.connect {
        let failed = |source| SetupError::Io { address: url.to_string(), source };
        endpoints.connect(endpoint).await.map_err(failed)?;
    }
    Ok(Box::new(listener))
}

/// Binds an endpoint; over TCP the first of its addresses that can be bound.
async fn bind(
    url: &Url,
    endpoint: &Endpoint,
    endpoints: &ZmqEndpoints,
    port: &Port,
) -> Result<(), SetupError> {
    let found = match endpoint {
        Endpoint::Tcp(authority) => addresses(url, authority, Cover::Plain, port)
            .await?
            .into_iter()
            .map(|address| Endpoint::Tcp(address.to_string()))
            .collect(),
        other => vec![other.clone()],
    };
    let mut error = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for endpoint in found {
        match endpoints.bind(&endpoint).await {
            Ok(_) => return Ok(()),
            Err(refused) => error = refused,
        }
    }
    Err(SetupError::Io { address: url.to_string(), source: error })
}

fn tuning(url: &Url) -> Tuning {
    let (sockets, mut tuning) = (url.sockets(), Tuning::default());
    tuning.hwm = sockets.hwm.unwrap_or(tuning.hwm);
    tuning.linger = sockets.linger.unwrap_or(tuning.linger);
    tuning.batch = sockets.batch;
    tuning
}

impl Places {
    /// Those of a URL, and what becomes of what stands before its options if it does not say.
    fn of(url: &Url, side: Side) -> Result<Self, SetupError> {
        let sockets = url.sockets();
        let mut places = Self { bind: Vec::new(), connect: Vec::new() };
        let kind = match url.transport {
            Transport::ZmqIpc => "ipc",
            Transport::ZmqInproc => "inproc",
            _ => "tcp",
        };
        match sockets.side.unwrap_or(side) {
            Side::Bind => read(url, kind, &url.address, &mut places.bind)?,
            Side::Connect => read(url, kind, &url.address, &mut places.connect)?,
        }
        for list in &sockets.bind {
            read(url, kind, list, &mut places.bind)?;
        }
        for list in &sockets.connect {
            read(url, kind, list, &mut places.connect)?;
        }
        Ok(places)
    }
}

/// Reads a list of endpoints, each of the kind that was named last.
fn read<'l>(
    url: &Url,
    mut kind: &'l str,
    list: &'l str,
    into: &mut Vec<Endpoint>,
) -> Result<(), SetupError> {
    for item in list.split(',') {
        let (named, rest) = item.split_once("://").unwrap_or((kind, item));
        kind = named;
        let wrong = |what: &str| SetupError::from(UrlError(format!("`{url}`: {what}")));
        if rest.is_empty() {
            return Err(wrong("an endpoint is empty"));
        }
        into.push(match kind {
            "zmq" | "tcp" => {
                if rest.rsplit_once(':').is_none_or(|(_, port)| port.parse::<u16>().is_err()) {
                    return Err(wrong(&format!("`{rest}` is not HOST:PORT")));
                }
                // Host 0 is every interface, as in zerorpc.
                Endpoint::Tcp(match rest.split_once(':') {
                    Some(("0" | "*", port)) => format!("0.0.0.0:{port}"),
                    _ => rest.into(),
                })
            }
            "zmq-ipc" | "zmq+ipc" | "ipc" => Endpoint::Ipc(rest.into()),
            "zmq-inproc" | "zmq+inproc" | "inproc" => Endpoint::Inproc(rest.into()),
            _ => return Err(wrong(&format!("`{kind}://` is no endpoint of ZeroMQ"))),
        });
    }
    Ok(())
}
