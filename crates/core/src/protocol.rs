//! `Protocol`: how messages look on the wire.
//!
//! For authors of protocols. A protocol opens, for each connection, a [`Decoder`] (which may
//! remember things), an [`Encoder`] (which may not, as many callers share it) and a [`Profile`].
//! It knows nothing of transports, methods or tasks. See `examples/custom_protocol.rs`.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::{
    Format, Id, Invalid, Lane, Limits, Message, Meta, PayloadRef, RpcError, Scan, Unsupported,
};

/// A protocol: a factory of codecs.
pub trait Protocol: Send + Sync + fmt::Debug {
    /// Its name in URLs, lower case.
    fn name(&self) -> &'static str;

    /// A codec for one connection.
    fn open(&self, limits: &Limits) -> Codec;

    /// True if a stream of bytes that begins with `first` speaks this protocol.
    ///
    /// A server that accepts several protocols asks each in turn. The default claims nothing, so
    /// that the protocol must be named.
    fn claims(&self, first: u8) -> bool {
        let _ = first;
        false
    }

    /// The same of any message of an exchange, which need not be the first one that its peer sends.
    /// The default is [`Protocol::claims`].
    fn claims_later(&self, first: u8) -> bool {
        self.claims(first)
    }
}

/// What a protocol makes for one connection.
#[derive(Debug)]
pub struct Codec {
    /// Bytes to messages.
    pub decoder: Box<dyn Decoder>,
    /// Messages to bytes.
    pub encoder: Arc<dyn Encoder>,
    /// What the session must know about the protocol.
    pub profile: Profile,
}

impl Codec {
    /// Joins the three.
    pub fn new(
        decoder: impl Decoder + 'static,
        encoder: impl Encoder + 'static,
        profile: Profile,
    ) -> Self {
        Self { decoder: Box::new(decoder), encoder: Arc::new(encoder), profile }
    }
}

/// The habits of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// How payloads are encoded.
    pub format: Format,
    /// Whether it has batches; without, a batch is sent as a pipelined group.
    pub batches: bool,
    /// Which kind of ids it wants to be given.
    pub ids: IdKind,
    /// What signs of life belong to.
    pub heartbeat: Heartbeat,
    /// It can say the tinyrpc extension (`docs/extensions.md`) to a peer that said hello.
    pub extension: bool,
    /// It can say to any peer that an answer is no longer wanted.
    pub cancels: bool,
    /// A request that its caller has cancelled is answered all the same, with an error.
    pub answers_cancelled: bool,
    /// In which words a server reports of a call that goes on, where it has any.
    pub reports: Option<Reports>,
    /// Of a protocol that has streams of its own: how many items of one may be sent before the
    /// first [`Credit`](crate::Credit).
    pub initial_credit: u32,
    /// Into chunks of how many bytes large messages are split, for a protocol that has chunks of
    /// its own.
    pub chunk: Option<u32>,
    /// Of such a protocol: how many bytes of chunks may be sent before the first
    /// [`Message::Window`].
    pub initial_window: u32,
    /// How many bytes stand behind the value in a message that carries one of a stream, where that
    /// is the same for all values: a large one is then sent from where it is, without a copy.
    pub behind_value: Option<usize>,
}

impl Profile {
    /// A protocol with plain numbers as ids, no batches, no heartbeat and no streams.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            batches: false,
            ids: IdKind::Number,
            heartbeat: Heartbeat::None,
            extension: false,
            cancels: false,
            answers_cancelled: true,
            reports: None,
            initial_credit: 0,
            chunk: None,
            initial_window: 0,
            behind_value: None,
        }
    }
}

/// Which ids a protocol uses for requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdKind {
    /// Integers from 1 to 2^31 - 1.
    Number,
    /// Byte strings: the number behind a random base of the connection.
    Binary,
}

/// How the reports of a call that goes on are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reports {
    /// `$/progress`, as the Language Server Protocol has it.
    Lsp,
    /// `notifications/progress`, as the Model Context Protocol has it.
    Mcp,
}

/// What a protocol's signs of life belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heartbeat {
    /// It has none.
    None,
    /// One for the connection.
    Connection,
    /// One for each call.
    Call,
}

/// One frame's bytes on their way into a [`Decoder`].
#[derive(Clone, Copy, Debug)]
pub struct FrameRef<'f> {
    /// The exchange it belongs to.
    pub lane: Lane,
    /// The bytes without framing.
    pub bytes: &'f [u8],
    /// The block they are a part of, where keeping a slice of it is better than a copy.
    pub block: Option<&'f Bytes>,
}

impl<'f> FrameRef<'f> {
    /// The part of the frame that is a payload.
    pub fn payload(&self, bytes: &'f [u8], format: Format) -> PayloadRef<'f> {
        PayloadRef { bytes, block: self.block, format }
    }
}

/// Bytes to messages, for one connection.
pub trait Decoder: Send + fmt::Debug {
    /// Finds the first frame in a stream of bytes: the protocol's own framing.
    ///
    /// `buffer` begins where the last frame ended and, after [`Scan::Need`], holds the same bytes
    /// and more. A decoder never looks at the same bytes of an unfinished frame twice.
    fn find(&mut self, buffer: &[u8]) -> Scan;

    /// Decodes one whole frame.
    ///
    /// After a [`Scan::Frame`] it is called with just that frame, so that what `find` learned on
    /// its walk need not be learned again.
    ///
    /// # Errors
    ///
    /// A frame that is not a message, with the answer that the protocol wants.
    fn decode<'f>(&mut self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>>;
}

/// Messages to bytes. Every method appends to `out`.
pub trait Encoder: Send + Sync + fmt::Debug {
    /// A request, or a notification where `id` is `None`. `params` is an encoded sequence, map
    /// or nothing.
    ///
    /// # Errors
    ///
    /// A protocol that has no notifications, or no named params.
    fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported>;

    /// A request with companions, to a peer that knows the extension.
    ///
    /// The default leaves them out.
    ///
    /// # Errors
    ///
    /// As for [`Encoder::request`].
    fn request_with(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
        meta: &Meta,
    ) -> Result<(), Unsupported> {
        let _ = meta;
        self.request(out, id, method, params)
    }

    /// What stands before the result of a call. The result is encoded right behind it.
    fn begin_result(&self, out: &mut Vec<u8>, id: &Id<'_>);

    /// What stands behind the result.
    fn end_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        let _ = (out, id);
    }

    /// The answer to a call that failed.
    fn error(&self, out: &mut Vec<u8>, id: &Id<'_>, error: &RpcError);

    /// What separates frames on a stream of bytes, in the protocol's own framing.
    fn terminate(&self, out: &mut Vec<u8>) {
        let _ = out;
    }

    /// Before, between and behind the members of a batch; only used when the profile has batches.
    fn batch(&self, out: &mut Vec<u8>, part: BatchPart) {
        let _ = (out, part);
    }

    /// Everything else: stream items, credit, chunks, signs of life.
    ///
    /// # Errors
    ///
    /// The default can say none of them.
    fn message(&self, out: &mut Vec<u8>, message: &Message<'_>) -> Result<(), Unsupported> {
        let _ = (out, message);
        Err(Unsupported { who: "this protocol", what: "say more than requests and responses" })
    }
}

/// A part of a batch that is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchPart {
    /// Before the first member.
    Begin,
    /// Between two members.
    Between,
    /// Behind the last member.
    End,
}
