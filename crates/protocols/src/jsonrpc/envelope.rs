//! From the outline of a frame to a message: what the envelope must have, and the answer to what
//! has it not.

use std::borrow::Cow;

use tinyrpc_core::{
    Answer, Code, Format, FrameRef, Id, Invalid, Message, Meta, Request, Response, RpcError,
};

use super::{
    Dialect, companions,
    decoder::{Bounds, whole},
    extension,
    scan::{Kind, Member, Outline, elements, key_is, member, members},
    text,
};

/// The message in a frame of which nothing more is known than that it is JSON.
#[inline]
pub(super) fn message<'f>(
    frame: FrameRef<'f>,
    outline: &Outline,
    bounds: &Bounds,
) -> Result<Message<'f>, Invalid<'f>> {
    match outline.kind {
        Kind::Object => match plain(frame, outline, bounds) {
            Some(message) => Ok(message),
            None => match notice(frame, outline, bounds) {
                Some(message) => Ok(message),
                None => object(frame, frame.bytes, outline, bounds, Place::Alone),
            },
        },
        Kind::Array => batch(frame, bounds),
        Kind::Scalar => Err(refuse(None, "a message is an object or an array")),
    }
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Alone,
    /// Where nothing of the extension has a meaning.
    InBatch,
}

/// A message as nearly every peer writes it, with few questions asked; `None` where there is more
/// to ask.
#[inline(always)]
fn plain<'f>(frame: FrameRef<'f>, outline: &Outline, bounds: &Bounds) -> Option<Message<'f>> {
    let object = frame.bytes;
    let part = |member| outline.span(member).of(object);
    if outline.duplicate.is_some()
        || !outline.span(Member::Error).is_empty()
        || part(Member::Jsonrpc)? != VERSION
    {
        return None;
    }
    let id = match part(Member::Id) {
        Some(token) => Some(Id::Number(text::number(object, outline.span(Member::Id), token)?)),
        None => None,
    };
    let (method, result) = (outline.span(Member::Method), outline.span(Member::Result));
    if method.is_empty() {
        let outcome = Ok(frame.payload(result.of(object)?, Format::Json));
        return Some(Message::Response(Response::new(id?, outcome)));
    }
    let name = text::inside(method.of(object)?)?;
    // Among the members that nobody knows may be that of the extension.
    if !result.is_empty()
        || outline.unknown
        || name.len() > bounds.max_method
        || name.contains(&b'\\')
        || (id.is_none() && extension::is_reserved(name))
    {
        return None;
    }
    let method = Cow::Borrowed(std::str::from_utf8(name).ok()?);
    let params = part(Member::Params).unwrap_or_default();
    if !matches!(params.first(), None | Some(b'[' | b'{')) {
        return None;
    }
    let params = frame.payload(params, Format::Json);
    Some(Message::Request(Request::new(id, method, params, frame.lane)))
}

/// A message of the extension as nearly every peer writes it; `None` for all others.
#[inline(never)]
fn notice<'f>(frame: FrameRef<'f>, outline: &Outline, bounds: &Bounds) -> Option<Message<'f>> {
    let object = frame.bytes;
    let part = |member| outline.span(member).of(object);
    let absent = |member| outline.span(member).is_empty();
    if bounds.dialect != Dialect::Two
        || outline.duplicate.is_some()
        || part(Member::Jsonrpc)? != VERSION
        || ![Member::Id, Member::Result, Member::Error].into_iter().all(absent)
    {
        return None;
    }
    let name = text::inside(part(Member::Method)?)?;
    if !extension::is_reserved(name) || name.contains(&b'\\') {
        return None;
    }
    Some(extension::message(frame, name, part(Member::Params).unwrap_or_default(), bounds))
}

