//! [`MsgPackEncoder`]: messages to bytes, each number in its shortest form.

use tinyrpc_core::{Encoder, Format, Id, Message, Meta, RpcError, Unsupported};

use super::{companions, extension};

/// How one connection writes its messages.
#[derive(Debug)]
pub(super) struct MsgPackEncoder {
    pub(super) texts: Texts,
}

/// How texts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Texts {
    /// With a length of one byte where it fits.
    Str,
    /// Without that form, which the old format has not.
    Raw,
}

impl Encoder for MsgPackEncoder {
    fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported> {
        // Everything but the longest head of a message, of a text and of an array.
        out.reserve(method.len() + params.len() + 24);
        match id {
            Some(id) => head(out, [0x94, 0x00], id, self.texts),
            None => out.extend_from_slice(&[0x93, 0x02]),
        }
        text(out, method, self.texts);
        match params.first() {
            None => out.push(0x90),
            // Stock peers take nothing but an array.
            Some(0x80..=0x8f | 0xde | 0xdf) => {
                out.push(0x91);
                out.extend_from_slice(params);
            }
            Some(_) => out.extend_from_slice(params),
        }
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
        let head = out.len();
        self.request(out, id, method, params)?;
        // A notification has no place for more.
        if id.is_some()
            && companions::write(out, meta, self.texts)
            && let Some(head) = out.get_mut(head)
        {
            *head = 0x95;
        }
        Ok(())
    }

    fn begin_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        match id {
            Id::Number(number) => numbered(out, [0x94, 0x01], *number, [NIL]),
            _ => {
                out.extend_from_slice(&[0x94, 0x01]);
                other_id(out, id, self.texts);
                out.push(NIL);
            }
        }
    }

    fn error(&self, out: &mut Vec<u8>, id: &Id<'_>, error: &RpcError) {
        match id {
            // No peer could tell which call this is about, and some end the connection at it.
            Id::Null => return,
            id => head(out, [0x94, 0x01], id, self.texts),
        }
        write_error(out, error, self.texts);
        out.push(NIL);
    }

    fn message(&self, out: &mut Vec<u8>, message: &Message<'_>) -> Result<(), Unsupported> {
        extension::write(self, out, message)
    }
}

/// An error: code, message and, where MessagePack can say them, data.
pub(super) fn write_error(out: &mut Vec<u8>, error: &RpcError, texts: Texts) {
    let head = out.len();
    out.push(0x93);
    integer(out, error.code.0);
    text(out, &error.message, texts);
    let end = out.len();
    if !error.encode_data(Format::MsgPack, out) {
        out.truncate(end);
        if let Some(head) = out.get_mut(head) {
            *head = 0x92;
        }
    }
}

/// The head of a message and its id.
#[inline(always)]
pub(super) fn head(out: &mut Vec<u8>, head: [u8; 2], id: &Id<'_>, texts: Texts) {
    match id {
        Id::Number(number) => numbered(out, head, *number, []),
        _ => {
            out.extend_from_slice(&head);
            other_id(out, id, texts);
        }
    }
}

/// A number between what stands before and behind it.
#[inline(always)]
fn numbered<const N: usize>(out: &mut Vec<u8>, [a, b]: [u8; 2], number: u64, behind: [u8; N]) {
    // Each arm is one copy of a length that the compiler knows.
    match number {
        0..0x80 => out.extend_from_slice(&[a, b, number as u8]),
        0x80..0x100 => out.extend_from_slice(&[a, b, 0xcc, number as u8]),
        0x100..0x1_0000 => {
            let [c, d] = (number as u16).to_be_bytes();
            out.extend_from_slice(&[a, b, 0xcd, c, d]);
        }
        0x1_0000..0x1_0000_0000 => {
            let [c, d, e, f] = (number as u32).to_be_bytes();
            out.extend_from_slice(&[a, b, 0xce, c, d, e, f]);
        }
        _ => {
            out.extend_from_slice(&[a, b, 0xcf]);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
    out.extend_from_slice(&behind);
}

/// An id that no request of this protocol has, written as what it is.
#[cold]
fn other_id(out: &mut Vec<u8>, id: &Id<'_>, texts: Texts) {
    match id {
        Id::Number(number) => unsigned(out, *number),
        Id::Negative(number) => integer(out, *number),
        Id::Text(id) => text(out, id, texts),
        Id::Binary(id) => binary(out, id),
        Id::Token(token) => out.extend_from_slice(token),
        _ => out.push(NIL),
    }
}

/// A text behind its length.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, text: &str, texts: Texts) {
    match text.len() {
        length @ 0..32 => out.push(0xa0 | length as u8),
        length @ 32..0x100 if texts == Texts::Str => out.extend_from_slice(&[0xd9, length as u8]),
        length => long_head(out, length, [0xda, 0xdb]),
    }
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        length @ 0..0x100 => out.extend_from_slice(&[0xc4, length as u8]),
        length => long_head(out, length, [0xc5, 0xc6]),
    }
    out.extend_from_slice(bytes);
}

/// A length of two or of four bytes, each behind its mark.
#[cold]
fn long_head(out: &mut Vec<u8>, length: usize, [two, four]: [u8; 2]) {
    if let Ok(length) = u16::try_from(length) {
        out.push(two);
        return out.extend_from_slice(&length.to_be_bytes());
    }
    // No message, and so no text in one, is as long as 4 GiB.
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    out.push(four);
    out.extend_from_slice(&length.to_be_bytes());
}

fn integer(out: &mut Vec<u8>, number: i64) {
    if let Ok(number) = u64::try_from(number) {
        unsigned(out, number);
    } else if number >= -32 {
        out.push(number as u8);
    } else if let Ok(number) = i8::try_from(number) {
        out.extend_from_slice(&[0xd0, number as u8]);
    } else if let Ok(number) = i16::try_from(number) {
        out.push(0xd1);
        out.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(0xd2);
        out.extend_from_slice(&number.to_be_bytes());
    } else {
        out.push(0xd3);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

pub(super) fn unsigned(out: &mut Vec<u8>, number: u64) {
    if number < 0x80 {
        out.push(number as u8);
    } else if let Ok(number) = u8::try_from(number) {
        out.extend_from_slice(&[0xcc, number]);
    } else if let Ok(number) = u16::try_from(number) {
        out.push(0xcd);
        out.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        out.push(0xce);
        out.extend_from_slice(&number.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

pub(super) const NIL: u8 = 0xc0;
