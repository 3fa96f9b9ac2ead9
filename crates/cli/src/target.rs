//! `Target`: whom to call, and how long that may take.

use std::time::{Duration, Instant};

use tinyrpc::{Client, ClientBuilder, Limits, SetupError, Url};

use crate::{
    certificates,
    command::Peer,
    failure::Failure,
    headers::Headers,
    hints::{self, Circumstances, Stranger},
    output,
    scheme::{Scheme, has_user, reachable},
};

/// A peer to connect to, or several, or a place where they come.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where it connects.
    servers: Vec<String>,
    /// Where it listens.
    binds: Vec<String>,
    allow_remote: bool,
    framing: Option<String>,
    headers: Headers,
    tls: certificates::Sides,
    timeout: Duration,
    /// The time was said, by an option or a URL.
    is_timed: bool,
    begun: Instant,
}

impl Target {
    /// The peer that the command line names.
    ///
    /// # Errors
    ///
    /// The URL is wrong, or headers or certificates that are none, or for another transport.
    pub(crate) fn new(peer: &Peer) -> Result<Self, Failure> {
        let (mut timeout, mut format) = (peer.timeout, None);
        for url in peer.urls() {
            if has_user(url) {
                // The URL is not shown.
                return Err(Failure::usage("a name or a password in a URL ends up in logs")
                    .hint("--header-env VARIABLE or --header @FILE, with Authorization in it"));
            }
            let parsed: Url = url.parse().map_err(|error| hints::url(&error))?;
            timeout = timeout.or_else(|| parsed.timeout());
            let is_msgpack = url.starts_with("msgpack+");
            if *format.get_or_insert(is_msgpack) != is_msgpack {
                return Err(Failure::usage("the URLs have protocols of different formats")
                    .hint("the params are written once: all URLs are JSON-RPC or none is"));
            }
        }
        let owned = |url: &str| url.to_owned();
        Ok(Self {
            servers: peer.servers().map(owned).collect(),
            binds: peer.bind.clone(),
            allow_remote: peer.allow_remote,
            framing: peer.framing.clone(),
            headers: Headers::new(peer)?,
            tls: certificates::client(peer)?,
            is_timed: timeout.is_some(),
            timeout: timeout.unwrap_or_else(|| Limits::default().call_timeout),
            begun: Instant::now(),
        })
    }

    /// The first address.
    fn first(&self) -> &str {
        self.servers.first().or_else(|| self.binds.first()).map_or("", String::as_str)
    }

    /// What hints about a lost call depend on.
    pub(crate) fn circumstances(&self, heard: Option<Stranger>) -> Circumstances<'_> {
        let is_bound = self.servers.is_empty();
        Circumstances { timeout: self.timeout, scheme: Scheme::of(self.first()), is_bound, heard }
    }

    /// What is left of the time for the whole; zero is for ever.
    pub(crate) fn left(&self) -> Duration {
        match self.timeout {
            Duration::ZERO => Duration::ZERO,
            timeout => timeout.saturating_sub(self.begun.elapsed()).max(SHORTEST),
        }
    }

    /// What is left of the time for a whole stream; nothing where none was said.
    pub(crate) fn left_of_stream(&self) -> Option<Duration> {
        (self.is_timed && !self.timeout.is_zero()).then(|| self.left())
    }

    /// A client that is not connected yet.
    ///
    /// # Errors
    ///
    /// The URL is none for clients.
    pub(crate) fn builder(&self) -> Result<ClientBuilder, Failure> {
        let builder = self.addresses().map_err(|error| hints::connect(&error))?;
        let mut builder = self.headers.give(builder);
        if self.allow_remote {
            builder = builder.allow_remote();
        }
        Ok(certificates::give_client(&self.tls, builder))
    }

    fn addresses(&self) -> Result<ClientBuilder, SetupError> {
        let (first, binds) = match self.binds.split_first() {
            Some((first, others)) if self.servers.is_empty() => {
                (ClientBuilder::bind(first)?, others)
            }
            _ => (ClientBuilder::from_urls(&self.servers)?, &*self.binds),
        };
        let builder = binds.iter().try_fold(first, ClientBuilder::also_bind)?;
        match &self.framing {
            Some(framing) => builder.option("framing", framing),
            None => Ok(builder),
        }
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// There is no connection, or not in time.
    pub(crate) async fn connect(&self, builder: ClientBuilder) -> Result<Client, Failure> {
        let connecting = builder.connect();
        let connected = match self.timeout.is_zero() {
            true => connecting.await,
            false => match tokio::time::timeout(self.timeout, connecting).await {
                Ok(connected) => connected,
                Err(_) => return Err(hints::connect_timeout(self.first(), self.timeout)),
            },
        };
        let client = connected.map_err(|error| match self.servers.is_empty() {
            true => hints::listen(&error),
            false => hints::connect(&error),
        })?;
        // The last addresses are those where it listens.
        let addresses = client.addresses();
        for (bind, address) in self.binds.iter().rev().zip(addresses.iter().rev()) {
            let url = reachable(&with_framing(bind, self.framing.as_deref()), &address.url);
            output::tell(&format!("listening on {url}"));
        }
        Ok(client)
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
