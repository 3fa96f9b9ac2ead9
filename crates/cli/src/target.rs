//! `Target`: whom to call, and how long that may take.

use std::time::{Duration, Instant};

use tinyrpc::{Client, ClientBuilder, Limits, Url};

use crate::{
    certificates,
    command::Peer,
    failure::Failure,
    headers::Headers,
    hints::{self, Circumstances, Stranger},
    scheme::{Scheme, has_user},
};

/// A peer to connect to.
#[derive(Debug)]
pub(crate) struct Target {
    url: String,
    framing: Option<String>,
    headers: Headers,
    tls: Option<certificates::Client>,
    timeout: Duration,
    begun: Instant,
}

impl Target {
    /// The peer that the command line names.
    ///
    /// # Errors
    ///
    /// The URL is wrong, or headers or certificates that are none, or for another transport.
    pub(crate) fn new(peer: &Peer) -> Result<Self, Failure> {
        let (url, framing) = (peer.url.clone(), peer.framing.clone());
        if has_user(&url) {
            // The URL is not shown.
            return Err(Failure::usage("a name or a password in a URL ends up in logs")
                .hint("--header-env VARIABLE or --header @FILE, with Authorization in it"));
        }
        let parsed: Url = url.parse().map_err(|error| hints::url(&error))?;
        let timeout = peer.timeout.or_else(|| parsed.timeout());
        let timeout = timeout.unwrap_or_else(|| Limits::default().call_timeout);
        let (headers, tls) = (Headers::new(peer)?, certificates::client(peer)?);
        Ok(Self { url, framing, headers, tls, timeout, begun: Instant::now() })
    }

    /// What hints about a lost call depend on.
    pub(crate) fn circumstances(&self, heard: Option<Stranger>) -> Circumstances<'_> {
        Circumstances { timeout: self.timeout, scheme: Scheme::of(&self.url), heard }
    }

    /// What is left of the time for the whole; zero is for ever.
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
        let builder = builder.map_err(|error| hints::connect(&error))?;
        let builder = self.headers.give(builder);
        Ok(certificates::give_client(self.tls.as_ref(), builder))
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
