//! `Target`: a queue at a broker, and how it is used.

use std::{fmt, io, sync::Arc, time::Duration};

use lapin::{
    BasicProperties,
    types::ShortString,
    uri::{AMQPScheme, AMQPUri},
};

#[cfg(feature = "tls")]
use crate::tls::ClientTls;

/// A queue at a broker, with all that servers and clients want to know of it. Cheap to clone.
///
/// Neither [`fmt::Debug`] nor [`Target::address`] shows the name and the password of the login.
///
/// ```
/// use tinyrpc_transports::amqp::Target;
///
/// let target = Target::new("ada:s3cr3t@broker:5672/office", "sums")?.durable(true).prefetch(16);
/// assert_eq!(target.address(), "amqp://broker:5672/office?queue=sums&durable");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Target {
    pub(super) uri: Arc<AMQPUri>,
    pub(super) queue: ShortString,
    pub(super) exchange: ShortString,
    /// `None` is the name of the queue.
    routing_key: Option<ShortString>,
    pub(super) durable: bool,
    pub(super) prefetch: u16,
    pub(super) tries: u32,
    pub(super) reply: Reply,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<ClientTls>,
}

/// Where a client has its answers sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// To an exclusive queue of its own, which goes with its connection.
    #[default]
    Queue,
    /// By RabbitMQ's direct reply-to: no queue is made, and one connection carries both ways, so a
    /// broker that takes no messages for a while sends no answers either.
    Direct,
}

impl Target {
    /// A queue at the broker of `[USER[:PASSWORD]@]HOST[:PORT][/VHOST]`, where `%2f` is a slash
    /// inside of a name. The defaults are `guest`, port 5672 and the virtual host `/`.
    ///
    /// # Errors
    ///
    /// It is no such address, or the name is empty or longer than 250 bytes.
    pub fn new(address: &str, queue: &str) -> io::Result<Self> {
        // What the parser says may have the password in it.
        let wrong = || invalid("expected [USER[:PASSWORD]@]HOST[:PORT][/VHOST] of an AMQP broker");
        let mut uri: AMQPUri = format!("amqp://{address}").parse().map_err(|_| wrong())?;
        let authority = address.split('/').next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        if let Some(rest) = host.strip_prefix('[') {
            // The parser takes names alone.
            let (host, _) = rest.split_once(']').ok_or_else(wrong)?;
            uri.authority.host = host.to_owned();
        } else if host.is_empty() {
            return Err(wrong());
        }
        if queue.is_empty() || queue.len() > LONGEST_QUEUE {
            return Err(invalid("a queue has a name of 1 to 250 bytes"));
        }
        Ok(Self {
            uri: Arc::new(uri),
            queue: short("a queue", queue)?,
            exchange: ShortString::default(),
            routing_key: None,
            durable: false,
            prefetch: PREFETCH,
            tries: TRIES,
            reply: Reply::default(),
            #[cfg(feature = "tls")]
            tls: None,
        })
    }

    /// The queue and the messages in it survive the end of the broker. False unless said; a queue
    /// that exists keeps what it was made with, and the other way is refused.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Requests go through an exchange, which must exist, and not through the broker's default
    /// one. A server binds its queue to it.
    ///
    /// # Errors
    ///
    /// The name is longer than 255 bytes.
    pub fn exchange(mut self, exchange: &str) -> io::Result<Self> {
        self.exchange = short("an exchange", exchange)?;
        Ok(self)
    }

    /// Under which key; the name of the queue unless said.
    ///
    /// # Errors
    ///
    /// It is longer than 255 bytes.
    pub fn routing_key(mut self, key: &str) -> io::Result<Self> {
        self.routing_key = Some(short("a routing key", key)?);
        Ok(self)
    }

    /// Servers: how many requests one worker may have at a time that are not answered yet. 64
    /// unless said: few enough for workers to share the work evenly. Zero counts as one.
    #[must_use]
    pub fn prefetch(mut self, prefetch: u16) -> Self {
        self.prefetch = prefetch.max(1);
        self
    }

