//! Messages in pieces: J3. What was looked at is never looked at again, so that a message that comes
//! byte by byte costs as much as it has bytes.
//!
//! No clock tells it: whatever lies behind the place where the reader stands is overwritten before
//! it goes on, and a reader that began again would see that.

use std::sync::Arc;

use tinyrpc::{
    Limits,
    protocols::{ContentLength, Framing, Length, Lines, NetString, Scan},
};

use crate::{
    BOTH,
    bench::protocol,
    beside,
    wire::{self, Wire},
};

/// No token of the messages is longer, and a token that is not whole may be looked at again.
const TOKEN: usize = 64;
/// The length before a message.
const HEAD: usize = 16;

/// A call with much inside, none of it long.
fn message(wire: Wire) -> Vec<u8> {
    const COUNT: u16 = 1000;
    let list = match wire {
        Wire::Json => {
            let item = r#"{"key":[1.5e3,-7,null],"wörter":"a \u00e9 b","more":{}}"#;
            format!("[{}]", vec![item; COUNT.into()].join(",")).into_bytes()
        }
        Wire::MessagePack => {
            let item = b"\x82\xa3key\x93\xcb?\xf8\0\0\0\0\0\0\xf9\xc0\xa4more\xc4\x02\0\0";
            [&[0xdc], &COUNT.to_be_bytes()[..], &item.repeat(COUNT.into())].concat()
        }
    };
    wire::call(wire, Some(1), "look", &[&list])
}

/// Feeds a stream in steps and gives the end of its first frame. All but the first `head` bytes are
/// overwritten with `poison` once they were looked at.
fn end(
    stream: &[u8],
    step: usize,
    (head, poison): (usize, u8),
    mut find: impl FnMut(&[u8]) -> Scan,
) -> usize {
    let mut buffer = Vec::with_capacity(stream.len());
    for piece in stream.chunks(step) {
        let seen = buffer.len();
        buffer.extend_from_slice(piece);
        if let Some(seen) = buffer.get_mut(head..seen.saturating_sub(TOKEN)) {
            seen.fill(poison);
        }
        match find(&buffer) {
            Scan::Need(_) => {}
            Scan::Frame { end, .. } => return end,
            other => panic!("{other:?} behind {} bytes, in steps of {step}", buffer.len()),
        }
    }
    panic!("no frame in {} bytes", stream.len())
}

#[test]
fn protocols_look_at_each_byte_once() {
    beside(|| {
        for wire in BOTH {
            let message = message(wire);
            let stream = wire::on_stream(wire, message.clone());
            for step in [1, 7, 1000] {
                let mut decoder = protocol(wire).open(&Limits::default()).decoder;
                let end = end(&stream, step, (0, 0xc1), |buffer| decoder.find(buffer));
                assert_eq!(end, message.len(), "{wire:?} in steps of {step}");
            }
        }
    });
}

/// Only the first bytes may be read anew: a length of four bytes, or that of a netstring.
#[test]
fn framings_look_at_each_byte_once() {
    beside(|| {
        let framings: [Arc<dyn Framing>; 4] =
            [Arc::new(Lines), Arc::new(Length), Arc::new(NetString), Arc::new(ContentLength)];
        for framing in framings {
            let mut stream = Vec::new();
            let start = framing.open(&mut stream);
            stream.extend(message(Wire::Json));
            framing.close(start, &mut stream);
            for step in [1, 7, 1000] {
                let mut reader = framing.reader(Limits::default().max_message);
                let end = end(&stream, step, (HEAD, b'\n'), |buffer| reader.find(buffer));
                assert!(stream.len() - end <= 1, "{framing:?} in steps of {step}");
            }
        }
    });
}
