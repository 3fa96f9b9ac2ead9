//! `TlsConnector`: a stream of bytes over TLS over TCP.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use tinyrpc_core::{Connection, Connector, PeerAddress};
use tokio::net::TcpStream;

use super::{ClientTls, LONGEST, client_stream::ClientTlsStream, explain::explain, in_time};
use crate::{
    stream,
    tcp::{self, KeepAlive},
};

/// Connects to a host and port over TLS.
#[derive(Clone, Debug)]
pub struct TlsConnector {
    host: Arc<str>,
    port: u16,
    tls: Arc<ClientTls>,
    limit: Duration,
    keepalive: KeepAlive,
}

impl TlsConnector {
    /// Connects to `host`, whose certificate must be for that name.
    pub fn new(host: &str, port: u16, tls: ClientTls) -> Self {
        let keepalive = KeepAlive::default();
        Self { host: host.into(), port, tls: Arc::new(tls), limit: LONGEST, keepalive }
    }

    /// Bounds the time of the handshake; it is 5 s at most.
    #[must_use]
    pub fn handshake(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Sets how soon a connection notices that its peer is gone.
    #[must_use]
    pub fn keepalive(self, keepalive: KeepAlive) -> Self {
        Self { keepalive, ..self }
    }
}

#[async_trait]
impl Connector for TlsConnector {
    async fn connect(&self) -> io::Result<Connection> {
        let (stream, address) = tcp::dial((&*self.host, self.port), self.keepalive).await?;
        let stream = shake(stream, &self.host, &self.tls, self.limit).await?;
        Ok(stream::connection(stream, PeerAddress::Socket(address)))
    }

    fn address(&self) -> String {
        match self.host.contains(':') {
            true => format!("tls://[{}]:{}", self.host, self.port),
            false => format!("tls://{}:{}", self.host, self.port),
        }
    }
}

/// The client's side of a handshake.
pub(crate) async fn shake(
    stream: TcpStream,
    host: &str,
    tls: &ClientTls,
    limit: Duration,
) -> io::Result<ClientTlsStream> {
    let name = tls.expected(host)?;
    let connector = tokio_rustls::TlsConnector::from(tls.config()?);
    match in_time(limit, connector.connect(name, stream)).await? {
        Ok(stream) => Ok(ClientTlsStream::new(stream, host)),
        Err(error) => Err(explain(error, host)),
    }
}
