//! Messages as bytes: where one ends in what a peer sent, and calls that the tests write by hand.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::ops::Range;

/// The encoding of messages. In files MessagePack stands as hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Json,
    MessagePack,
}

/// The first whole message of a stream, and how many bytes it takes with its framing. Lines of
/// JSON, MessagePack, and messages behind a length, as netstrings or behind a header are told apart
/// by their first byte.
pub(crate) fn first_message(stream: &[u8]) -> Option<(Range<usize>, usize)> {
    match *stream.first()? {
        b'H' => {
            let head = stream.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
            let text = String::from_utf8_lossy(&stream[..head]).to_ascii_lowercase();
            if text.contains("transfer-encoding: chunked") {
                return end_of_chunks(stream, head).map(|end| (0..end, end));
            }
            let length = text.split("content-length: ").nth(1).map_or(0, |rest| {
                let digits = rest.split("\r\n").next().unwrap_or_default();
                digits.parse().expect("a length in decimal digits")
            });
            (stream.len() >= head + length).then_some((0..head + length, head + length))
        }
        b'{' | b'[' => {
            let line = stream.iter().position(|&byte| byte == b'\n')?;
            Some((0..line, line + 1))
        }
        0 => {
            let (head, rest) = stream.split_first_chunk::<4>()?;
            let length = u32::from_be_bytes(*head) as usize;
            (rest.len() >= length).then_some((4..4 + length, 4 + length))
        }
        b'0'..=b'9' => {
            let colon = stream.iter().position(|&byte| byte == b':')?;
            let end = colon + 1 + number(&stream[..colon]);
            (stream.len() > end).then(|| (colon + 1..end, end + 1))
        }
        b'C' => {
            const FIELD: &[u8] = b"Content-Length: ";
            let start = stream.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
            let digits = stream[..start - 4].strip_prefix(FIELD).expect("it is the only field");
            let end = start + number(digits);
            (stream.len() >= end).then_some((start..end, end))
        }
        _ => end_of_value(stream).map(|end| (0..end, end)),
    }
}

/// The whole messages of a stream; what is left behind them stays in it.
pub(crate) fn take_messages(stream: &mut Vec<u8>) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut begin = 0;
    while let Some((message, consumed)) = first_message(&stream[begin..]) {
        messages.push(stream[begin + message.start..begin + message.end].to_vec());
        begin += consumed;
    }
    stream.drain(..begin);
    messages
}

fn number(digits: &[u8]) -> usize {
    let digits = std::str::from_utf8(digits).ok();
    digits.and_then(|digits| digits.parse().ok()).expect("a length in decimal digits")
}

/// Where the body in chunks ends that begins at `at`.
fn end_of_chunks(stream: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let line = stream.get(at..)?.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(stream.get(at..at + line)?).expect("text");
        let size = usize::from_str_radix(size, 16).expect("a size");
        at += line + 4 + size;
        if size == 0 {
            return (stream.len() >= at).then_some(at);
        }
    }
}

/// Where a MessagePack value ends. Written without the scanner that is tested with it.
fn end_of_value(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut left) = (0, 1_usize);
    while left > 0 {
        let first = *bytes.get(at)?;
        let number = |width: usize| -> Option<usize> {
            let digits = bytes.get(at + 1..at + 1 + width)?;
            Some(digits.iter().fold(0, |number, digit| number << 8 | usize::from(*digit)))
        };
        let (size, inside) = match first {
            0x80..=0x8f => (1, 2 * usize::from(first & 15)),
            0x90..=0x9f => (1, usize::from(first & 15)),
            0xa0..=0xbf => (1 + usize::from(first & 31), 0),
            0xc4..=0xc6 => (1 + (1 << (first - 0xc4)) + number(1 << (first - 0xc4))?, 0),
            0xc7..=0xc9 => (2 + (1 << (first - 0xc7)) + number(1 << (first - 0xc7))?, 0),
            0xca | 0xce | 0xd2 => (5, 0),
            0xcb | 0xcf | 0xd3 => (9, 0),
            0xcc | 0xd0 => (2, 0),
            0xcd | 0xd1 => (3, 0),
            0xd4..=0xd8 => (2 + (1 << (first - 0xd4)), 0),
            0xd9..=0xdb => (1 + (1 << (first - 0xd9)) + number(1 << (first - 0xd9))?, 0),
            0xdc | 0xdd => (1 + (2 << (first - 0xdc)), number(2 << (first - 0xdc))?),
            0xde | 0xdf => (1 + (2 << (first - 0xde)), 2 * number(2 << (first - 0xde))?),
            _ => (1, 0),
        };
        at += size;
        left += inside;
        left -= 1;
    }
    (at <= bytes.len()).then_some(at)
}

