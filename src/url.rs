//! `Url`: `[PROTOCOL+]TRANSPORT://ADDRESS[?option=value&…]`.

mod options;
mod protocols;
#[cfg(test)]
mod tests;
mod transport;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use tinyrpc_core::{Framing, Limits, Protocol};

use self::options::Options;
pub(crate) use self::{protocols::protocols, transport::Transport};

/// An address with its protocol, transport and options.
///
/// | part | values |
/// |---|---|
/// | protocol | `jsonrpc`, `jsonrpc1` (before 2.0), `msgpack`; `auto`, the default of servers, takes what the peer's first bytes say; the default of clients is `jsonrpc` |
/// | transport | `tcp://HOST:PORT`; `unix:///PATH` or `ipc:///PATH` (feature `unix`) |
/// | `framing` | `lines`, `content-length`, `length`, `netstring`, or `self`, the default: as the protocol does by itself. Under `auto` a server recognises all of them |
/// | `timeout` | seconds that a call waits for its answer |
/// | `max_message` | bytes of one message |
///
/// ```
/// use tinyrpc::Url;
///
/// let url: Url = "msgpack+tcp://127.0.0.1:4000?timeout=5".parse()?;
/// assert_eq!(url.to_string(), "msgpack+tcp://127.0.0.1:4000?timeout=5");
/// assert!("http+tcp://x:1".parse::<Url>().is_err());
/// # Ok::<(), tinyrpc::UrlError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Url {
    text: String,
    /// `None` is `auto`.
    protocol: Option<Arc<dyn Protocol>>,
    pub(crate) transport: Transport,
    #[cfg_attr(
        not(any(feature = "tcp", all(unix, feature = "unix"))),
        expect(dead_code, reason = "for transports")
    )]
    pub(crate) address: String,
    options: Options,
}

/// Why a text is not a [`Url`], or not one that this build can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(pub(crate) String);

impl Url {
    /// The protocols that a server accepts under this URL.
    pub(crate) fn served(&self) -> Vec<Arc<dyn Protocol>> {
        match &self.protocol {
            Some(protocol) => vec![Arc::clone(protocol)],
            None => {
                let mut all = protocols();
                all.retain(|protocol| self.carries(&**protocol));
                all
            }
        }
    }

    /// True where the framing of this URL can hold the messages of a protocol. MessagePack has line
    /// feeds anywhere, and behind one that ends the lines of an HTTP request the body of a page's
    /// post would pass for a call.
    fn carries(&self, protocol: &dyn Protocol) -> bool {
        let format = protocol.open(&Limits::default()).profile.format;
        self.framing().is_none_or(|framing| framing.carries(format))
    }

    /// The protocol that a client speaks under this URL.
    ///
    /// # Errors
    ///
    /// `auto`: a client has to begin.
    pub(crate) fn spoken(&self) -> Result<Arc<dyn Protocol>, UrlError> {
        match &self.protocol {
            Some(protocol) => Ok(Arc::clone(protocol)),
            None if self.text.starts_with("auto+") => Err(UrlError(
                "a client cannot use `auto`: name a protocol, as in jsonrpc+tcp://".into(),
            )),
            None => protocols::named("jsonrpc"),
        }
    }

    /// The framing in place of the protocol's own, where one is asked for.
    pub(crate) fn framing(&self) -> Option<&Arc<dyn Framing>> {
        self.options.framing.as_ref()
    }

    /// How long calls wait for their answers, where the URL says it; zero is for ever.
    pub fn timeout(&self) -> Option<Duration> {
        self.options.timeout
    }

    /// The limits with the options of this URL in them.
    pub(crate) fn limits(&self, mut limits: Limits) -> Limits {
        limits.call_timeout = self.options.timeout.unwrap_or(limits.call_timeout);
        limits.max_message = self.options.max_message.unwrap_or(limits.max_message);
        limits
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(UrlError(format!(
                "`{text}` is not a URL: expected [PROTOCOL+]TRANSPORT://ADDRESS, as in jsonrpc+tcp://127.0.0.1:4000"
            )));
        };
        let (protocol, transport) = match scheme.split_once('+') {
            Some((protocol, transport)) => (Some(protocol), transport),
            None => (None, scheme),
        };
        let (address, options) = rest.split_once('?').unwrap_or((rest, ""));
        let url = Self {
            text: text.into(),
            protocol: match protocol {
                None | Some("auto") => None,
                Some(name) => Some(protocols::named(name)?),
            },
            transport: transport.parse()?,
            address: address.trim_end_matches('/').into(),
            options: options.parse()?,
        };
        if url.protocol.as_ref().is_some_and(|protocol| !url.carries(&**protocol)) {
            return Err(UrlError(format!(
                "`{text}`: lines hold text, and msgpack is none: use framing=length or self"
            )));
        }
        Ok(url)
    }
}

/// Joins names to a list for an error: `a, b and c`.
fn list(names: impl IntoIterator<Item = &'static str>, last: &str) -> String {
    let names: Vec<_> = names.into_iter().collect();
    match names.as_slice() {
        [] => "none".into(),
        [one] => (*one).into(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UrlError {}
