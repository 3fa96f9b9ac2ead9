//! The messages of the tinyrpc extension as arrays: `docs/extensions.md`, section 3.

use tinyrpc_core::{
    Chunk, Credit, Encoder, Format, FrameRef, Id, Message, PayloadRef, StreamEnd, StreamItem,
    Unsupported, Way,
};

use super::{
    encoder::{MsgPackEncoder, NIL, binary, head, unsigned, write_error},
    envelope::read_error,
    scan::{Kind, Reader},
};
use crate::extension::{allowance, amount, said};

/// The message of this kind behind whose number `reader` stands, in an array of `count` elements;
/// [`Message::Unknown`] for every other kind, and where the fields are not those of the kind.
pub(super) fn message<'f>(
    frame: FrameRef<'f>,
    kind: u64,
    count: u32,
    reader: Reader<'f>,
) -> Message<'f> {
    read(frame, kind, count, reader).unwrap_or(Message::Unknown)
}

fn read<'f>(
    frame: FrameRef<'f>,
    kind: u64,
    count: u32,
    mut reader: Reader<'f>,
) -> Option<Message<'f>> {
    let kind = u8::try_from(kind).ok()?;
    let message = match (kind, count) {
        (ITEM | SEND, 3) => {
            let way = if kind == ITEM { Way::ToCaller } else { Way::ToCallee };
            let id = id(&mut reader)?;
            let value = frame.payload(reader.rest(), Format::MsgPack);
            Message::StreamItem(StreamItem { id, way, value, meta: None })
        }
        (CLOSE, 3) => {
            let id = id(&mut reader)?;
            let outcome = match reader.nil() {
                Some(()) => Ok(()),
                None => Err(read_error(frame, reader.rest())),
            };
            Message::StreamEnd(StreamEnd { id, way: Way::ToCallee, outcome, meta: None })
        }
        (CREDIT | GRANT, 4) => {
            let way = if kind == CREDIT { Way::ToCaller } else { Way::ToCallee };
            let id = id(&mut reader)?;
            let more = allowance(reader.uint()?, reader.uint()?)?;
            Message::Credit(Credit { id, way, more, meta: None })
        }
        (STOP, 2) => Message::Stop(id(&mut reader)?),
        (CANCEL, 2) => Message::Cancel(id(&mut reader)?),
        (CHUNK, 4) => {
            let message = u32::try_from(reader.uint()?).ok()?;
            let last = reader.bool()?;
            if reader.kind()? != Kind::Binary {
                return None;
            }
            Message::Chunk(Chunk { message, last, bytes: reader.bytes()?.into() })
        }
        (WINDOW, 2) => Message::Window(amount(reader.uint()?)?),
        _ => return None,
    };
    Some(message)
}

fn id(reader: &mut Reader<'_>) -> Option<Id<'static>> {
    reader.uint().map(Id::Number)
}

/// Appends a message that is neither request nor response.
///
/// # Errors
///
/// Messages that the extension has not.
pub(super) fn write(
    encoder: &MsgPackEncoder,
    out: &mut Vec<u8>,
    message: &Message<'_>,
) -> Result<(), Unsupported> {
    let texts = encoder.texts;
    match message {
        Message::StreamItem(StreamItem { id, way, value, .. }) => {
            let value = sayable(*value)?;
            out.reserve(value.len() + LONGEST_HEAD);
            let kind = if *way == Way::ToCaller { ITEM } else { SEND };
            head(out, [0x93, kind], id, texts);
            out.extend_from_slice(value);
        }
        // The end of a result is its response.
        Message::StreamEnd(StreamEnd { id, way: Way::ToCaller, outcome, .. }) => match outcome {
            Ok(()) => {
                encoder.begin_result(out, id);
                out.push(NIL);
                encoder.end_result(out, id);
            }
            Err(error) => encoder.error(out, id, error),
        },
        Message::StreamEnd(StreamEnd { id, way: Way::ToCallee, outcome, .. }) => {
            head(out, [0x93, CLOSE], id, texts);
            match outcome {
                Ok(()) => out.push(NIL),
                Err(error) => write_error(out, error, texts),
            }
        }
        Message::Credit(Credit { id, way, more, .. }) => {
            let kind = if *way == Way::ToCaller { CREDIT } else { GRANT };
            head(out, [0x94, kind], id, texts);
            unsigned(out, said(more.items));
            unsigned(out, said(more.bytes));
        }
        Message::Stop(id) => head(out, [0x92, STOP], id, texts),
        Message::Cancel(id) => head(out, [0x92, CANCEL], id, texts),
        Message::Chunk(Chunk { message, last, bytes }) => {
            out.reserve(bytes.len() + LONGEST_HEAD);
            out.extend_from_slice(&[0x94, CHUNK]);
            unsigned(out, (*message).into());
            out.push(if *last { 0xc3 } else { 0xc2 });
            binary(out, bytes);
        }
        Message::Window(amount) => {
            out.extend_from_slice(&[0x92, WINDOW]);
            unsigned(out, said(*amount));
        }
        _ => return Err(unsupported("say such a message")),
    }
    Ok(())
}

/// The bytes of a value that was encoded for this protocol.
fn sayable(value: PayloadRef<'_>) -> Result<&[u8], Unsupported> {
    if value.format != Format::MsgPack {
        return Err(unsupported("carry a value of another format"));
    }
    Ok(if value.is_absent() { &[NIL] } else { value.bytes })
}

fn unsupported(what: &'static str) -> Unsupported {
    Unsupported { who: "MessagePack-RPC", what }
}

const ITEM: u8 = 3;
const SEND: u8 = 4;
const CLOSE: u8 = 5;
const CREDIT: u8 = 6;
const GRANT: u8 = 7;
const STOP: u8 = 8;
const CANCEL: u8 = 9;
const CHUNK: u8 = 10;
const WINDOW: u8 = 11;
/// Of a message whose id is a number: everything before its value or its bytes.
const LONGEST_HEAD: usize = 16;
