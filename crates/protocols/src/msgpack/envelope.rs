//! From a scanned frame to a message: what the envelope must have, and the answer to what has it
//! not.

use std::borrow::Cow;

use tinyrpc_core::{
    Answer, Code, Format, FrameRef, Id, Invalid, Message, Meta, Payload, PayloadRef, Request,
    Response, RpcError,
};

use super::{
    companions, extension,
    scan::{Kind, Reader},
};

/// The limits that concern an envelope.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) max_method: usize,
}

/// The message in a frame of which nothing more is known than that it is one value.
#[inline]
pub(super) fn message<'f>(
    frame: FrameRef<'f>,
    bounds: &Bounds,
) -> Result<Message<'f>, Invalid<'f>> {
    if let Some(message) = plain(frame, bounds) {
        return Ok(message);
    }
    let mut reader = Reader::new(frame.bytes);
    let Some(count) = reader.array() else {
        return Err(drop_silently("a message is an array"));
    };
    match reader.uint() {
        Some(REQUEST) => request(frame, reader, count, bounds),
        Some(RESPONSE) => response(frame, reader, count),
        Some(NOTIFICATION) => notification(frame, reader, count, bounds),
        Some(kind) => Ok(extension::message(frame, kind, count, reader)),
        None => Err(drop_silently("a message begins with the number of its type")),
    }
}

/// A message as nearly every peer writes it, with few questions asked; `None` where there is more
/// to ask.
#[inline(always)]
fn plain<'f>(frame: FrameRef<'f>, bounds: &Bounds) -> Option<Message<'f>> {
    let (id, rest) = match frame.bytes {
        [0x94, 0x00, rest @ ..] => {
            let (id, rest) = number(rest)?;
            (Some(id), rest)
        }
        [0x93, 0x02, rest @ ..] => (None, rest),
        [0x94, 0x01, rest @ ..] => {
            let (id, rest) = number(rest)?;
            let outcome = Ok(frame.payload(rest.strip_prefix(&[NIL])?, Format::MsgPack));
            return Some(Message::Response(Response::new(Id::Number(id), outcome)));
        }
        _ => return None,
    };
    let (length, rest) = match rest {
        [head @ 0xa0..=0xbf, rest @ ..] => (usize::from(head & 0x1f), rest),
        _ => return None,
    };
    let (name, params) = rest.split_at_checked(length)?;
    if length > bounds.max_method || !matches!(params.first(), Some(0x90..=0x9f)) {
        return None;
    }
    let method = std::str::from_utf8(name).ok()?;
    let params = frame.payload(params, Format::MsgPack);
    Some(Message::Request(Request::new(id.map(Id::Number), method, params, frame.lane)))
}

/// An id in its usual forms, and what stands behind it.
#[inline(always)]
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    Some(match *bytes {
        [number @ 0..=0x7f, ref rest @ ..] => (number.into(), rest),
        [0xcc, number, ref rest @ ..] => (number.into(), rest),
        [0xcd, a, b, ref rest @ ..] => (u16::from_be_bytes([a, b]).into(), rest),
        [0xce, a, b, c, d, ref rest @ ..] => (u32::from_be_bytes([a, b, c, d]).into(), rest),
        _ => return None,
    })
}

#[inline(never)]
fn request<'f>(
    frame: FrameRef<'f>,
    mut reader: Reader<'f>,
    count: u32,
    bounds: &Bounds,
) -> Result<Message<'f>, Invalid<'f>> {
    // An array that ends before the id is followed by nothing, so there is none to be read.
    let Some(id) = reader.uint() else {
        return Err(drop_silently("a request has an id from 0 to 2^64 - 1"));
    };
    let (reader, meta) = match count {
        4 => (reader, None),
        5 => match with_companions(reader) {
            Ok((reader, meta)) => (reader, Some(meta)),
            Err(what) => return Err(refuse(id, what)),
        },
        _ => return Err(refuse(id, "a request is [0, id, method, params] or has a map behind")),
    };
    let (method, params) = match call(frame, reader, bounds) {
        Ok(call) => call,
        Err(what) => return Err(refuse(id, what)),
    };
    let request = Request::new(Some(Id::Number(id)), method, params, frame.lane);
    Ok(Message::Request(Request { meta, ..request }))
}

/// The method and the params, and what the map behind them says.
#[cold]
fn with_companions(reader: Reader<'_>) -> Result<(Reader<'_>, Box<Meta>), &'static str> {
    let mut behind = reader;
    for _method_and_params in 0..2 {
        behind.value();
    }
    let map = behind.rest();
    let call = reader.rest().strip_suffix(map).unwrap_or_default();
    Ok((Reader::new(call), Box::new(companions::read(map)?)))
}

#[inline(never)]
fn notification<'f>(
    frame: FrameRef<'f>,
    reader: Reader<'f>,
    count: u32,
    bounds: &Bounds,
) -> Result<Message<'f>, Invalid<'f>> {
    if count != 3 {
        return Err(drop_silently("a notification is [2, method, params]"));
    }
    match call(frame, reader, bounds) {
        Ok((method, params)) => {
            Ok(Message::Request(Request::new(None, method, params, frame.lane)))
        }
        Err(what) => Err(drop_silently(what)),
    }
}

/// The method and the params with which a message ends, or what is wrong with them.
fn call<'f>(
    frame: FrameRef<'f>,
    mut reader: Reader<'f>,
    bounds: &Bounds,
) -> Result<(&'f str, PayloadRef<'f>), Cow<'static, str>> {
    let name = reader.bytes().ok_or("the method must be a text")?;
    if name.len() > bounds.max_method {
        let limit = bounds.max_method;
        let what = format!("the method is longer than the limit `max_method` of {limit} bytes");
        return Err(what.into());
    }
    let method = std::str::from_utf8(name).map_err(|_| "the method must be UTF-8")?;
    let params = match reader.kind() {
        Some(Kind::Array | Kind::Map) => reader.rest(),
        Some(Kind::Nil) => &[],
        _ => return Err("params must be an array, a map or nil".into()),
    };
    Ok((method, frame.payload(params, Format::MsgPack)))
}