/// A request, a notification or a response; every other object with what is to be said about it.
#[inline(never)]
fn object<'f>(
    frame: FrameRef<'f>,
    object: &'f [u8],
    outline: &Outline,
    bounds: &Bounds,
    place: Place,
) -> Result<Message<'f>, Invalid<'f>> {
    let part = |member| outline.span(member).of(object);
    let answers =
        !outline.span(Member::Result).is_empty() || !outline.span(Member::Error).is_empty();
    let method = part(Member::Method);
    if answers && method.is_none() {
        return response(frame, object, outline, bounds);
    }
    let span = outline.span(Member::Id);
    let id = text::id(object, span, bounds.max_id);
    if id.is_none() && !span.is_empty() {
        return Err(refuse(None, bad_id(part(Member::Id), bounds)));
    }
    if outline.duplicate.is_some() {
        return Err(refuse(id.filter(|_| !has_two_ids(object)), "a member comes twice"));
    }
    if bounds.dialect == Dialect::Two && !part(Member::Jsonrpc).is_some_and(is_version) {
        return Err(refuse(id, r#"`jsonrpc` must be "2.0""#));
    }
    if answers {
        return Err(refuse(id, "a message has either a `method` or a `result` or an `error`"));
    }
    let method = match method.map(|token| name(token, bounds)) {
        Some(Ok(method)) => method,
        Some(Err(what)) => return Err(refuse(id, what)),
        None => return Err(refuse(id, "`method` is missing")),
    };
    let extends = bounds.dialect == Dialect::Two;
    if extends && id.is_none() && extension::is_reserved(method.as_bytes()) {
        return Ok(match place {
            Place::Alone => {
                let params = part(Member::Params).unwrap_or_default();
                extension::message(frame, method.as_bytes(), params, bounds)
            }
            Place::InBatch => Message::Unknown,
        });
    }
    let params = match part(Member::Params) {
        // Under 2.0 jsonrpsee's client, for one, notifies so where there are none.
        Some(b"null") if bounds.dialect == Dialect::One || id.is_none() => &[],
        params => params.unwrap_or_default(),
    };
    if !matches!(params.first(), None | Some(b'[' | b'{')) {
        return Err(refuse(id, "`params` must be an array or an object"));
    }
    let named = match bounds.dialect {
        Dialect::One if outline.unknown => {
            named(object).map_err(|what| refuse(id.clone(), what))?
        }
        _ => None,
    };
    let meta = if extends && outline.unknown && id.is_some() && place == Place::Alone {
        companions(object).map_err(|what| refuse(id.clone(), what))?
    } else {
        None
    };
    let payload = |bytes| frame.payload(bytes, Format::Json);
    let request = Request::new(bounds.dialect.id(id), method, payload(params), frame.lane);
    Ok(Message::Request(Request { named: named.map(payload), meta, ..request }))
}

/// An answer to a request of this side. What is wrong with it is never answered.
///
/// Peers of 1.x, and some of 2.0, send both a result and an error: the one that is not null counts.
fn response<'f>(
    frame: FrameRef<'f>,
    object: &'f [u8],
    outline: &Outline,
    bounds: &Bounds,
) -> Result<Message<'f>, Invalid<'f>> {
    let part = |member| outline.span(member).of(object);
    if outline.duplicate.is_some() || !part(Member::Jsonrpc).is_none_or(is_version) {
        return Err(drop_silently());
    }
    let Some(id) = text::id(object, outline.span(Member::Id), bounds.max_id) else {
        return Err(drop_silently());
    };
    let outcome = match (part(Member::Result), part(Member::Error)) {
        (Some(result), None | Some(NULL)) => Ok(frame.payload(result, Format::Json)),
        (None | Some(NULL), Some(error)) => Err(read_error(frame, error)),
        _ => return Err(drop_silently()),
    };
    Ok(Message::Response(Response::new(id, outcome)))
}

fn batch<'f>(frame: FrameRef<'f>, bounds: &Bounds) -> Result<Message<'f>, Invalid<'f>> {
    let count = elements(frame.bytes).take(bounds.max_batch.saturating_add(1)).count();
    if count == 0 {
        return Err(refuse(None, "a batch must not be empty"));
    }
    if count > bounds.max_batch {
        let limit = bounds.max_batch;
        return Err(refuse(
            None,
            format!("the batch holds more than the limit `max_batch` of {limit} messages"),
        ));
    }
    let mut batch = Vec::with_capacity(count);
    batch.extend(elements(frame.bytes).map(|element| match whole(element, bounds.scan) {
        Ok(outline) if outline.kind == Kind::Object => {
            object(frame, element, &outline, bounds, Place::InBatch)
        }
        _ => Err(refuse(None, "a member of a batch is an object")),
    }));
    Ok(Message::Batch(batch))
}

