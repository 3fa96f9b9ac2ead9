//! `Identity`: a protocol that can say every [`Message`], and little else.
//!
//! A frame is a mark, a tag and fields between unit separators (0x1f); members of a batch stand
//! between record separators (0x1e). Payloads are JSON, in which neither byte occurs. The last
//! field is the rest of the frame, whatever its bytes.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use tinyrpc_core::{
    Allowance, Answer, BatchPart, Chunk, Code, Codec, Credit, Decoder, Encoder, Format, FrameRef,
    Heartbeat, Id, Invalid, Lane, Limits, Message, Meta, Payload, PayloadRef, Ping, Profile,
    Protocol, Request, Response, RpcError, Scan, StreamEnd, StreamItem, Unsupported, Way,
};

/// The protocol, with the habits that a test wants it to have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    /// The first byte of every frame, by which it is recognised.
    pub(crate) mark: u8,
    /// Whether it says that it has batches.
    pub(crate) batches: bool,
    /// Whether it says that a call is no longer wanted.
    pub(crate) cancels: bool,
    /// Whether it splits, and into parts of how many bytes.
    pub(crate) chunk: Option<u32>,
}

impl Default for Identity {
    fn default() -> Self {
        Self { mark: b'=', batches: true, cancels: false, chunk: None }
    }
}

impl Identity {
    /// The initial credit of a stream.
    pub(crate) const CREDIT: u32 = 4;
    /// How many bytes of chunks may be sent before the first credit for them.
    pub(crate) const WINDOW: u32 = 256 << 10;
    /// The size of a chunk where the protocol splits.
    pub(crate) const CHUNK: u32 = 32 << 10;

    /// The same with chunks.
    pub(crate) fn splitting() -> Self {
        Self { chunk: Some(Self::CHUNK), ..Self::default() }
    }

    /// One message as a frame, by the encoder's own means.
    pub(crate) fn frame(self, message: &Message<'_>) -> Bytes {
        let mut out = Vec::new();
        self.message(&mut out, message).expect("the codec says everything");
        out.into()
    }

    /// A request, or a notification where there is no id.
    pub(crate) fn call(self, id: Option<Id<'_>>, method: &str, params: &str) -> Bytes {
        self.frame(&Message::Request(Request::new(id, method, json(params), Lane::DUPLEX)))
    }

    /// A result.
    pub(crate) fn result(self, id: u64, value: &str) -> Bytes {
        self.frame(&Message::Response(Response::new(Id::Number(id), Ok(json(value)))))
    }

    fn head(self, out: &mut Vec<u8>, tag: u8) {
        out.extend_from_slice(&[self.mark, tag]);
    }
}

/// A payload without a block.
pub(crate) fn json(text: &str) -> PayloadRef<'_> {
    PayloadRef { bytes: text.as_bytes(), block: None, format: Format::Json }
}

impl Protocol for Identity {
    fn name(&self) -> &'static str {
        "identity"
    }

    fn open(&self, _limits: &Limits) -> Codec {
        let mut profile = Profile::new(Format::Json);
        profile.batches = self.batches;
        profile.cancels = self.cancels;
        profile.heartbeat = Heartbeat::Connection;
        profile.initial_credit = Self::CREDIT;
        profile.chunk = self.chunk;
        profile.initial_window = Self::WINDOW;
        Codec::new(*self, *self, profile)
    }

    fn claims(&self, first: u8) -> bool {
        first == self.mark
    }
}

impl Encoder for Identity {
    fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported> {
        self.head(out, b'q');
        let id = id.map_or_else(Vec::new, id_bytes);
        join(out, &[&id, method.as_bytes(), b"", b"", params]);
        Ok(())
    }

    fn request_with(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
        meta: &Meta,
    ) -> Result<(), Unsupported> {
        self.head(out, b'q');
        let id = id.map_or_else(Vec::new, id_bytes);
        join(out, &[&id, method.as_bytes(), &meta_bytes(Some(meta)), b"", params]);
        Ok(())
    }