    /// Servers: how often a message may be delivered again after a worker was lost over it, before
    /// it goes to the dead-letter queue. 5 unless said.
    #[must_use]
    pub fn tries(mut self, tries: u32) -> Self {
        self.tries = tries;
        self
    }

    /// Clients: where answers are sent.
    #[must_use]
    pub fn reply(mut self, reply: Reply) -> Self {
        self.reply = reply;
        self
    }

    /// Speaks to the broker over TLS; the port is 5671 unless said.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        let mut uri = AMQPUri::clone(&self.uri);
        if uri.authority.port == PORT {
            uri.authority.port = TLS_PORT;
        }
        uri.scheme = AMQPScheme::AMQPS;
        self.uri = Arc::new(uri);
        self.tls = Some(tls);
        self
    }

    /// The same address as a URL, without the login.
    pub fn address(&self) -> String {
        let scheme = if self.uri.scheme == AMQPScheme::AMQPS { "amqps" } else { "amqp" };
        let (host, port) = (&self.uri.authority.host, self.uri.authority.port);
        let vhost = match &*self.uri.vhost {
            "/" => String::new(),
            vhost => format!("/{}", escaped(vhost)),
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let mut address =
            format!("{scheme}://{host}:{port}{vhost}?queue={}", escaped(self.queue.as_str()));
        let exchange = self.exchange.as_str();
        for (name, value) in [
            ("exchange", (!exchange.is_empty()).then_some(exchange)),
            ("routing_key", self.routing_key.as_ref().map(ShortString::as_str)),
        ] {
            if let Some(value) = value {
                address.push_str(&format!("&{name}={}", escaped(value)));
            }
        }
        if self.durable {
            address.push_str("&durable");
        }
        address
    }

    /// The key under which requests are published.
    pub(super) fn key(&self) -> &ShortString {
        self.routing_key.as_ref().unwrap_or(&self.queue)
    }

    /// The queue of messages that nobody can handle.
    pub(super) fn dead(&self) -> ShortString {
        ShortString::try_new(format!("{}{DEAD}", self.queue)).unwrap_or_default()
    }

    /// Properties of a message to this queue: it survives what the queue survives.
    pub(super) fn properties(&self) -> BasicProperties {
        match self.durable {
            true => BasicProperties::default().with_delivery_mode(PERSISTENT),
            false => BasicProperties::default(),
        }
    }

    /// What the broker has to be asked for, with a time between signs of life.
    pub(super) fn uri(&self, heartbeat: Duration) -> AMQPUri {
        let mut uri = AMQPUri::clone(&self.uri);
        let seconds = heartbeat.as_secs().max(u64::from(!heartbeat.is_zero()));
        uri.query.heartbeat = Some(u16::try_from(seconds).unwrap_or(u16::MAX));
        uri
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("address", &self.address())
            .field("prefetch", &self.prefetch)
            .field("tries", &self.tries)
            .field("reply", &self.reply)
            .finish_non_exhaustive()
    }
}

/// A name for the broker.
fn short(what: &str, name: &str) -> io::Result<ShortString> {
    ShortString::try_new(name).map_err(|_| invalid(&format!("the name of {what} is too long")))
}

/// A name as it stands in a URL.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02x}")),
        }
    }
    escaped
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// Room for [`DEAD`] behind it in the 255 bytes of a name.
const LONGEST_QUEUE: usize = 250;
/// Behind the name of a queue, that of its dead letters.
const DEAD: &str = ".dead";
const PREFETCH: u16 = 64;
const TRIES: u32 = 5;
const PERSISTENT: u8 = 2;
#[cfg(feature = "tls")]
const PORT: u16 = 5672;
#[cfg(feature = "tls")]
const TLS_PORT: u16 = 5671;
