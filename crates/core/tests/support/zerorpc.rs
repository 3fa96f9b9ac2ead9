//! zerorpc's events as messages: a codec for tests, to prove that the model is wide enough.
//!
//! An event is `[header, name, args]` in MessagePack. What the model has no place for (the id of
//! an event that is no request, the version, whatever middleware put into the header) travels in
//! `Meta::entries`, in the order in which it came.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use bytes::Bytes;
use tinyrpc_core::{
    Allowance, Answer, Code, Codec, Credit, Decoder, Encoder, Format, FrameRef, Heartbeat, Id,
    IdKind, Invalid, Lane, Limits, Message, Meta, Payload, Ping, Profile, Protocol, Request,
    Response, RpcError, Scan, StreamEnd, StreamItem, Unsupported, Way,
};

/// The protocol. Ids of events count up from `first`, before a constant part.
#[derive(Clone, Debug)]
pub(crate) struct ZeroRpc {
    pub(crate) first: u32,
    pub(crate) base: String,
    /// PUSH and PUB sockets: nobody answers, so a request is a notification.
    pub(crate) one_way: bool,
}

impl Default for ZeroRpc {
    fn default() -> Self {
        Self { first: 1, base: "0".repeat(24), one_way: false }
    }
}

impl Protocol for ZeroRpc {
    fn name(&self) -> &'static str {
        "zerorpc"
    }

    fn open(&self, _limits: &Limits) -> Codec {
        let mut profile = Profile::new(Format::MsgPack);
        profile.ids = IdKind::Binary;
        profile.heartbeat = Heartbeat::Call;
        profile.initial_credit = 1;
        let events = Events { next: AtomicU32::new(self.first), base: self.base.clone() };
        Codec::new(self.clone(), events, profile)
    }
}

impl Decoder for ZeroRpc {
    fn find(&mut self, _buffer: &[u8]) -> Scan {
        let why = RpcError::new(Code::PARSE_ERROR, "zerorpc has no framing on a stream of bytes");
        Scan::Bad { consumed: 0, error: Some(why), fatal: true }
    }

    fn decode<'f>(&mut self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>> {
        // A real peer logs what it cannot read, and never answers it.
        self.event(frame).ok_or_else(|| Invalid {
            error: RpcError::new(Code::INVALID_REQUEST, "not an event of zerorpc"),
            answer: Answer::Nothing,
        })
    }
}

impl ZeroRpc {
    fn event<'f>(&self, frame: FrameRef<'f>) -> Option<Message<'f>> {
        let mut reader = Reader { bytes: frame.bytes };
        if reader.array()? != 3 {
            return None;
        }
        let (mut id, mut response_to, mut meta) = (None, None, Meta::default());
        for _ in 0..reader.map()? {
            let key = text(reader.value()?)?;
            let value = reader.value()?;
            match key {
                "message_id" if !self.one_way => id = Some(value),
                "response_to" => response_to = Some(value),
                _ => meta.entries.push((key.to_owned(), kept(value))),
            }
        }
        let (name, args) = (text(reader.value()?)?, reader.value()?);
        if !reader.bytes.is_empty() {
            return None;
        }
        let payload = |bytes| frame.payload(bytes, Format::MsgPack);
        let Some(channel) = response_to else {
            let meta = Some(Box::new(meta));
            let id = if self.one_way { None } else { Some(decoded_id(id?)?) };
            let request = Request::new(id, name, payload(args), frame.lane);
            return Some(Message::Request(Request { meta, ..request }));
        };
        // The id of this event itself, which nothing refers to.
        meta.entries.insert(0, ("message_id".into(), kept(id?)));
        let (id, meta, way) = (decoded_id(channel)?, Some(Box::new(meta)), Way::ToCaller);
        let mut first = Reader { bytes: args };
        let mut single = || if first.array()? == 1 { first.value() } else { None };
        Some(match name {
            "OK" => Message::Response(Response { id, outcome: Ok(payload(single()?)), meta }),
            "ERR" => Message::Response(Response { id, outcome: Err(fault(args)?), meta }),
            "STREAM" => Message::StreamItem(StreamItem { id, way, value: payload(args), meta }),
            "STREAM_DONE" => Message::StreamEnd(StreamEnd { id, way, outcome: Ok(()), meta }),
            "_zpc_more" => {
                let amount = Format::MsgPack.decode(single()?).ok()?;
                {
                    let more = Allowance { items: amount, bytes: u32::MAX };
                    Message::Credit(Credit { id, way, more, meta })
                }
            }
            "_zpc_hb" => Message::Ping(Ping { id: Some(id), meta }),
            // An event of no pattern that is spoken here.
            _ => return None,
        })
    }
}

