//! `TlsConnector`: a stream of bytes over TLS over TCP.

use std::{io, sync::Arc};

use async_trait::async_trait;
use tinyrpc_core::{Connection, Connector, PeerAddress};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::client::TlsStream;

use super::{ClientTls, PATIENCE, explain::explain};
use crate::{stream, tcp};

/// Connects to a host and port over TLS.
#[derive(Clone, Debug)]
pub struct TlsConnector {
    host: Arc<str>,
    port: u16,
    tls: Arc<ClientTls>,
}

impl TlsConnector {
    /// Connects to `host`, whose certificate must be for that name.
    pub fn new(host: &str, port: u16, tls: ClientTls) -> Self {
        Self { host: host.into(), port, tls: Arc::new(tls) }
    }
}

#[async_trait]
impl Connector for TlsConnector {
    async fn connect(&self) -> io::Result<Connection> {
        let (stream, address) = tcp::dial((&*self.host, self.port)).await?;
        let stream = shake(stream, &self.host, &self.tls).await?;
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
) -> io::Result<TlsStream<TcpStream>> {
    let name = tls.expected(host)?;
    let connector = tokio_rustls::TlsConnector::from(tls.config()?);
    let late = |_| {
        io::Error::new(io::ErrorKind::TimedOut, format!("no TLS handshake within {PATIENCE:?}"))
    };
    let shaken = timeout(PATIENCE, connector.connect(name, stream)).await.map_err(late)?;
    shaken.map_err(|error| explain(error, host))
}
