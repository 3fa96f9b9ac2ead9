//! The message model, the traits and the sans-IO session of `tinyrpc`.
//!
//! This crate has no runtime, no I/O and no clock. It is for authors of protocols, transports,
//! drivers and foreign event loops; who serves or calls functions wants the crate `tinyrpc`.
//!
//! | what | where |
//! |---|---|
//! | what peers say to each other | [`Message`], [`Id`], [`Payload`], [`Meta`] |
//! | how payloads are encoded | [`Format`], [`Blob`], [`Ext`] |
//! | what goes wrong | [`RpcError`] travels, [`Error`] stays |
//! | how messages look on the wire | [`Protocol`], [`Decoder`], [`Encoder`], [`Framing`] |
//! | how they travel | [`Connection`], [`RecvHalf`], [`SendHalf`], [`Listener`], [`Connector`] |
//! | one side of a connection | [`Session`], [`Caller`], [`Incoming`], [`Outgoing`] |
//! | what peers really say | [`WireTrace`] |
//! | every bound | [`Limits`] |
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(any(feature = "json", feature = "msgpack")),
    expect(
        unused_variables,
        unreachable_code,
        reason = "without any format there are no values of `Format`, and nothing to encode"
    )
)]

mod blob;
mod caller;
mod calls;
mod code;
mod draft;
mod error;
mod ext;
pub mod format;
mod framing;
mod headers;
mod id;
mod incoming;
mod lane;
mod limits;
mod message;
mod meta;
mod outgoing;
mod payload;
mod protocol;
mod reply;
mod rope;
mod roster;
mod rpc_error;
mod runtime;
mod scratch;
mod session;
mod slow;
mod streams;
mod subscription;
mod subscription_id;
mod transport;
mod unsupported;
mod wire;
mod wire_trace;

pub use crate::{
    blob::Blob,
    caller::{
        Announcement, Answers, Batch, BatchItem, Both, Call, Caller, Down, Ends, Items, Notify,
        Sender, Sent, Streaming, Up,
    },
    code::Code,
    error::{Error, LimitReached, Outcome, Reason},
    ext::Ext,
    format::{Format, FormatError},
    framing::{ContentLength, FrameReader, Framing, Length, Lines, NetString, Scan},
    headers::Headers,
    id::Id,
    incoming::{Arrived, Incoming},
    lane::{Ended, Frame, Hint, Lane},
    limits::Limits,
    message::{
        Allowance, Answer, Chunk, Credit, Invalid, Message, Ping, Request, Response, StreamEnd,
        StreamItem, Way,
    },
    meta::Meta,
    outgoing::{Kind, Outgoing, Peeked, Taken},
    payload::{Payload, PayloadRef},
    protocol::{
        BatchPart, Codec, Decoder, Encoder, FrameRef, Heartbeat, IdKind, Profile, Protocol, Reports,
    },
    reply::ReplyTo,
    roster::{Choice, Roster, Wanted},
    rpc_error::RpcError,
    runtime::{Runtime, Task},
    session::{Counters, ReplyOrder, Role, Serve, Session, Settings, Ticket, Turn},
    slow::Slow,
    streams::{Channels, Inlet, Outlet, Unsent},
    subscription::{Progress, Subscribe, Subscription},
    subscription_id::SubscriptionId,
    transport::{
        Accepted, Connection, Connector, Listener, Opening, PeerAddress, Received, RecvHalf,
        SendHalf, Shape,
    },
    unsupported::Unsupported,
    wire_trace::{Direction, WireTrace},
};
