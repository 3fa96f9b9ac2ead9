//! [`Script`]: what happens between two sessions, made of any bytes.

use std::sync::Arc;

use arbitrary::Arbitrary;
use tinyrpc_core::{
    ContentLength, Framing, Length, Limits, Lines, NetString, Protocol, ReplyOrder,
};
use tinyrpc_protocols::{JsonRpc, MsgPackRpc};

use super::side::identity::Identity;

/// A connection and what happens on it.
#[derive(Arbitrary, Debug)]
pub(super) struct Script {
    pub(super) setup: Setup,
    pub(super) ops: Vec<Op>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) shape: Carries,
    pub(super) speaks: Speaks,
    pub(super) framed: Framed,
    pub(super) orders: [Ordered; 2],
    pub(super) narrow: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carries {
    Bytes,
    Messages,
    Exchanges,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Speaks {
    Json,
    MsgPack,
    /// A protocol that can say everything, and splits what is large.
    Everything,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Framed {
    Own,
    Lines,
    Length,
    ContentLength,
    NetString,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Ordered {
    AsReady,
    InOrder,
    Nested,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Client,
    Server,
}

#[derive(Arbitrary, Debug)]
pub(super) enum Op {
    Call(End, Plan),
    Batch(End, Vec<Plan>),
    Notify(End, Plan),
    /// A handler that waits answers.
    Answer(End, u8, Size),
    /// A caller no longer wants the answer.
    GiveUp(u8),
    /// The transport of this end takes bytes, or messages.
    Take(End, u8),
    /// This end receives bytes, or messages.
    Deliver(End, u8),
    Carry(Carrying),
    Settle,
    /// Milliseconds pass.
    Pass(u16),
    /// Seconds pass.
    PassLong(u8),
    Drain(End),
    Close(End),
    /// The peer of this end sends no more.
    End(End),
    CutLane(u8),
    Lose(End),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Carrying {
    pub(super) to_server: u16,
    pub(super) to_client: u16,
}

/// One call before it is made.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) method: Method,
    pub(super) argument: u8,
    pub(super) filler: Size,
    /// Milliseconds; 0 for none.
    pub(super) timeout: u16,
    pub(super) patient: bool,
    pub(super) sends_first: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Method {
    Echo,
    Hold,
    Nest,
    Sized,
    Fail,
    Mute,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
pub(super) enum Size {
    Exactly(u8),
    Medium,
    /// A segment of its own.
    Large,
}

impl Plan {
    pub(super) fn params(&self, number: usize) -> (u32, u8, String) {
        (number as u32, self.argument, "x".repeat(self.filler.bytes()))
    }
}

impl Method {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Hold => "hold",
            Self::Nest => "nest",
            Self::Sized => "sized",
            Self::Fail => "fail",
            Self::Mute => "mute",
        }
    }
}

impl Size {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Exactly(size) => size.into(),
            Self::Medium => 1500,
            Self::Large => 33_000,
        }
    }
}

impl End {
    pub(super) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    pub(super) fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl Setup {
    pub(super) fn protocol(&self) -> Arc<dyn Protocol> {
        match self.speaks {
            Speaks::Json => Arc::new(JsonRpc),
            Speaks::MsgPack => Arc::new(MsgPackRpc),
            Speaks::Everything => Arc::new(Identity::splitting()),
        }
    }

    pub(super) fn framing(&self) -> Option<Arc<dyn Framing>> {
        if self.shape != Carries::Bytes {
            return None;
        }
        Some(match (self.framed, self.speaks) {
            (Framed::Own, Speaks::Json | Speaks::MsgPack) => return None,
            // What it writes has neither lines nor an end of its own.
            (Framed::Own, Speaks::Everything) => Arc::new(Length),
            (Framed::Lines, Speaks::Json) => Arc::new(Lines),
            (Framed::Lines, _) | (Framed::Length, _) => Arc::new(Length),
            (Framed::ContentLength, _) => Arc::new(ContentLength),
            (Framed::NetString, _) => Arc::new(NetString),
        })
    }

    pub(super) fn limits(&self) -> Limits {
        let mut limits = match self.narrow {
            true => Limits { max_batch: 3, ..Limits::smallest() },
            false => Limits::default(),
        };
        limits.call_timeout = std::time::Duration::from_secs(CALL_TIMEOUT);
        limits
    }

    /// Whether answers may wait for time to pass.
    pub(super) fn rests(&self) -> bool {
        self.orders.iter().any(|order| matches!(order, Ordered::Nested))
    }

    pub(super) fn order(&self, end: End) -> ReplyOrder {
        match self.orders[end as usize] {
            Ordered::AsReady => ReplyOrder::AsReady,
            Ordered::InOrder => ReplyOrder::InOrder,
            Ordered::Nested => ReplyOrder::Nested,
        }
    }
}

/// Seconds; not so many that no script lets them pass.
pub(super) const CALL_TIMEOUT: u64 = 20;