/// An answer to a request of this side. What is wrong with it is never answered.
#[inline(never)]
fn response<'f>(
    frame: FrameRef<'f>,
    mut reader: Reader<'f>,
    count: u32,
) -> Result<Message<'f>, Invalid<'f>> {
    let id = if count == 4 { reader.uint() } else { None };
    let Some(id) = id else {
        return Err(drop_silently("a response is [1, id, error, result]"));
    };
    let outcome = if reader.nil().is_some() {
        Ok(frame.payload(reader.rest(), Format::MsgPack))
    } else {
        Err(read_error(frame, reader.value().unwrap_or_default()))
    };
    Ok(Message::Response(Response::new(Id::Number(id), outcome)))
}

/// What a peer means by an error. Every system has its own idea of one:
///
/// | value | of |
/// |---|---|
/// | text | msgpack-rpc-python, mprpc, joint |
/// | `[code, message]` | tinyrpc |
/// | `[code, message, data]` | this crate |
/// | `[kind, message]` | Neovim |
#[cold]
pub(super) fn read_error<'f>(frame: FrameRef<'f>, value: &'f [u8]) -> RpcError {
    let keep = |data| -> Payload { frame.payload(data, Format::MsgPack).to_payload() };
    if let Some(text) = text(&mut Reader::new(value)).filter(|text| !text.is_empty()) {
        return RpcError::server(text.to_owned());
    }
    if let Some((code, message, data)) = parts_of_array(value).or_else(|| parts_of_map(value)) {
        let error = RpcError::new(code, message.to_owned());
        return match data {
            Some(data) => error.with_payload(keep(data)),
            None => error,
        };
    }
    RpcError::server(shown(value)).with_payload(keep(value))
}

/// Code, message and data.
type Parts<'f> = (i64, &'f str, Option<&'f [u8]>);

fn parts_of_array(value: &[u8]) -> Option<Parts<'_>> {
    let mut reader = Reader::new(value);
    let count @ (2 | 3) = reader.array()? else { return None };
    let code = reader.int()?;
    let message = text(&mut reader)?;
    Some((code, message, if count == 3 { reader.value() } else { None }))
}

fn parts_of_map(value: &[u8]) -> Option<Parts<'_>> {
    let mut reader = Reader::new(value);
    let (mut code, mut message, mut data) = (None, None, None);
    for _ in 0..reader.map()? {
        let key = Reader::new(reader.value()?).bytes();
        let value = reader.value()?;
        match key {
            Some(b"code") => code = Some(Reader::new(value).int()?),
            Some(b"message") => message = Some(text(&mut Reader::new(value))?),
            Some(b"data") => data = Some(value),
            _ => {}
        }
    }
    Some((code.unwrap_or(Code::SERVER_ERROR.0), message?, data))
}

/// A text that is one.
pub(super) fn text<'f>(reader: &mut Reader<'f>) -> Option<&'f str> {
    std::str::from_utf8(reader.bytes()?).ok()
}

/// A value in a few words, for people.
fn shown(value: &[u8]) -> String {
    let mut reader = Reader::new(value);
    let size = value.len();
    match reader.kind() {
        Some(Kind::Integer) => match (reader.uint(), reader.int()) {
            (Some(number), _) => format!("error {number}"),
            (_, Some(number)) => format!("error {number}"),
            _ => "an error that is a number".into(),
        },
        Some(Kind::Bool) if value == [0xc3] => "error true".into(),
        Some(Kind::Bool) => "error false".into(),
        Some(Kind::Text | Kind::Binary) => match reader.bytes() {
            Some(bytes) if !bytes.is_empty() => {
                String::from_utf8_lossy(bytes).chars().take(SHOWN).collect()
            }
            _ => "an error without a text".into(),
        },
        Some(Kind::Array) => format!("an error that is an array of {size} bytes"),
        Some(Kind::Map) => format!("an error that is a map of {size} bytes"),
        _ => format!("an error of {size} bytes"),
    }
}

/// A message with something behind it: the request in front must not be executed either.
#[cold]
pub(super) fn trailing(frame: &[u8], at: usize) -> Invalid<'_> {
    let mut reader = Reader::new(frame);
    let id = match (reader.array(), reader.uint()) {
        (Some(2..), Some(REQUEST)) => reader.uint(),
        _ => None,
    };
    let what = format!("something stands behind the message (at byte {at})");
    match id {
        Some(id) => refuse(id, what),
        None => drop_silently(what),
    }
}

/// A request that is none, answered under its id.
#[cold]
fn refuse<'f>(id: u64, what: impl Into<Cow<'static, str>>) -> Invalid<'f> {
    let error = RpcError::new(Code::INVALID_REQUEST, what);
    Invalid { error, answer: Answer::Error(Id::Number(id)) }
}

/// What has no id, or is an answer itself.
#[cold]
pub(super) fn drop_silently<'f>(what: impl Into<Cow<'static, str>>) -> Invalid<'f> {
    Invalid { error: RpcError::new(Code::INVALID_REQUEST, what), answer: Answer::Nothing }
}

const REQUEST: u64 = 0;
const RESPONSE: u64 = 1;
const NOTIFICATION: u64 = 2;
const NIL: u8 = 0xc0;
/// How much of an odd error becomes its message.
const SHOWN: usize = 256;