/// Name, message and traceback, or in version 1 one text; all of it is kept as data.
fn fault(args: &[u8]) -> Option<RpcError> {
    let texts: Vec<String> = Format::MsgPack.decode(args).ok()?;
    let message = texts.get(1).or_else(|| texts.first())?.clone();
    Some(RpcError::new(Code::SERVER_ERROR, message).with_payload(kept(args)))
}

/// Messages to events.
#[derive(Debug)]
struct Events {
    next: AtomicU32,
    base: String,
}

impl Events {
    /// Header and name of an event; the arguments are encoded behind it.
    fn head(&self, out: &mut Vec<u8>, event: &Event<'_>) {
        let fresh = || {
            let id = format!("{:08x}{}", self.next.fetch_add(1, SeqCst), self.base);
            Id::Binary(id.into_bytes().into())
        };
        let mut entries: Vec<(&str, Vec<u8>)> = Vec::new();
        match event.meta {
            Some(meta) => {
                let own = meta.entries.iter().map(|(key, value)| (&**key, value.bytes.to_vec()));
                entries.extend(own);
            }
            None => entries.push(("v", vec![3])),
        }
        if let Some(id) = event.id {
            entries.insert(0, ("message_id", encoded_id(id)));
        } else if entries.iter().all(|(key, _)| *key != "message_id") {
            entries.insert(0, ("message_id", encoded_id(&fresh())));
        }
        if let Some(id) = event.response_to {
            let at = entries.iter().position(|(key, _)| *key == "v").map_or(1, |at| at + 1);
            entries.insert(at, ("response_to", encoded_id(id)));
        }
        out.push(0x93);
        out.push(0x80 | entries.len() as u8);
        for (key, value) in entries {
            encode(out, key);
            out.extend_from_slice(&value);
        }
        encode(out, event.name);
    }

    fn answer(&self, out: &mut Vec<u8>, id: &Id<'_>, meta: Option<&Meta>, name: &str) {
        self.head(out, &Event { name, id: None, response_to: Some(id), meta });
    }

    fn fault(&self, out: &mut Vec<u8>, id: &Id<'_>, meta: Option<&Meta>, error: &RpcError) {
        self.answer(out, id, meta, "ERR");
        if !error.encode_data(Format::MsgPack, out) {
            encode(out, &("RpcError", &error.message, ""));
        }
    }
}

struct Event<'a> {
    name: &'a str,
    id: Option<&'a Id<'a>>,
    response_to: Option<&'a Id<'a>>,
    meta: Option<&'a Meta>,
}

impl Encoder for Events {
    fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported> {
        self.head(out, &Event { name: method, id, response_to: None, meta: None });
        out.extend_from_slice(if params.is_empty() { &[0x90] } else { params });
        Ok(())
    }

    fn begin_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        self.answer(out, id, None, "OK");
        out.push(0x91);
    }

    fn error(&self, out: &mut Vec<u8>, id: &Id<'_>, error: &RpcError) {
        self.fault(out, id, None, error);
    }

    fn message(&self, out: &mut Vec<u8>, message: &Message<'_>) -> Result<(), Unsupported> {
        match message {
            Message::Request(Request { id, method, params, meta, .. }) => {
                let (id, meta) = (id.as_ref(), meta.as_deref());
                self.head(out, &Event { name: method, id, response_to: None, meta });
                out.extend_from_slice(params.bytes);
            }
            Message::Response(Response { id, outcome: Ok(value), meta }) => {
                self.answer(out, id, meta.as_deref(), "OK");
                out.push(0x91);
                out.extend_from_slice(value.bytes);
            }
            Message::Response(Response { id, outcome: Err(error), meta })
            | Message::StreamEnd(StreamEnd { id, outcome: Err(error), meta, .. }) => {
                self.fault(out, id, meta.as_deref(), error);
            }
            Message::StreamItem(StreamItem { id, value, meta, .. }) => {
                self.answer(out, id, meta.as_deref(), "STREAM");
                out.extend_from_slice(value.bytes);
            }
            Message::StreamEnd(StreamEnd { id, outcome: Ok(()), meta, .. }) => {
                self.answer(out, id, meta.as_deref(), "STREAM_DONE");
                encode(out, &());
            }
            Message::Credit(Credit { id, more: Allowance { items: amount, .. }, meta, .. }) => {
                self.answer(out, id, meta.as_deref(), "_zpc_more");
                encode(out, &(amount,));
            }
            Message::Ping(Ping { id: Some(id), meta }) => {
                self.answer(out, id, meta.as_deref(), "_zpc_hb");
                encode(out, &(0,));
            }
            _ => {
                return Err(Unsupported { who: "zerorpc", what: "say such a message" });
            }
        }
        Ok(())
    }
}

