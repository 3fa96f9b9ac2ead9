//! [`JsonEncoder`]: messages to bytes, compact and always in the same order.

use tinyrpc_core::{BatchPart, Encoder, Format, Id, Message, Meta, RpcError, Unsupported};

use super::{companions, extension};

/// It remembers nothing, so all connections could share one.
#[derive(Debug)]
pub(super) struct JsonEncoder;

impl Encoder for JsonEncoder {
    fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<&Id<'_>>,
        method: &str,
        params: &[u8],
    ) -> Result<(), Unsupported> {
        // Everything but the id, its largest number and the escapes of the method.
        out.reserve(HEAD + method.len() + params.len() + 16);
        match id {
            Some(id) => head(out, id, br#","method":""#),
            None => out.extend_from_slice(br#"{"jsonrpc":"2.0","method":""#),
        }
        escaped(out, method);
        if params.is_empty() {
            out.extend_from_slice(br#""}"#);
        } else {
            out.extend_from_slice(br#"","params":"#);
            out.extend_from_slice(params);
            out.push(b'}');
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
        self.request(out, id, method, params)?;
        // Nobody answers a notification, so nothing that is said beside it matters.
        if id.is_some() {
            out.pop();
            companions::write(out, meta);
            out.push(b'}');
        }
        Ok(())
    }

    fn begin_result(&self, out: &mut Vec<u8>, id: &Id<'_>) {
        head(out, id, br#","result":"#);
    }

    fn end_result(&self, out: &mut Vec<u8>, _id: &Id<'_>) {
        out.push(b'}');
    }

    fn error(&self, out: &mut Vec<u8>, id: &Id<'_>, error: &RpcError) {
        head(out, id, br#","error":"#);
        write_error(out, error);
        out.push(b'}');
    }

    fn terminate(&self, out: &mut Vec<u8>) {
        out.push(b'\n');
    }

    fn batch(&self, out: &mut Vec<u8>, part: BatchPart) {
        out.push(match part {
            BatchPart::Begin => b'[',
            BatchPart::Between => b',',
            BatchPart::End => b']',
        });
    }

    fn message(&self, out: &mut Vec<u8>, message: &Message<'_>) -> Result<(), Unsupported> {
        extension::write(self, out, message)
    }
}

/// An error: code, message and, where JSON can say them, data.
pub(super) fn write_error(out: &mut Vec<u8>, error: &RpcError) {
    out.extend_from_slice(br#"{"code":"#);
    signed(out, error.code.0);
    out.extend_from_slice(br#","message":""#);
    escaped(out, &error.message);
    out.push(b'"');
    let mark = out.len();
    out.extend_from_slice(br#","data":"#);
    if !error.encode_data(Format::Json, out) {
        out.truncate(mark);
    }
    out.push(b'}');
}

pub(super) fn unsupported() -> Unsupported {
    Unsupported { who: "JSON-RPC", what: "say more than requests and responses" }
}

/// The version, the id, and `behind`, which is what follows them.
#[inline]
fn head<const N: usize>(out: &mut Vec<u8>, id: &Id<'_>, behind: &[u8; N]) {
    if let Id::Number(number) = *id
        && number < TEN_TO_16
    {
        return numbered_head(out, number, behind);
    }
    out.extend_from_slice(PREFIX);
    write_id(out, id);
    out.extend_from_slice(behind);
}

/// The head of nearly every message, written as one block of a fixed size: copies whose length
/// the compiler knows cost a tenth of the others.
#[inline(always)]
fn numbered_head<const N: usize>(out: &mut Vec<u8>, number: u64, behind: &[u8; N]) {
    let mut block = [0; HEAD];
    put(&mut block, 0, PREFIX);
    let at = put_long_number(&mut block, PREFIX.len(), number);
    put(&mut block, at, behind);
    let length = out.len() + at + N;
    out.extend_from_slice(&block);
    out.truncate(length);
}

#[inline(always)]
fn put<const N: usize>(block: &mut [u8; HEAD], at: usize, bytes: &[u8; N]) {
    if let Some(place) = block.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = *bytes;
    }
}

/// Writes a number below 10^16 and answers where it ends.
#[inline(always)]
fn put_long_number(block: &mut [u8; HEAD], at: usize, number: u64) -> usize {
    if number < TEN_TO_8 {
        return at + put_number(block, at, number as u32);
    }
    let at = at + put_number(block, at, (number / TEN_TO_8) as u32);
    put(block, at, &eight_digits((number % TEN_TO_8) as u32).to_le_bytes());
    at + 8
}

/// Writes a number below 10^8 and answers how many digits it has.
#[inline(always)]
fn put_number(block: &mut [u8; HEAD], at: usize, number: u32) -> usize {
    let digits = eight_digits(number);
    // The last digit stays, also when it is a zero.
    let zeros = (digits ^ ZEROS).trailing_zeros().min(56) / 8;
    put(block, at, &(digits >> (8 * zeros)).to_le_bytes());
    8 - zeros as usize
}

/// The eight digits of a number below 10^8, the most significant in the lowest byte.
///
/// The number is halved three times, all parts of it at once: into parts of four, of two, and of
/// one digit. Multiplying by 10486 / 2^20 divides by 100 exactly below 10,000, and by 103 / 2^10 by
/// 10 below 100.
#[inline(always)]
fn eight_digits(number: u32) -> u64 {
    let fours = u64::from(number / 10_000) | u64::from(number % 10_000) << 32;
    let hundreds = (fours.wrapping_mul(10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | fours.wrapping_sub(hundreds.wrapping_mul(100)) << 16;
    let tens = (twos.wrapping_mul(103) >> 10) & 0x000f_000f_000f_000f;
    let ones = tens | twos.wrapping_sub(tens.wrapping_mul(10)) << 8;
    ones | ZEROS
}

/// An integer from zero up.
pub(super) fn unsigned(out: &mut Vec<u8>, number: u64) {
    if number >= TEN_TO_16 {
        return out.extend_from_slice(number.to_string().as_bytes());
    }
    let mut block = [0; HEAD];
    let length = out.len() + put_long_number(&mut block, 0, number);
    out.extend_from_slice(&block);
    out.truncate(length);
}

/// An id of whatever kind.
#[cold]
pub(super) fn write_id(out: &mut Vec<u8>, id: &Id<'_>) {
    match id {
        Id::Null => out.extend_from_slice(b"null"),
        Id::Number(number) => unsigned(out, *number),
        Id::Negative(number) => signed(out, *number),
        Id::Text(text) => quoted(out, text),
        // No id that came as JSON is binary.
        Id::Binary(bytes) => quoted(out, &String::from_utf8_lossy(bytes)),
        Id::Token(token) => out.extend_from_slice(token),
        _ => out.extend_from_slice(b"null"),
    }
}

#[cold]
fn signed(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(number.to_string().as_bytes());
}

pub(super) fn quoted(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// A text without its quotes.
#[inline]
pub(super) fn escaped(out: &mut Vec<u8>, text: &str) {
    // Not `any`: a loop without a way out handles many bytes at once.
    let special = text.bytes().fold(false, |found, byte| found | needs_escape(byte));
    if special {
        return escape(out, text);
    }
    out.extend_from_slice(text.as_bytes());
}

#[inline(always)]
fn needs_escape(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

#[cold]
fn escape(out: &mut Vec<u8>, text: &str) {
    for char in text.chars() {
        match char {
            '"' => out.extend_from_slice(br#"\""#),
            '\\' => out.extend_from_slice(br"\\"),
            '\n' => out.extend_from_slice(br"\n"),
            '\r' => out.extend_from_slice(br"\r"),
            '\t' => out.extend_from_slice(br"\t"),
            '\0'..' ' => out.extend_from_slice(format!("\\u{:04x}", char as u32).as_bytes()),
            _ => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

const PREFIX: &[u8; 22] = br#"{"jsonrpc":"2.0","id":"#;
/// Room for the prefix, sixteen digits and the longest key behind them, whole registers of it.
const HEAD: usize = 64;
const TEN_TO_8: u64 = 100_000_000;
const TEN_TO_16: u64 = TEN_TO_8 * TEN_TO_8;
/// Eight times the digit zero.
const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
