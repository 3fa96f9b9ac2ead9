//! `Url`: `[PROTOCOL+]TRANSPORT://ADDRESS[?option=value&…]`, or without slashes where there is no
//! address.

mod options;
mod protocols;
mod sockets;
#[cfg(test)]
mod tests;
mod transport;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use tinyrpc_core::{Framing, Limits, Protocol};

use self::sockets::Sockets;
#[cfg(all(unix, feature = "zmq"))]
pub(crate) use self::sockets::{Pattern, Side};
use self::transport::Form;
pub(crate) use self::{options::Options, protocols::protocols, transport::Transport};

/// An address with its protocol, transport and options.
///
/// | part | values |
/// |---|---|
/// | protocol | `jsonrpc`, `jsonrpc1` (before 2.0), `msgpack`; `auto`, the default of servers, takes what the peer's first bytes say; the default of clients is `jsonrpc` |
/// | transport | `tcp://HOST:PORT`; `unix:///PATH` or `ipc:///PATH` (feature `unix`); `exec:PROGRAM ARG…` starts a program, all that stands behind it being read as a shell does, and `stdio:` is our own standard input and output (feature `stdio`); `zmq://HOST:PORT`, `zmq-ipc:///PATH` (or `zmq+ipc`) and `zmq-inproc://NAME` (or `zmq+inproc`), or a list of them with commas, as in `zmq://HOST:PORT,HOST:PORT,zmq-ipc:///PATH` (feature `zmq`, on Unix); `amqp://[USER[:PASSWORD]@]HOST[:PORT][/VHOST]?queue=NAME` (feature `amqp`), and the same over TLS as `amqps` (features `amqp` and `tls`); `udp://HOST:PORT` (feature `udp`) |
/// | `framing` | `lines`, `content-length`, `length`, `netstring`, or `self`, the default: as the protocol does by itself. Under `auto` a server recognises all of them |
/// | `timeout` | seconds that a call waits for its answer |
/// | `dialect` | of `jsonrpc`: `lsp` or `mcp`, whose words cancel calls: see [`JsonRpcDialect`](crate::protocols::JsonRpcDialect) |
/// | `max_message` | bytes of one message; over UDP 1,232 unless it is said, and 65,507 at most |
/// | `queue` | over AMQP, the name of the queue; it must be said |
/// | `durable` | over AMQP, the queue and its messages survive the end of the broker |
/// | `exchange`, `routing_key` | over AMQP, where requests are sent to, and servers bind their queue; the default exchange and the name of the queue unless said |
/// | `prefetch` | servers over AMQP: how many requests one has at a time that are not answered; 64 unless said |
/// | `tries` | servers over AMQP: how often a message is delivered again after its worker was lost, before it goes to the queue of dead letters; 5 unless said |
/// | `reply` | clients over AMQP: `direct` for answers without a queue of their own |
/// | `bind`, `connect` | over ZeroMQ, without a value: what stands before is bound or connected; servers bind and clients connect unless it is said. With endpoints as values, which are bound or connected beside; they may be said again |
/// | `envelope` | clients over ZeroMQ: each message is an exchange in an envelope, for servers that are a REP |
/// | `pattern` | over ZeroMQ: `push` or `pull`, which mean the same, for notifications to one of several servers; `pub` or `sub` for notifications to all of them |
/// | `topic` | what a client publishes under, or what servers subscribe to; for servers it may be said again |
/// | `hwm` | over ZeroMQ: messages that its sockets hold for each peer; 1,000 unless said otherwise |
/// | `linger` | over ZeroMQ: seconds, 1 at most, for which an end waits for what was not sent yet |
/// | `batch` | over ZeroMQ, on Linux: its own threads interrupt nobody, which is faster where they share a processor with this program and with nothing else |
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
        self.framing().is_none_or(|framing| carries(&**framing, protocol))
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

    /// Names a protocol.
    pub(crate) fn speak(&mut self, protocol: Arc<dyn Protocol>) {
        self.protocol = Some(protocol);
    }

    /// The protocol that the URL names.
    #[cfg(feature = "ws")]
    pub(crate) fn named(&self) -> Option<Arc<dyn Protocol>> {
        self.protocol.clone()
    }

    /// True where the URL names no protocol.
    #[cfg(feature = "http")]
    pub(crate) fn is_auto(&self) -> bool {
        self.protocol.is_none()
    }

    /// The same without the protocol, where one is named.
    pub(crate) fn without_protocol(&self) -> &str {
        let (scheme, _) = self.text.split_once(':').unwrap_or((&self.text, ""));
        let (_, name) = split(scheme);
        self.text.get(scheme.len() - name.len()..).unwrap_or(&self.text)
    }

    /// What it leads to, without the protocol and without the name and the password of a login.
    pub(crate) fn shown(&self) -> String {
        self.without_login(self.without_protocol())
    }

    /// The text without the name and the password of a login, as errors show it.
    pub(crate) fn without_user(&self) -> String {
        self.without_login(&self.text)
    }

    fn without_login(&self, text: &str) -> String {
        let scheme = self.without_protocol().split(':').next().unwrap_or_default();
        let authority = self.address.split('/').next().unwrap_or_default();
        match authority.rsplit_once('@') {
            Some((user, _)) if Form::behind(scheme) == Some(Form::Address) => {
                text.replacen(&format!("{user}@"), "", 1)
            }
            _ => text.to_owned(),
        }
    }

    /// The framing in place of the protocol's own, where one is asked for.
    pub(crate) fn framing(&self) -> Option<&Arc<dyn Framing>> {
        self.options.framing.as_ref()?.as_ref()
    }

    /// How long calls wait for their answers, where the URL says it; zero is for ever.
    pub fn timeout(&self) -> Option<Duration> {
        self.options.timeout
    }

    /// How large a message may be, where the URL says it.
    #[cfg(feature = "udp")]
    pub(crate) fn max_message(&self) -> Option<usize> {
        self.options.max_message
    }

    /// What it says of ZeroMQ sockets.
    #[cfg(all(unix, feature = "zmq"))]
    pub(crate) fn sockets(&self) -> &Sockets {
        &self.options.sockets
    }

    /// What is said of a queue.
    #[cfg(feature = "amqp")]
    pub(crate) fn amqp(&self) -> &options::AmqpOptions {
        &self.options.amqp
    }

    /// The limits with the options of this URL in them.
    pub(crate) fn limits(&self, limits: Limits) -> Limits {
        self.options.limits(limits)
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let wrong = || {
            UrlError(format!(
                "`{text}` is not a URL: expected [PROTOCOL+]TRANSPORT://ADDRESS, as in \
                 jsonrpc+tcp://127.0.0.1:4000"
            ))
        };
        let (scheme, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (protocol, name) = split(scheme);
        let (address, options) = match Form::behind(name) {
            Some(Form::Line) => (rest.trim(), ""),
            Some(Form::Nothing) => match rest.split_once('?').unwrap_or((rest, "")) {
                ("" | "//", options) => ("", options),
                _ => return Err(UrlError(format!("`{text}`: nothing stands behind `{name}:`"))),
            },
            Some(Form::Address) | None => {
                let rest = rest.strip_prefix("//").ok_or_else(wrong)?;
                let (address, options) = rest.split_once('?').unwrap_or((rest, ""));
                (address.trim_end_matches('/'), options)
            }
        };
        #[cfg_attr(not(feature = "jsonrpc"), expect(unused_mut, reason = "no dialects"))]
        let mut url = Self {
            text: text.into(),
            protocol: match protocol {
                None | Some("auto") => None,
                Some(name) => Some(protocols::named(name)?),
            },
            transport: name.parse()?,
            address: address.into(),
            options: options.parse()?,
        };
        #[cfg(feature = "jsonrpc")]
        if let Some(dialect) = url.options.dialect {
            if url.protocol.as_ref().is_some_and(|protocol| protocol.name() != "jsonrpc") {
                return Err(UrlError(format!("`{text}`: `dialect` is a dialect of jsonrpc")));
            }
            url.protocol = Some(Arc::new(dialect));
        }
        if let Some(option) = &url.options.sockets.named
            && !name.starts_with("zmq")
        {
            return Err(UrlError(format!("`{text}`: `{option}` is an option of ZeroMQ")));
        }
        if let (Some(protocol), Some(framing)) = (&url.protocol, url.framing())
            && !carries(&**framing, &**protocol)
        {
            return Err(unfit(text));
        }
        Ok(url)
    }
}

/// The protocol and the transport of a scheme. `zmq+ipc` is a transport.
fn split(scheme: &str) -> (Option<&str>, &str) {
    match scheme.split_once('+') {
        Some((protocol, name)) if protocol != "zmq" => (Some(protocol), name),
        _ => (None, scheme),
    }
}

/// True where a framing can hold the messages of a protocol.
pub(crate) fn carries(framing: &dyn Framing, protocol: &dyn Protocol) -> bool {
    framing.carries(protocol.open(&Limits::default()).profile.format)
}

/// Lines were asked for where they cannot be.
pub(crate) fn unfit(what: &str) -> UrlError {
    UrlError(format!("`{what}`: lines hold text, and msgpack is none: use framing=length or self"))
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
