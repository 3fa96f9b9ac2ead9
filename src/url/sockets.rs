//! `Sockets`: what a URL says of ZeroMQ sockets.

use std::time::Duration;

/// The options of ZeroMQ, by the names that they have in URLs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sockets {
    /// The last one that was said.
    pub(super) named: Option<String>,
    /// What stands before the options is bound, or connected.
    pub(crate) side: Option<Side>,
    /// Endpoints that are bound beside.
    pub(crate) bind: Vec<String>,
    /// Endpoints that are connected beside.
    pub(crate) connect: Vec<String>,
    pub(crate) envelope: bool,
    pub(crate) pattern: Pattern,
    pub(crate) topics: Vec<String>,
    pub(crate) hwm: Option<u32>,
    pub(crate) linger: Option<Duration>,
    pub(crate) batch: bool,
}

/// Who begins the network connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Bind,
    Connect,
}

/// Which sockets talk to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// DEALER and ROUTER.
    #[default]
    Calls,
    /// PUSH and PULL.
    Push,
    /// PUB and SUB.
    Publish,
}

impl Sockets {
    /// Reads an option, where it is one of these.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Option<Result<(), String>> {
        let read = match name {
            "bind" => self.set_side(Side::Bind, value),
            "connect" => self.set_side(Side::Connect, value),
            "envelope" => said(&mut self.envelope, value),
            "pattern" => match value {
                "push" | "pull" => self.set_pattern(Pattern::Push),
                "pub" | "sub" => self.set_pattern(Pattern::Publish),
                _ => Err("push, pull, pub or sub".into()),
            },
            "topic" => {
                self.topics.push(value.into());
                Ok(())
            }
            "hwm" => value
                .parse()
                .map(|hwm| self.hwm = Some(hwm))
                .map_err(|_| "a number of messages".into()),
            "linger" => value
                .parse()
                .ok()
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map(|linger| self.linger = Some(linger))
                .ok_or_else(|| "a number of seconds".into()),
            "batch" => said(&mut self.batch, value),
            _ => return None,
        };
        self.named = Some(name.into());
        Some(read)
    }

    fn set_side(&mut self, side: Side, value: &str) -> Result<(), String> {
        if value.is_empty() {
            if self.side.is_some_and(|other| other != side) {
                return Err("that an address is either bound or connected".into());
            }
            self.side = Some(side);
            return Ok(());
        }
        let more = match side {
            Side::Bind => &mut self.bind,
            Side::Connect => &mut self.connect,
        };
        more.push(value.into());
        Ok(())
    }

    fn set_pattern(&mut self, pattern: Pattern) -> Result<(), String> {
        self.pattern = pattern;
        Ok(())
    }

    /// Every option of these.
    pub(super) const NAMES: [&'static str; 8] =
        ["bind", "connect", "envelope", "pattern", "topic", "hwm", "linger", "batch"];
}

/// An option that has no value.
fn said(option: &mut bool, value: &str) -> Result<(), String> {
    *option = value.is_empty();
    if *option { Ok(()) } else { Err("no value".into()) }
}
