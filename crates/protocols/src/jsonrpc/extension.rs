//! The messages of the tinyrpc extension as notifications: `docs/extensions.md`, section 3.

use base64_simd::STANDARD;
use tinyrpc_core::{
    Chunk, Credit, Encoder, Format, FrameRef, Id, Message, PayloadRef, StreamEnd, StreamItem,
    Unsupported, Way,
};

use super::{
    decoder::Bounds,
    encoder::{JsonEncoder, unsigned, write_error, write_id},
    envelope::read_error,
    scan::{Elements, Span, elements},
    text,
};
use crate::extension::{allowance, amount, said};

/// True for the names of notifications that are no calls.
///
/// `rpc.auth` is the one that is: whoever logs in need not wait for an answer.
#[inline(always)]
pub(super) fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(b"rpc.") && name != b"rpc.auth"
}

/// The message of this name; [`Message::Unknown`] for names that mean nothing, and where the params
/// are not those of the message.
#[inline(never)]
pub(super) fn message<'f>(
    frame: FrameRef<'f>,
    name: &[u8],
    params: &'f [u8],
    bounds: &Bounds,
) -> Message<'f> {
    read(frame, name, params, bounds).unwrap_or(Message::Unknown)
}

fn read<'f>(
    frame: FrameRef<'f>,
    name: &[u8],
    params: &'f [u8],
    bounds: &Bounds,
) -> Option<Message<'f>> {
    let mut fields = Fields { array: params, elements: elements(params) };
    let message = match name {
        b"rpc.item" | b"rpc.send" => {
            let way = if name == b"rpc.item" { Way::ToCaller } else { Way::ToCallee };
            let id = fields.id(bounds)?;
            let value = frame.payload(fields.elements.next()?, Format::Json);
            Message::StreamItem(StreamItem { id, way, value, meta: None })
        }
        b"rpc.close" => {
            let id = fields.id(bounds)?;
            let outcome = match fields.elements.next()? {
                b"null" => Ok(()),
                error => Err(read_error(frame, error)),
            };
            Message::StreamEnd(StreamEnd { id, way: Way::ToCallee, outcome, meta: None })
        }
        b"rpc.credit" | b"rpc.grant" => {
            let way = if name == b"rpc.credit" { Way::ToCaller } else { Way::ToCallee };
            let id = fields.id(bounds)?;
            let more = allowance(fields.number()?, fields.number()?)?;
            Message::Credit(Credit { id, way, more, meta: None })
        }
        b"rpc.stop" => Message::Stop(fields.id(bounds)?),
        b"rpc.cancel" => Message::Cancel(fields.id(bounds)?),
        b"rpc.chunk" => {
            let message = u32::try_from(fields.number()?).ok()?;
            let last = text::boolean(fields.elements.next()?)?;
            let bytes = binary(fields.elements.next()?)?.into();
            Message::Chunk(Chunk { message, last, bytes })
        }
        b"rpc.window" => Message::Window(amount(fields.number()?)?),
        _ => return None,
    };
    fields.elements.next().is_none().then_some(message)
}

/// What base64 text in the standard alphabet and with its padding stands for.
fn binary(token: &[u8]) -> Option<Vec<u8>> {
    let inner = text::inside(token)?;
    if inner.contains(&b'\\') {
        // Some peers write each slash of a text as an escape.
        return STANDARD.decode_to_vec(text::string(token)?.as_bytes()).ok();
    }
    STANDARD.decode_to_vec(inner).ok()
}

/// The params of such a notification, one behind the other.
struct Fields<'f> {
    array: &'f [u8],
    elements: Elements<'f>,
}

impl<'f> Fields<'f> {
    fn next(&mut self) -> Option<(Span, &'f [u8])> {
        let token = self.elements.next()?;
        let end = self.array.len() - self.elements.left();
        Some((Span { start: (end - token.len()) as u32, end: end as u32 }, token))
    }

