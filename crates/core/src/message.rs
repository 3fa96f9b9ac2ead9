//! `Message`: everything that two peers can say to each other, whatever the protocol.
//!
//! The model is the superset of what the protocols can say. A protocol that cannot say something
//! refuses it with [`Unsupported`](crate::Unsupported); a stock peer never sees it.

use std::borrow::Cow;

use crate::{Channels, Id, Lane, Meta, PayloadRef, RpcError};

/// One decoded message. It borrows from its frame.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Message<'f> {
    /// A request, or a notification where it has no id.
    Request(Request<'f>),
    /// The answer to a request.
    Response(Response<'f>),
    /// Several messages in one frame, each valid or not.
    Batch(Vec<Result<Self, Invalid<'f>>>),
    /// One value of a stream.
    StreamItem(StreamItem<'f>),
    /// The end of a stream.
    StreamEnd(StreamEnd<'f>),
    /// Leave to send more of a stream.
    Credit(Credit<'f>),
    /// Nobody reads what the caller sends into its call: no more of it is wanted.
    Stop(Id<'f>),
    /// The caller no longer wants the answer.
    Cancel(Id<'f>),
    /// A part of a message that is too large to be sent in one piece.
    Chunk(Chunk<'f>),
    /// Leave to send so many more bytes in chunks.
    Window(u32),
    /// A sign of life.
    Ping(Ping<'f>),
    /// A message of an extension that this side does not know: counted and ignored.
    Unknown,
}

/// A call, or a notification.
#[derive(Clone, Debug)]
pub struct Request<'f> {
    /// Ties the response to it; `None` makes it a notification, which is never answered.
    pub id: Option<Id<'f>>,
    /// The method's full name.
    pub method: Cow<'f, str>,
    /// Positional or named params.
    pub params: PayloadRef<'f>,
    /// Named params beside positional ones, where a protocol has both (bjsonrpc's `kwparams`).
    pub named: Option<PayloadRef<'f>>,
    /// Deadline, trace and the like.
    pub meta: Option<Box<Meta>>,
    /// The exchange in which it came.
    pub lane: Lane,
    /// Its streams, where it has any; a session adds them.
    pub channels: Option<Channels>,
}

impl<'f> Request<'f> {
    /// A request, or a notification where there is no id, with nothing beside its params.
    pub fn new(
        id: Option<Id<'f>>,
        method: impl Into<Cow<'f, str>>,
        params: PayloadRef<'f>,
        lane: Lane,
    ) -> Self {
        Self { id, method: method.into(), params, named: None, meta: None, lane, channels: None }
    }
}

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Response<'f> {
    /// The id of the request.
    pub id: Id<'f>,
    /// The result, or the error that the peer sent.
    pub outcome: Result<PayloadRef<'f>, RpcError>,
    /// Deadline, trace and the like.
    pub meta: Option<Box<Meta>>,
}

impl<'f> Response<'f> {
    /// An answer with nothing beside it.
    pub fn new(id: Id<'f>, outcome: Result<PayloadRef<'f>, RpcError>) -> Self {
        Self { id, outcome, meta: None }
    }
}

/// In which direction the values of a stream go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// They are the result of the call.
    ToCaller,
    /// They are sent into the call.
    ToCallee,
}

/// How much of a stream may be sent: a value needs some of both, takes one of the first and its
/// length from the second, and may be longer than what is left of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Values.
    pub items: u32,
    /// Bytes of encoded values.
    pub bytes: u32,
}

/// One value of a stream.
#[derive(Clone, Debug)]
pub struct StreamItem<'f> {
    /// The id of the request that opened the stream.
    pub id: Id<'f>,
    /// Where it goes.
    pub way: Way,
    /// The value.
    pub value: PayloadRef<'f>,
    /// Deadline, trace and the like.
    pub meta: Option<Box<Meta>>,
}

/// The end of a stream: of a result only where the protocol does not end it by a response.
#[derive(Clone, Debug)]
pub struct StreamEnd<'f> {
    /// The id of the request that opened the stream.
    pub id: Id<'f>,
    /// Where its values went.
    pub way: Way,
    /// How it ended.
    pub outcome: Result<(), RpcError>,
    /// Deadline, trace and the like.
    pub meta: Option<Box<Meta>>,
}

/// Leave to send more of a stream.
#[derive(Clone, Debug)]
pub struct Credit<'f> {
    /// The id of the request that opened the stream.
    pub id: Id<'f>,
    /// Where its values go; the credit goes the other way.
    pub way: Way,
    /// How much more. A protocol that counts only values leaves the bytes at the most there is.
    pub more: Allowance,
    /// Deadline, trace and the like.
    pub meta: Option<Box<Meta>>,
}

/// A part of a message. Parts of one message come in order; parts of several may alternate.
#[derive(Clone, Debug)]
pub struct Chunk<'f> {
    /// Which message it is a part of; chosen by the sender, free again after the last part.
    pub message: u32,
    /// True for the part that completes the message.
    pub last: bool,
    /// The bytes of the message's own encoding, without framing.
    pub bytes: Cow<'f, [u8]>,
}

/// A sign of life: of the connection, or of one call where the protocol beats per call.
#[derive(Clone, Debug)]
pub struct Ping<'f> {
    /// The call, where the protocol beats per call.
    pub id: Option<Id<'f>>,
    /// Deadline, trace and the like.
    pub meta: Option<Box<Meta>>,
}

/// A message that is not one, and what the protocol wants done about it.
#[derive(Clone, Debug)]
pub struct Invalid<'f> {
    /// What was wrong, as the peer is told.
    pub error: RpcError,
    /// How it is answered.
    pub answer: Answer<'f>,
}

/// How an invalid message is answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Answer<'f> {
    /// With an error under this id.
    Error(Id<'f>),
    /// With an error under this id, and then the connection is closed.
    Close(Id<'f>),
    /// Not at all: it was an answer itself, or has no id and the protocol cannot answer without.
    Nothing,
}