/// A message behind its length.
pub(crate) fn with_length(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a small message");
    [&length.to_be_bytes(), message].concat()
}

/// A message as a netstring.
pub(crate) fn as_netstring(message: &[u8]) -> Vec<u8> {
    [format!("{}:", message.len()).as_bytes(), message, b","].concat()
}

/// A message behind a header.
pub(crate) fn with_header(message: &[u8]) -> Vec<u8> {
    [format!("Content-Length: {}\r\n\r\n", message.len()).as_bytes(), message].concat()
}

/// The call `method(params..)`; without an id a notification. Params are encoded already.
pub(crate) fn call(wire: Wire, id: Option<u32>, method: &str, params: &[&[u8]]) -> Vec<u8> {
    match wire {
        Wire::Json => {
            let params: Vec<_> = params.iter().map(|one| String::from_utf8_lossy(one)).collect();
            let id = id.map_or_else(String::new, |id| format!(r#","id":{id}"#));
            let params = params.join(",");
            format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":[{params}]{id}}}"#).into()
        }
        Wire::MessagePack => {
            let mut out = match id {
                Some(id) => [&[0x94, 0, 0xce], &id.to_be_bytes()[..]].concat(),
                None => vec![0x93, 2],
            };
            out.push(0xa0 | u8::try_from(method.len()).expect("a short name"));
            out.extend(method.as_bytes());
            out.push(0x90 | u8::try_from(params.len()).expect("few params"));
            params.iter().for_each(|one| out.extend(*one));
            out
        }
    }
}

/// A call of add(40, 2), by which one learns that a connection lives and that all before it is done.
pub(crate) fn probe(wire: Wire) -> Vec<u8> {
    match wire {
        Wire::Json => br#"{"jsonrpc":"2.0","method":"add","params":[40,2],"id":"probe"}"#.into(),
        Wire::MessagePack => b"\x94\x00\xce\x7f\xff\xff\xfe\xa3add\x92\x28\x02".into(),
    }
}

/// True for the answer to [`probe`].
pub(crate) fn is_probed(wire: Wire, message: &[u8]) -> bool {
    match wire {
        Wire::Json => message == br#"{"jsonrpc":"2.0","id":"probe","result":42}"#,
        Wire::MessagePack => message == b"\x94\x01\xce\x7f\xff\xff\xfe\xc0\x2a",
    }
}

/// The bytes of a message on a stream in the protocol's own framing.
pub(crate) fn on_stream(wire: Wire, mut message: Vec<u8>) -> Vec<u8> {
    if wire == Wire::Json {
        message.push(b'\n');
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_found() {
        let mut stream =
            b"{\"a\":1}\n\x94\x01\xcd\x00\x05\xc0\xda\x00\x01x\0\0\0\x02[]\xde\x00\x01".to_vec();
        let found = take_messages(&mut stream);
        assert_eq!(found, [&b"{\"a\":1}"[..], b"\x94\x01\xcd\x00\x05\xc0\xda\x00\x01x", b"[]"]);
        assert_eq!(stream, b"\xde\x00\x01");
        let mut stream = [with_header(b"[]"), as_netstring(b"C"), with_header(b"")].concat();
        stream.extend(b"3:ab");
        assert_eq!(take_messages(&mut stream), [&b"[]"[..], b"C", b""]);
        assert_eq!(stream, b"3:ab");
        assert_eq!(end_of_value(b"\xc7\x02\x00ab\x00"), Some(5));
        assert_eq!(end_of_value(b"\x81\xa1a\x92\xcb\0\0\0\0\0\0\0\0\xc4\x01x"), Some(16));
        assert_eq!(end_of_value(b"\xc7\x02\x00a"), None);
    }
}