    /// The id of a request.
    fn id(&mut self, bounds: &Bounds) -> Option<Id<'f>> {
        let (span, _) = self.next()?;
        text::id(self.array, span, bounds.max_id)
    }

    fn number(&mut self) -> Option<u64> {
        let (span, token) = self.next()?;
        text::number(self.array, span, token).or_else(|| text::unsigned(token))
    }
}

/// Appends a message that is neither request nor response.
///
/// # Errors
///
/// Messages that the extension has not.
pub(super) fn write(
    encoder: &JsonEncoder,
    out: &mut Vec<u8>,
    message: &Message<'_>,
) -> Result<(), Unsupported> {
    match message {
        Message::StreamItem(StreamItem { id, way, value, .. }) => {
            let value = sayable(*value)?;
            out.reserve(value.len() + LONGEST_HEAD);
            begin(out, if *way == Way::ToCaller { b"item" } else { b"send" });
            put_id(out, id);
            out.push(b',');
            out.extend_from_slice(value);
        }
        // The end of a result is its response.
        Message::StreamEnd(StreamEnd { id, way: Way::ToCaller, outcome, .. }) => {
            match outcome {
                Ok(()) => {
                    encoder.begin_result(out, id);
                    out.extend_from_slice(b"null");
                    encoder.end_result(out, id);
                }
                Err(error) => encoder.error(out, id, error),
            }
            return Ok(());
        }
        Message::StreamEnd(StreamEnd { id, way: Way::ToCallee, outcome, .. }) => {
            begin(out, b"close");
            put_id(out, id);
            out.push(b',');
            match outcome {
                Ok(()) => out.extend_from_slice(b"null"),
                Err(error) => write_error(out, error),
            }
        }
        Message::Credit(Credit { id, way, more, .. }) => {
            begin(out, if *way == Way::ToCaller { b"credit" } else { b"grant" });
            put_id(out, id);
            out.push(b',');
            unsigned(out, said(more.items));
            out.push(b',');
            unsigned(out, said(more.bytes));
        }
        Message::Stop(id) => {
            begin(out, b"stop");
            put_id(out, id);
        }
        Message::Cancel(id) => {
            begin(out, b"cancel");
            put_id(out, id);
        }
        Message::Chunk(Chunk { message, last, bytes }) => {
            begin(out, b"chunk");
            unsigned(out, (*message).into());
            out.extend_from_slice(if *last { b",true,\"" } else { b",false,\"" });
            write_binary(out, bytes);
            out.push(b'"');
        }
        Message::Window(amount) => {
            begin(out, b"window");
            unsigned(out, said(*amount));
        }
        _ => return Err(unsupported("say such a message")),
    }
    out.extend_from_slice(b"]}");
    Ok(())
}

fn put_id(out: &mut Vec<u8>, id: &Id<'_>) {
    match id {
        Id::Number(number) => unsigned(out, *number),
        id => write_id(out, id),
    }
}

fn begin(out: &mut Vec<u8>, name: &[u8]) {
    out.extend_from_slice(br#"{"jsonrpc":"2.0","method":"rpc."#);
    out.extend_from_slice(name);
    out.extend_from_slice(br#"","params":["#);
}

fn write_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    // Room for what stands behind the text, too.
    out.reserve(STANDARD.encoded_length(bytes.len()) + LONGEST_HEAD);
    STANDARD.encode_append(bytes, out);
}

/// The bytes of a value that was encoded for this protocol.
fn sayable(value: PayloadRef<'_>) -> Result<&[u8], Unsupported> {
    if value.format != Format::Json {
        return Err(unsupported("carry a value of another format"));
    }
    Ok(if value.is_absent() { b"null" } else { value.bytes })
}

fn unsupported(what: &'static str) -> Unsupported {
    Unsupported { who: "JSON-RPC", what }
}

/// Of a message whose id is a number: everything beside its value or its bytes.
const LONGEST_HEAD: usize = 96;
