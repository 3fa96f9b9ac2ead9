//! `Options`: what stands behind the question mark of a URL.

use std::{str::FromStr, sync::Arc, time::Duration};

use tinyrpc_core::{ContentLength, Framing, Length, Limits, Lines, NetString};

use super::{Sockets, UrlError, list};

/// The options of a URL, by the names that they have in code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// `Some(None)` is the protocol's own, where that was said.
    pub(crate) framing: Option<Option<Arc<dyn Framing>>>,
    #[cfg(feature = "jsonrpc")]
    pub(crate) dialect: Option<tinyrpc_protocols::JsonRpcDialect>,
    pub(super) timeout: Option<Duration>,
    pub(super) max_message: Option<usize>,
    #[cfg(feature = "amqp")]
    pub(crate) amqp: AmqpOptions,
    pub(crate) sockets: Sockets,
}

impl Options {
    /// Reads one more option.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), UrlError> {
        let read = match OPTIONS.iter().find(|(known, _)| *known == name) {
            Some((_, read)) => Some(read(self, value)),
            None => self.sockets.set(name, value),
        };
        let Some(read) = read else {
            let known = OPTIONS.iter().map(|(name, _)| *name);
            let known = list(known, "and");
            let of_zmq = list(Sockets::NAMES, "and");
            return Err(UrlError(format!(
                "unknown option `{name}`: there are {known}, and over ZeroMQ {of_zmq}"
            )));
        };
        read.map_err(|what| UrlError(format!("`{name}={value}`: expected {what}")))
    }

    /// True where something is said of ZeroMQ sockets.
    pub(crate) fn is_of_sockets(&self) -> bool {
        self.sockets != Sockets::default()
    }

    /// The limits with what these options say of them.
    pub(crate) fn limits(&self, mut limits: Limits) -> Limits {
        limits.call_timeout = self.timeout.unwrap_or(limits.call_timeout);
        limits.max_message = self.max_message.unwrap_or(limits.max_message);
        limits
    }
}

/// What is said of a queue, as it stands in a URL.
#[cfg(feature = "amqp")]
#[derive(Clone, Debug, Default)]
pub(crate) struct AmqpOptions {
    pub(crate) queue: Option<String>,
    pub(crate) durable: bool,
    pub(crate) exchange: Option<String>,
    pub(crate) routing_key: Option<String>,
    pub(crate) prefetch: Option<u16>,
    pub(crate) tries: Option<u32>,
    pub(crate) direct: bool,
}

/// A name with what `%` and two digits stand for.
#[cfg(feature = "amqp")]
fn name(value: &str) -> Result<Option<String>, String> {
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8();
    decoded.map(|name| Some(name.into_owned())).map_err(|_| "text".into())
}

/// Every option, and how its value is read; the error says what was expected.
const OPTIONS: &[(&str, Read)] = &[
    ("framing", |options, value| {
        let Some((_, framing)) = FRAMINGS.iter().find(|(name, _)| *name == value) else {
            return Err(list(FRAMINGS.iter().map(|(name, _)| *name), "or"));
        };
        options.framing = Some(framing());
        Ok(())
    }),
    ("timeout", |options, value| {
        let seconds: Option<f64> = value.parse().ok();
        let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        options.timeout = Some(timeout.ok_or("a number of seconds")?);
        Ok(())
    }),
    ("max_message", |options, value| {
        options.max_message = Some(value.parse().map_err(|_| "a number of bytes")?);
        Ok(())
    }),
    #[cfg(feature = "jsonrpc")]
    ("dialect", |options, value| {
        let dialect = tinyrpc_protocols::JsonRpcDialect::named(value);
        options.dialect = Some(dialect.ok_or("lsp or mcp")?);
        Ok(())
    }),
    #[cfg(feature = "amqp")]
    ("queue", |options, value| {
        options.amqp.queue = name(value)?;
        Ok(())
    }),
    #[cfg(feature = "amqp")]
    ("durable", |options, value| {
        options.amqp.durable = match value {
            "" | "true" => true,
            "false" => false,
            _ => return Err("`true`, `false` or no value".into()),
        };
        Ok(())
    }),
    #[cfg(feature = "amqp")]
    ("exchange", |options, value| {
        options.amqp.exchange = name(value)?;
        Ok(())
    }),
    #[cfg(feature = "amqp")]
    ("routing_key", |options, value| {
        options.amqp.routing_key = name(value)?;
        Ok(())
    }),
    #[cfg(feature = "amqp")]
    ("prefetch", |options, value| {
        let prefetch = value.parse().ok().filter(|prefetch| *prefetch > 0);
        options.amqp.prefetch = Some(prefetch.ok_or("a number from 1 to 65535")?);
        Ok(())
    }),
    #[cfg(feature = "amqp")]
    ("tries", |options, value| {
        options.amqp.tries = Some(value.parse().map_err(|_| "a number")?);
        Ok(())
    }),
    #[cfg(feature = "amqp")]
    ("reply", |options, value| {
        options.amqp.direct = match value {
            "direct" => true,
            "queue" => false,
            _ => return Err("`queue` or `direct`".into()),
        };
        Ok(())
    }),
];

type Read = fn(&mut Options, &str) -> Result<(), String>;

/// Every framing.
const FRAMINGS: &[(&str, Make)] = &[
    ("lines", || Some(Arc::new(Lines))),
    ("content-length", || Some(Arc::new(ContentLength))),
    ("length", || Some(Arc::new(Length))),
    ("netstring", || Some(Arc::new(NetString))),
    ("self", || None),
];

type Make = fn() -> Option<Arc<dyn Framing>>;

impl FromStr for Options {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let mut options = Self::default();
        for option in text.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            options.set(name, value)?;
        }
        Ok(options)
    }
}