/// The named params that bjsonrpc has beside positional ones.
#[cold]
fn named(object: &[u8]) -> Result<Option<&[u8]>, &'static str> {
    let mut found = members(object).filter(|(key, _)| key_is(key, "kwparams"));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err("a member comes twice"),
        (Some((_, named)), None) if !named.starts_with(b"{") => Err("`kwparams` must be an object"),
        (named, None) => Ok(named.map(|(_, named)| named)),
    }
}

/// What a request says beside its params.
#[cold]
fn companions(object: &[u8]) -> Result<Option<Box<Meta>>, &'static str> {
    let mut found = members(object).filter(|(key, _)| key_is(key, "rpc"));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err("a member comes twice"),
        (Some((_, map)), None) => companions::read(map).map(Box::new).map(Some),
        (None, None) => Ok(None),
    }
}

/// The error of a response, as far as it can be made out: peers differ in how they say it.
#[cold]
pub(super) fn read_error<'f>(frame: FrameRef<'f>, error: &'f [u8]) -> RpcError {
    if let Some(message) = text::string(error) {
        return RpcError::server(message.into_owned());
    }
    let code = member(error, "code").and_then(text::integer).map_or(Code::SERVER_ERROR, Code);
    let message = match member(error, "message").and_then(text::string) {
        Some(message) => message.into_owned(),
        None => shorten(&String::from_utf8_lossy(error)),
    };
    let read = RpcError::new(code, message);
    match member(error, "data") {
        Some(data) => read.with_payload(frame.payload(data, Format::Json).to_payload()),
        None => read,
    }
}

/// A method's name, or what is wrong with it.
fn name<'f>(token: &'f [u8], bounds: &Bounds) -> Result<Cow<'f, str>, Cow<'static, str>> {
    const NO_TEXT: &str = "`method` must be a string";
    let inner = text::inside(token).ok_or(NO_TEXT)?;
    // Six bytes write one character: what is longer than that need not be unescaped.
    if inner.len() <= bounds.max_method.saturating_mul(6) {
        let name = text::string(token).ok_or(NO_TEXT)?;
        if name.len() <= bounds.max_method {
            return Ok(name);
        }
    }
    let limit = bounds.max_method;
    Err(format!("`method` is longer than the limit `max_method` of {limit} bytes").into())
}

#[inline]
fn is_version(token: &[u8]) -> bool {
    token == VERSION || is_escaped_version(token)
}

#[cold]
fn is_escaped_version(token: &[u8]) -> bool {
    text::inside(token).is_some_and(|inner| key_is(inner, "2.0"))
}

/// The outline names only the first member that came twice.
#[cold]
fn has_two_ids(object: &[u8]) -> bool {
    members(object).filter(|(key, _)| key_is(key, Member::Id.name())).nth(1).is_some()
}

#[cold]
fn bad_id(token: Option<&[u8]>, bounds: &Bounds) -> Cow<'static, str> {
    match token.and_then(text::inside) {
        Some(_) => {
            let limit = bounds.max_id;
            format!("`id` is longer than the limit `max_id` of {limit} bytes").into()
        }
        None => "`id` must be a string, an integer or null".into(),
    }
}

/// An object that is no request, answered under its id.
#[cold]
fn refuse<'f>(id: Option<Id<'f>>, what: impl Into<Cow<'static, str>>) -> Invalid<'f> {
    let error = RpcError::new(Code::INVALID_REQUEST, what);
    Invalid { error, answer: Answer::Error(id.unwrap_or(Id::Null)) }
}

/// An object that is no response.
#[cold]
fn drop_silently() -> Invalid<'static> {
    let error = RpcError::new(Code::INVALID_REQUEST, "an answer that is none");
    Invalid { error, answer: Answer::Nothing }
}

/// The beginning of a text, for people.
fn shorten(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

/// The one version, as it is usually written.
const VERSION: &[u8] = br#""2.0""#;
const NULL: &[u8] = b"null";
/// How much of an odd error becomes its message.
const SHOWN: usize = 256;
