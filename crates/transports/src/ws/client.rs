//! `WsConnector`: connects to a service over WebSocket.

use std::{io, sync::Arc};

use async_trait::async_trait;
use http::{HeaderValue, header};
use tinyrpc_core::{Connection, Connector, Limits, PeerAddress};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error,
        client::IntoClientRequest,
        error::{ProtocolError, SubProtocolError},
        handshake::client::{Request, Response},
        protocol::Role,
    },
};

use super::socket::{config, connection};
use crate::http::Target;

/// Connects to a service over WebSocket.
#[derive(Clone, Debug)]
pub struct WsConnector {
    target: Target,
    subprotocol: Option<HeaderValue>,
    limits: Arc<Limits>,
}

impl WsConnector {
    /// Connects to a target.
    pub fn new(target: Target, limits: Arc<Limits>) -> Self {
        Self { target, subprotocol: None, limits }
    }

    /// Offers the name of the protocol as a subprotocol, so that the server knows it before the
    /// first message. A server that knows no subprotocols is connected to without.
    ///
    /// # Errors
    ///
    /// The name cannot stand in a header.
    pub fn subprotocol(mut self, name: &str) -> io::Result<Self> {
        let value = HeaderValue::from_str(name);
        self.subprotocol = Some(value.map_err(|error| io::Error::other(error.to_string()))?);
        Ok(self)
    }

    fn request(&self, subprotocol: Option<&HeaderValue>) -> io::Result<Request> {
        let uri = self.target.uri(self.target.scheme("ws", "wss"))?;
        let mut request = uri.into_client_request().map_err(io::Error::other)?;
        let headers = request.headers_mut();
        if let Some(name) = subprotocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, name.clone());
        }
        headers.extend(self.target.headers.clone());
        Ok(request)
    }

    async fn open(&self, subprotocol: Option<&HeaderValue>) -> Result<Connection, Error> {
        let request = self.request(subprotocol)?;
        let (stream, address) = self.target.dial(&self.limits).await?;
        let config = Some(config(&self.limits));
        let (socket, response): (WebSocketStream<_>, Response) =
            client_async_with_config(request, stream, config).await?;
        let agreed = response.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
        let agreed = agreed.and_then(|name| name.to_str().ok()).map(Arc::from);
        Ok(connection(socket, Role::Client, PeerAddress::Socket(address), agreed, &self.limits))
    }
}

#[async_trait]
impl Connector for WsConnector {
    async fn connect(&self) -> io::Result<Connection> {
        let opened = async {
            match self.open(self.subprotocol.as_ref()).await {
                Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(
                    SubProtocolError::NoSubProtocol,
                ))) => self.open(None).await,
                opened => opened,
            }
        };
        let patience = self.limits.handshake;
        let late = |_| {
            let words = format!("the handshake took longer than `handshake` of {patience:?}");
            io::Error::new(io::ErrorKind::TimedOut, words)
        };
        timeout(patience, opened).await.map_err(late)?.map_err(refused)
    }

    fn address(&self) -> String {
        format!("{}://{}", self.target.scheme("ws", "wss"), self.target)
    }
}

/// Why there is no WebSocket, in words for whoever reads the error.
fn refused(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            let text = String::from_utf8_lossy(body);
            let shown: String = text.trim().chars().take(MOST_SHOWN).collect();
            let words = format!("the server answered {} to the handshake", response.status());
            io::Error::other(match shown.is_empty() {
                true => words,
                false => format!("{words}: {}", shown.escape_debug()),
            })
        }
        other => io::Error::other(other),
    }
}

/// Characters of a body that are shown: enough for a sentence of an error page.
const MOST_SHOWN: usize = 200;
