//! `Url`: `[PROTOCOL+]TRANSPORT://ADDRESS[?option=value&…]`.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use tinyrpc_core::{Framing, Length, Limits, Lines, Protocol};

/// An address with its protocol, transport and options.
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
    #[cfg_attr(not(feature = "tcp"), expect(dead_code, reason = "for transports"))]
    pub(crate) address: String,
    pub(crate) framing: Option<Arc<dyn Framing>>,
    timeout: Option<Duration>,
    max_message: Option<usize>,
}

/// The transports that this build has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    #[cfg(feature = "tcp")]
    Tcp,
}

/// Why a text is not a [`Url`], or not one that this build can serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(String);

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
        let lines = self.framing.as_ref().is_some_and(|framing| framing.name() == "lines");
        !lines || protocol.name() != "msgpack"
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
            None => protocol("jsonrpc"),
        }
    }

    /// How long calls wait for their answers, where the URL says it; zero is for ever.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The limits with the options of this URL in them.
    pub(crate) fn limits(&self, mut limits: Limits) -> Limits {
        limits.call_timeout = self.timeout.unwrap_or(limits.call_timeout);
        limits.max_message = self.max_message.unwrap_or(limits.max_message);
        limits
    }

    fn option(&mut self, name: &str, value: &str) -> Result<(), UrlError> {
        let bad = |what: &str| UrlError(format!("`{name}={value}`: expected {what}"));
        match name {
            "framing" => {
                self.framing = match value {
                    "self" => None,
                    "lines" => Some(Arc::new(Lines)),
                    "length" => Some(Arc::new(Length)),
                    _ => return Err(bad("lines, length or self")),
                }
            }
            "timeout" => {
                let seconds: f64 = value.parse().map_err(|_| bad("a number of seconds"))?;
                let timeout = Duration::try_from_secs_f64(seconds);
                self.timeout = Some(timeout.map_err(|_| bad("a number of seconds"))?);
            }
            "max_message" => {
                self.max_message = Some(value.parse().map_err(|_| bad("a number of bytes"))?);
            }
            _ => {
                return Err(UrlError(format!(
                    "unknown option `{name}`: there are framing, timeout and max_message"
                )));
            }
        }
        Ok(())
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
        let (protocol_name, transport) = match scheme.split_once('+') {
            Some((protocol, transport)) => (Some(protocol), transport),
            None => (None, scheme),
        };
        let (address, options) = rest.split_once('?').unwrap_or((rest, ""));
        let mut url = Self {
            text: text.into(),
            protocol: match protocol_name {
                None | Some("auto") => None,
                Some(name) => Some(protocol(name)?),
            },
            transport: transport.parse()?,
            address: address.trim_end_matches('/').into(),
            framing: None,
            timeout: None,
            max_message: None,
        };
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            url.option(name, value)?;
        }
        if url.protocol.as_ref().is_some_and(|protocol| !url.carries(&**protocol)) {
            return Err(UrlError(format!(
                "`{text}`: lines hold text, and msgpack is none: use framing=length or self"
            )));
        }
        Ok(url)
    }
}

impl FromStr for Transport {
    type Err = UrlError;

    fn from_str(name: &str) -> Result<Self, UrlError> {
        match name {
            #[cfg(feature = "tcp")]
            "tcp" => Ok(Self::Tcp),
            #[cfg(not(feature = "tcp"))]
            "tcp" => Err(UrlError("tcp:// needs the feature `tcp`".into())),
            _ => Err(UrlError(format!("unknown transport `{name}`: this version has tcp"))),
        }
    }
}

/// A protocol by its name in URLs.
fn protocol(name: &str) -> Result<Arc<dyn Protocol>, UrlError> {
    match name {
        #[cfg(feature = "jsonrpc")]
        "jsonrpc" => Ok(Arc::new(tinyrpc_protocols::JsonRpc)),
        #[cfg(feature = "jsonrpc")]
        "jsonrpc1" => Ok(Arc::new(tinyrpc_protocols::JsonRpc1)),
        #[cfg(feature = "msgpack")]
        "msgpack" => Ok(Arc::new(tinyrpc_protocols::MsgPackRpc)),
        #[cfg(not(feature = "jsonrpc"))]
        "jsonrpc" | "jsonrpc1" => Err(UrlError(format!("{name} needs the feature `jsonrpc`"))),
        #[cfg(not(feature = "msgpack"))]
        "msgpack" => Err(UrlError("msgpack needs the feature `msgpack`".into())),
        _ => Err(UrlError(format!(
            "unknown protocol `{name}`: there are auto, jsonrpc, jsonrpc1 and msgpack"
        ))),
    }
}

/// Every protocol that this build has, in the order in which `auto` asks them.
pub(crate) fn protocols() -> Vec<Arc<dyn Protocol>> {
    ["jsonrpc", "msgpack"].into_iter().filter_map(|name| protocol(name).ok()).collect()
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