    fn begin_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        self.head(out, b'r');
        join(out, &[&id_bytes(id), b"", b""]);
    }

    fn error(&self, out: &mut Vec<u8>, id: &Id<'_>, error: &RpcError) {
        self.head(out, b'e');
        join(out, &[&id_bytes(id), b"", &error_bytes(error)]);
    }

    fn batch(&self, out: &mut Vec<u8>, part: BatchPart) {
        match part {
            BatchPart::Begin => self.head(out, b'b'),
            BatchPart::Between => out.push(RECORD),
            BatchPart::End => {}
        }
    }

    fn message(&self, out: &mut Vec<u8>, message: &Message<'_>) -> Result<(), Unsupported> {
        let mut fields = |tag, fields: &[&[u8]]| {
            self.head(out, tag);
            join(out, fields);
        };
        match message {
            Message::Request(request) => {
                let id = request.id.as_ref().map_or_else(Vec::new, id_bytes);
                let meta = meta_bytes(request.meta.as_deref());
                let named = request.named.map_or(&b""[..], |named| named.bytes);
                let method = request.method.as_bytes();
                fields(b'q', &[&id, method, &meta, named, request.params.bytes]);
            }
            Message::Response(Response { id, outcome, meta }) => {
                let (id, meta) = (id_bytes(id), meta_bytes(meta.as_deref()));
                match outcome {
                    Ok(value) => fields(b'r', &[&id, &meta, value.bytes]),
                    Err(error) => fields(b'e', &[&id, &meta, &error_bytes(error)]),
                }
            }
            Message::Batch(members) => {
                self.batch(out, BatchPart::Begin);
                for (index, member) in members.iter().enumerate() {
                    if index > 0 {
                        self.batch(out, BatchPart::Between);
                    }
                    match member {
                        Ok(member) => self.message(out, member)?,
                        Err(_) => self.head(out, b'?'),
                    }
                }
            }
            Message::StreamItem(StreamItem { id, way, value, meta }) => {
                let tag = if *way == Way::ToCaller { b'i' } else { b'I' };
                fields(tag, &[&id_bytes(id), &meta_bytes(meta.as_deref()), value.bytes]);
            }
            Message::StreamEnd(StreamEnd { id, way, outcome, meta }) => {
                let (id, meta) = (id_bytes(id), meta_bytes(meta.as_deref()));
                match (outcome, way) {
                    (Ok(()), Way::ToCaller) => fields(b'd', &[&id, &meta]),
                    (Ok(()), Way::ToCallee) => fields(b'D', &[&id, &meta]),
                    (Err(error), Way::ToCaller) => fields(b'x', &[&id, &meta, &error_bytes(error)]),
                    (Err(error), Way::ToCallee) => fields(b'X', &[&id, &meta, &error_bytes(error)]),
                }
            }
            Message::Credit(Credit { id, way, more, meta }) => {
                let tag = if *way == Way::ToCaller { b'c' } else { b'C' };
                let amounts = format!("{},{}", more.items, more.bytes);
                fields(tag, &[&id_bytes(id), &meta_bytes(meta.as_deref()), amounts.as_bytes()]);
            }
            Message::Stop(id) => fields(b's', &[&id_bytes(id)]),
            Message::Window(amount) => fields(b'w', &[amount.to_string().as_bytes()]),
            Message::Cancel(id) => fields(b'a', &[&id_bytes(id)]),
            Message::Chunk(Chunk { message, last, bytes }) => {
                let last = if *last { b"." } else { b"+" };
                fields(b'k', &[message.to_string().as_bytes(), last, bytes]);
            }
            Message::Ping(Ping { id, meta }) => {
                let id = id.as_ref().map_or_else(Vec::new, id_bytes);
                fields(b'p', &[&id, &meta_bytes(meta.as_deref())]);
            }
            _ => self.head(out, b'u'),
        }
        Ok(())
    }
}

impl Decoder for Identity {
    fn find(&mut self, _buffer: &[u8]) -> Scan {
        let why = RpcError::new(Code::PARSE_ERROR, "no framing of its own: give it one");
        Scan::Bad { consumed: 0, error: Some(why), fatal: true }
    }

    fn decode<'f>(&mut self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>> {
        if let Some(members) = frame.bytes.strip_prefix(&[self.mark, b'b']) {
            let members = members.split(|&byte| byte == RECORD).map(|one| self.one(frame, one));
            return Ok(Message::Batch(members.collect()));
        }
        self.one(frame, frame.bytes)
    }
}

