//! `Target`: whom to call, and how long that may take.

use std::time::{Duration, Instant};

use tinyrpc::{Client, ClientBuilder, Limits, Url};

use crate::{command::Peer, failure::Failure, hints};

/// A peer to connect to.
#[derive(Debug)]
pub(crate) struct Target {
    url: String,
    framing: Option<String>,
    timeout: Duration,
    begun: Instant,
}

impl Target {
    /// The peer that the command line names.
    ///
    /// # Errors
    ///
    /// The URL is wrong.
    pub(crate) fn new(peer: &Peer) -> Result<Self, Failure> {
        let (url, framing) = (peer.url.clone(), peer.framing.clone());
        let parsed: Url = url.parse().map_err(|error| hints::url(&error))?;
        let timeout = peer.timeout.or_else(|| parsed.timeout());
        let timeout = timeout.unwrap_or_else(|| Limits::default().call_timeout);
        Ok(Self { url, framing, timeout, begun: Instant::now() })
    }

    /// How long the whole may take; zero is for ever.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What is left of that; zero is for ever.
    pub(crate) fn left(&self) -> Duration {
        match self.timeout {
            Duration::ZERO => Duration::ZERO,
            timeout => timeout.saturating_sub(self.begun.elapsed()).max(SHORTEST),
        }
    }

    /// A client that is not connected yet.
    ///
    /// # Errors
    ///
    /// The URL is none for clients.
    pub(crate) fn builder(&self) -> Result<ClientBuilder, Failure> {
        let builder = ClientBuilder::from_url(&self.url);
        let builder = match &self.framing {
            Some(framing) => builder.and_then(|builder| builder.option("framing", framing)),
            None => builder,
        };
        builder.map_err(|error| hints::connect(&error))
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// There is no connection, or not in time.
    pub(crate) async fn connect(&self, builder: ClientBuilder) -> Result<Client, Failure> {
        let connecting = builder.connect();
        if self.timeout.is_zero() {
            return connecting.await.map_err(|error| hints::connect(&error));
        }
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(connected) => connected.map_err(|error| hints::connect(&error)),
            Err(_) => Err(hints::connect_timeout(&self.url, self.timeout)),
        }
    }
}

/// Has a program that was started end by itself, which takes it a moment; other peers need none.
pub(crate) async fn leave(client: Client) {
    if client.address().starts_with("exec:") {
        client.close().await;
    }
}

/// A URL with the option `framing`, which wins over one that it has.
pub(crate) fn with_framing(url: &str, framing: Option<&str>) -> String {
    match framing {
        None => url.into(),
        Some(name) => {
            let separator = if url.contains('?') { '&' } else { '?' };
            format!("{url}{separator}framing={name}")
        }
    }
}

/// Above zero, which would be for ever.
const SHORTEST: Duration = Duration::from_millis(1);
