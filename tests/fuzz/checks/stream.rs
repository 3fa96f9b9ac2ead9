//! A stream of bytes: whatever its pieces are, the same messages come out of it.

use tinyrpc_core::{Codec, Format, FrameReader, Protocol, Scan};
use tinyrpc_protocols::{JsonRpc, MsgPackRpc};

use super::{Dice, bounds, frame, roomy, said::Said};

/// A stream to a peer that speaks JSON-RPC.
pub(crate) fn json_stream(data: &[u8]) {
    stream(&JsonRpc, data);
}

/// A stream to a peer that speaks MessagePack-RPC.
pub(crate) fn msgpack_stream(data: &[u8]) {
    stream(&MsgPackRpc, data);
    let [limits, _] = bounds();
    for event in read(&mut MsgPackRpc.open(&limits), data, |_| usize::MAX) {
        if let Event::Message { said, .. } = event {
            written_again(&MsgPackRpc::old(), said);
        }
    }
}

/// One thing that stands in a stream.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    /// A frame that ends at this byte of the stream.
    Message { end: usize, said: Said },
    /// Bytes that are no message, and what the peer is told about them.
    Bad { error: Option<(i64, String)>, fatal: bool },
}

fn stream(protocol: &dyn Protocol, data: &[u8]) {
    for limits in bounds() {
        let open = || protocol.open(&limits);
        let whole = read(&mut open(), data, |_| usize::MAX);
        assert_eq!(read(&mut open(), data, |_| 1), whole, "byte by byte, and whole");
        let mut dice = Dice::of(data);
        let pieces = read(&mut open(), data, |_| 1 + dice.below(LONGEST_PIECE));
        assert_eq!(pieces, whole, "in pieces, and whole");
        for event in whole {
            if let Event::Message { said, .. } = event {
                written_again(protocol, said);
            }
        }
    }
}

/// What is read of a message that is written again is the same message.
pub(super) fn written_again(protocol: &dyn Protocol, said: Said) {
    let mut codec = roomy(protocol);
    let format = codec.profile.format;
    let mut out = Vec::new();
    if !said.write(&*codec.encoder, format, &mut out) {
        return;
    }
    let end = out.len();
    codec.encoder.terminate(&mut out);
    let expected = Event::Message { end, said: said.written(format) };
    assert_eq!(read(&mut codec, &out, |_| usize::MAX), [expected], "{out:02x?}");
}

/// Everything that a stream holds, fed in pieces whose sizes `step` tells.
pub(super) fn read(
    codec: &mut Codec,
    stream: &[u8],
    step: impl FnMut(usize) -> usize,
) -> Vec<Event> {
    read_framed(codec, None, stream, step)
}

/// The same in a framing that stands in place of the protocol's own.
pub(super) fn read_framed(
    codec: &mut Codec,
    mut reader: Option<Box<dyn FrameReader>>,
    stream: &[u8],
    mut step: impl FnMut(usize) -> usize,
) -> Vec<Event> {
    let mut events = Vec::new();
    let (mut start, mut end) = (0, 0);
    while end < stream.len() {
        end = stream.len().min(end.saturating_add(step(end)));
        while start < end {
            let buffer = &stream[start..end];
            let scan = match &mut reader {
                Some(reader) => reader.find(buffer),
                None => codec.decoder.find(buffer),
            };
            match scan {
                Scan::Need(missing) => {
                    assert_ne!(missing, 0, "nothing is missing, but there is no frame");
                    break;
                }
                Scan::Skip(count) => {
                    assert!((1..=buffer.len()).contains(&count), "{count} of {}", buffer.len());
                    start += count;
                }
                Scan::Frame { start: from, end: to, consumed } => {
                    assert!(from <= to && to <= consumed && consumed <= buffer.len());
                    assert_ne!(consumed, 0);
                    let said = Said::read(&mut *codec.decoder, frame(&buffer[from..to]));
                    events.push(Event::Message { end: start + to, said });
                    start += consumed;
                }
                Scan::Bad { consumed, error, fatal } => {
                    let error = error.map(|error| (error.code.0, error.message.into_owned()));
                    // Without an id MessagePack-RPC tells nothing.
                    let error = error.filter(|_| codec.profile.format == Format::Json);
                    // What is told once is not told again, however many pieces it comes in.
                    if error.is_some() || fatal {
                        events.push(Event::Bad { error, fatal });
                    }
                    if fatal {
                        return events;
                    }
                    assert!((1..=buffer.len()).contains(&consumed));
                    start += consumed;
                }
            }
        }
    }
    events
}

/// Pieces of this size hold less than a message and more than one.
const LONGEST_PIECE: usize = 150;