impl Identity {
    fn one<'f>(self, frame: FrameRef<'f>, bytes: &'f [u8]) -> Result<Message<'f>, Invalid<'f>> {
        let bad = || Invalid {
            error: RpcError::new(Code::PARSE_ERROR, "not a message"),
            answer: Answer::Error(Id::Null),
        };
        let (&[mark, tag], rest) = bytes.split_first_chunk().ok_or_else(bad)?;
        if mark != self.mark {
            return Err(bad());
        }
        match tag {
            b'!' => Err(Invalid { error: bad().error, answer: Answer::Close(Id::Null) }),
            b'-' => Err(Invalid { error: bad().error, answer: Answer::Nothing }),
            b'u' => Ok(Message::Unknown),
            b'q' => split(rest).and_then(|fields| request(frame, fields)).ok_or_else(bad),
            b'r' | b'e' | b'i' | b'I' | b'x' | b'X' | b'c' | b'C' | b'k' => {
                split(rest).and_then(|fields| three(frame, tag, fields)).ok_or_else(bad)
            }
            b'd' | b'D' | b'p' => split(rest).and_then(|fields| two(tag, fields)).ok_or_else(bad),
            b'a' => id(rest).map(Message::Cancel).ok_or_else(bad),
            b's' => id(rest).map(Message::Stop).ok_or_else(bad),
            b'w' => number(rest).map(Message::Window).ok_or_else(bad),
            _ => Err(bad()),
        }
    }
}

fn request<'f>(frame: FrameRef<'f>, fields: [&'f [u8]; 5]) -> Option<Message<'f>> {
    let [number, method, extra, named, params] = fields;
    Some(Message::Request(Request {
        id: if number.is_empty() { None } else { Some(id(number)?) },
        method: text(method)?.into(),
        params: frame.payload(params, Format::Json),
        named: (!named.is_empty()).then(|| frame.payload(named, Format::Json)),
        meta: meta(extra)?,
        lane: frame.lane,
        channels: None,
    }))
}

fn three<'f>(frame: FrameRef<'f>, tag: u8, fields: [&'f [u8]; 3]) -> Option<Message<'f>> {
    let [first, second, rest] = fields;
    if tag == b'k' {
        let (message, last) = (text(first)?.parse().ok()?, second == b".");
        return Some(Message::Chunk(Chunk { message, last, bytes: rest.into() }));
    }
    let (id, meta) = (id(first)?, meta(second)?);
    Some(match tag {
        b'r' => {
            let outcome = Ok(frame.payload(rest, Format::Json));
            Message::Response(Response { id, outcome, meta })
        }
        b'e' => Message::Response(Response { id, outcome: Err(error(rest)?), meta }),
        b'i' | b'I' => {
            let value = frame.payload(rest, Format::Json);
            Message::StreamItem(StreamItem { id, way: way(tag), value, meta })
        }
        b'x' | b'X' => {
            let outcome = Err(error(rest)?);
            Message::StreamEnd(StreamEnd { id, way: way(tag), outcome, meta })
        }
        _ => {
            let (items, bytes) = text(rest)?.split_once(',')?;
            let more = Allowance { items: items.parse().ok()?, bytes: bytes.parse().ok()? };
            Message::Credit(Credit { id, way: way(tag), more, meta })
        }
    })
}

fn two<'f>(tag: u8, [first, second]: [&'f [u8]; 2]) -> Option<Message<'f>> {
    let meta = meta(second)?;
    if tag != b'p' {
        let (id, outcome) = (id(first)?, Ok(()));
        return Some(Message::StreamEnd(StreamEnd { id, way: way(tag), outcome, meta }));
    }
    let id = if first.is_empty() { None } else { Some(id(first)?) };
    Some(Message::Ping(Ping { id, meta }))
}

/// Capital letters are for what goes to the callee.
fn way(tag: u8) -> Way {
    if tag.is_ascii_lowercase() { Way::ToCaller } else { Way::ToCallee }
}