fn encode<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    Format::MsgPack.encode(value, out).expect("a plain value");
}

fn kept(bytes: &[u8]) -> Payload {
    Payload { bytes: Bytes::copy_from_slice(bytes), format: Format::MsgPack }
}

fn text(value: &[u8]) -> Option<&str> {
    // A byte string is no text here, although the format would read it as one.
    let is_text = matches!(value.first()?, 0xa0..=0xbf | 0xd9..=0xdb);
    if is_text { Format::MsgPack.decode(value).ok() } else { None }
}

/// Binary, text and numbers, and whatever else as it stands.
fn decoded_id(value: &[u8]) -> Option<Id<'_>> {
    let number = || Format::MsgPack.decode(value).ok().map(Id::Number);
    Some(match value.first()? {
        0xc4 => Id::Binary(value.get(2..)?.into()),
        0xa0..=0xbf | 0xd9..=0xdb => Id::Text(text(value)?.into()),
        0x00..=0x7f | 0xcc..=0xcf => number()?,
        _ => Id::Token(value.into()),
    })
}

fn encoded_id(id: &Id<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    match id {
        Id::Binary(bytes) => {
            out.extend_from_slice(&[0xc4, bytes.len() as u8]);
            out.extend_from_slice(bytes);
        }
        Id::Text(text) => encode(&mut out, text),
        Id::Number(number) => encode(&mut out, number),
        Id::Token(token) => out.extend_from_slice(token),
        _ => encode(&mut out, &()),
    }
    out
}

/// Walks over MessagePack without decoding it.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// How many elements the array has that begins here.
    fn array(&mut self) -> Option<usize> {
        match self.take(1)?[0] {
            head @ 0x90..=0x9f => Some(usize::from(head & 15)),
            0xdc => self.length(2),
            0xdd => self.length(4),
            _ => None,
        }
    }

    /// How many entries the map has that begins here.
    fn map(&mut self) -> Option<usize> {
        match self.take(1)?[0] {
            head @ 0x80..=0x8f => Some(usize::from(head & 15)),
            0xde => self.length(2),
            0xdf => self.length(4),
            _ => None,
        }
    }

    /// The bytes of the next value, whatever it is.
    fn value(&mut self) -> Option<&'a [u8]> {
        let start = self.bytes;
        let mut left = 1_usize;
        while left > 0 {
            left -= 1;
            let (skip, inside) = match self.take(1)?[0] {
                0xc1 => return None,
                head @ 0x80..=0x8f => (0, 2 * usize::from(head & 15)),
                head @ 0x90..=0x9f => (0, usize::from(head & 15)),
                head @ 0xa0..=0xbf => (usize::from(head & 31), 0),
                0xc4 | 0xd9 => (self.length(1)?, 0),
                0xc5 | 0xda => (self.length(2)?, 0),
                0xc6 | 0xdb => (self.length(4)?, 0),
                0xc7 => (self.length(1)? + 1, 0),
                0xc8 => (self.length(2)? + 1, 0),
                0xc9 => (self.length(4)? + 1, 0),
                0xcc | 0xd0 => (1, 0),
                0xcd | 0xd1 | 0xd4 => (2, 0),
                0xca | 0xce | 0xd2 => (4, 0),
                0xcb | 0xcf | 0xd3 => (8, 0),
                0xd5 => (3, 0),
                0xd6 => (5, 0),
                0xd7 => (9, 0),
                0xd8 => (17, 0),
                0xdc => (0, self.length(2)?),
                0xdd => (0, self.length(4)?),
                0xde => (0, 2 * self.length(2)?),
                0xdf => (0, 2 * self.length(4)?),
                // Small integers, nil, false, true.
                _ => (0, 0),
            };
            self.take(skip)?;
            left += inside;
        }
        start.get(..start.len() - self.bytes.len())
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn length(&mut self, width: usize) -> Option<usize> {
        let bytes = self.take(width)?;
        Some(bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)))
    }
}

/// One event as a frame.
pub(crate) fn frame(bytes: &[u8]) -> FrameRef<'_> {
    FrameRef { lane: Lane::DUPLEX, bytes, block: None }
}
