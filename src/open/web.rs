//! `http://`, `https://`, `ws://` and `wss://HOST[:PORT][/PATH]`.

use std::sync::Arc;

use tinyrpc_core::{Connector, Listener};
#[cfg(feature = "ws")]
use tinyrpc_transports::ws::WsConnector;
use tinyrpc_transports::{
    http::{HttpConnector, Target, WebListener},
    tcp::TcpListener,
};

use super::{
    Port, Route,
    bind::{Cover, bind},
};
use crate::{SetupError, Url, UrlError};

/// Posts.
pub(super) const HTTP: Scheme = Scheme { socket: false, cover: Cover::Plain };
/// Posts over TLS.
#[cfg(feature = "tls")]
pub(super) const HTTPS: Scheme = Scheme { socket: false, cover: Cover::Tls };
/// WebSockets.
#[cfg(feature = "ws")]
pub(super) const WS: Scheme = Scheme { socket: true, cover: Cover::Plain };
/// WebSockets over TLS.
#[cfg(all(feature = "ws", feature = "tls"))]
pub(super) const WSS: Scheme = Scheme { socket: true, cover: Cover::Tls };

/// What a scheme says of the way to a service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scheme {
    socket: bool,
    cover: Cover,
}

impl Scheme {
    pub(super) fn connector(
        self,
        url: &Url,
        route: &Route,
    ) -> Result<Arc<dyn Connector>, SetupError> {
        // A URL with a password in it is refused in words that have it no more.
        let failed = |source| SetupError::Io { address: url.without_user(), source };
        let mut target = Target::new(&url.address).map_err(failed)?;
        for (name, value) in &route.headers {
            target = target.header(name, value).map_err(failed)?;
        }
        #[cfg(feature = "tls")]
        if self.cover == Cover::Tls {
            target = target.tls(route.tls.clone());
        }
        let limits = Arc::clone(&route.limits);
        #[cfg(feature = "ws")]
        if self.socket {
            let connector = WsConnector::new(target, limits);
            let protocol = if route.waits { url.named() } else { Some(url.spoken()?) };
            return Ok(Arc::new(match protocol {
                Some(protocol) => connector.subprotocol(protocol.name()).map_err(failed)?,
                None => connector,
            }));
        }
        Ok(Arc::new(HttpConnector::new(target, limits)))
    }

    /// Over posts only the side that connects can call.
    pub(super) fn no_worker(self, url: &Url) -> SetupError {
        UrlError(format!(
            "`{}`: over posts a service cannot connect to be called: use ws or wss, or listen",
            url.without_user()
        ))
        .into()
    }

    /// Over posts only the side that connects can call.
    pub(super) fn no_bound(self, url: &Url) -> SetupError {
        UrlError(format!(
            "`{}`: over posts nobody can be called who connects: bind over ws or wss",
            url.without_user()
        ))
        .into()
    }

    pub(super) async fn listener(
        self,
        url: &Url,
        port: &Port,
    ) -> Result<Box<dyn Listener>, SetupError> {
        let (authority, path) = match url.address.find('/') {
            Some(slash) => url.address.split_at(slash),
            None => (&*url.address, ""),
        };
        let bound = bind(url, authority, self.cover, port).await?;
        let limits = Arc::clone(&port.limits);
        let listener = match self.socket {
            #[cfg(feature = "ws")]
            true => WebListener::ws(bound, limits),
            _ => WebListener::http(bound, limits),
        };
        let listener = named(listener, url, authority);
        #[cfg(feature = "tls")]
        let listener = match self.cover {
            Cover::Tls => listener.tls(super::tls::certificate(url, port)?),
            Cover::Plain => listener,
        };
        let web = port.web.clone();
        Ok(Box::new(listener.web(if path.is_empty() { web } else { web.path(path) })))
    }
}

/// A port for everything.
pub(super) fn any(bound: TcpListener, url: &Url, port: &Port) -> WebListener {
    let listener = WebListener::any(bound, Arc::clone(&port.limits)).web(port.web.clone());
    let listener = named(listener, url, &url.address);
    #[cfg(feature = "tls")]
    if let Some(tls) = &port.tls {
        return listener.tls(tls.clone());
    }
    listener
}

/// Says under which name the port is reached, and what a WebSocket may agree on there.
fn named(listener: WebListener, url: &Url, authority: &str) -> WebListener {
    #[cfg(feature = "ws")]
    let listener =
        listener.subprotocols(url.served().into_iter().map(|protocol| protocol.name().into()));
    #[cfg(not(feature = "ws"))]
    let _ = url;
    match authority.rsplit_once(':') {
        Some((name, _)) => listener.host(name),
        None => listener,
    }
}