fn number(bytes: &[u8]) -> Option<u32> {
    text(bytes)?.parse().ok()
}

fn split<const N: usize>(bytes: &[u8]) -> Option<[&[u8]; N]> {
    let mut fields = [&b""[..]; N];
    let mut parts = bytes.splitn(N, |&byte| byte == UNIT);
    for field in &mut fields {
        *field = parts.next()?;
    }
    Some(fields)
}

fn join(out: &mut Vec<u8>, fields: &[&[u8]]) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(UNIT);
        }
        out.extend_from_slice(field);
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn id_bytes(id: &Id<'_>) -> Vec<u8> {
    let (tag, bytes): (&[u8], Cow<'_, [u8]>) = match id {
        Id::Null => (b"~", Cow::Borrowed(b"")),
        Id::Number(number) => (b"", number.to_string().into_bytes().into()),
        Id::Negative(number) => (b"", number.to_string().into_bytes().into()),
        Id::Text(text) => (b"'", text.as_bytes().into()),
        Id::Binary(bytes) => (b"#", bytes.as_ref().into()),
        Id::Token(token) => (b"$", token.as_ref().into()),
        _ => unreachable!("a new kind of id"),
    };
    [tag, &bytes].concat()
}

fn id(bytes: &[u8]) -> Option<Id<'_>> {
    let (&first, rest) = bytes.split_first()?;
    Some(match first {
        b'~' => Id::Null,
        b'-' => Id::Negative(text(bytes)?.parse().ok()?),
        b'\'' => Id::Text(text(rest)?.into()),
        b'#' => Id::Binary(rest.into()),
        b'$' => Id::Token(rest.into()),
        _ => Id::Number(text(bytes)?.parse().ok()?),
    })
}

fn error_bytes(error: &RpcError) -> Vec<u8> {
    let mut out = Vec::new();
    Format::Json.encode(&(error.code.0, &error.message), &mut out).expect("plain values");
    out.push(UNIT);
    error.encode_data(Format::Json, &mut out);
    out
}

fn error(bytes: &[u8]) -> Option<RpcError> {
    let [head, data] = split(bytes)?;
    let (code, message): (i64, String) = Format::Json.decode(head).ok()?;
    let error = RpcError::new(code, message);
    Some(if data.is_empty() { error } else { error.with_payload(kept(data)) })
}

type Companions = (
    Option<u64>,
    Option<(u32, u32)>,
    bool,
    u32,
    Option<String>,
    Option<String>,
    Option<String>,
    Vec<(String, String)>,
);

fn meta_bytes(meta: Option<&Meta>) -> Vec<u8> {
    let Some(meta) = meta else { return Vec::new() };
    let value = |payload: &Payload| String::from_utf8_lossy(&payload.bytes).into_owned();
    let entries = meta.entries.iter().map(|(name, payload)| (name.clone(), value(payload)));
    let companions: Companions = (
        meta.deadline.map(|deadline| deadline.as_micros() as u64),
        meta.stream.map(|stream| (stream.items, stream.bytes)),
        meta.sends,
        meta.depth,
        meta.trace.clone(),
        meta.idempotency_key.clone(),
        meta.identity.clone(),
        entries.collect(),
    );
    let mut out = Vec::new();
    Format::Json.encode(&companions, &mut out).expect("plain values");
    out
}

fn meta(bytes: &[u8]) -> Option<Option<Box<Meta>>> {
    if bytes.is_empty() {
        return Some(None);
    }
    let (deadline, stream, sends, depth, trace, idempotency_key, identity, entries): Companions =
        Format::Json.decode(bytes).ok()?;
    let entries = entries.into_iter().map(|(name, value)| (name, kept(value.as_bytes())));
    Some(Some(Box::new(Meta {
        deadline: deadline.map(Duration::from_micros),
        stream: stream.map(|(items, bytes)| Allowance { items, bytes }),
        sends,
        depth,
        trace,
        idempotency_key,
        identity,
        entries: entries.collect(),
    })))
}

fn kept(bytes: &[u8]) -> Payload {
    Payload { bytes: Bytes::copy_from_slice(bytes), format: Format::Json }
}

const UNIT: u8 = 0x1f;
const RECORD: u8 = 0x1e;
