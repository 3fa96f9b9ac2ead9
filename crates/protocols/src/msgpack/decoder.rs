//! [`MsgPackDecoder`]: frames from a stream of bytes, and messages from frames.

use std::mem;

use tinyrpc_core::{Decoder, FrameRef, Invalid, Limits, Message, Scan};

use super::{
    envelope::{self, Bounds},
    flat,
    scan::{Flaw, ScanLimits, Scanner, check},
};
use crate::mark::Mark;

/// The decoder of one connection.
#[derive(Debug)]
pub(super) struct MsgPackDecoder {
    scanner: Scanner,
    limits: ScanLimits,
    bounds: Bounds,
    max_message: usize,
    place: Place,
    /// The frame that the scanner found, and that need not be scanned again.
    found: Mark,
}

/// Where in the stream the decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Before,
    /// In a message that has not ended.
    Inside,
    /// Behind bytes that are no message.
    Dead,
}

impl MsgPackDecoder {
    pub(super) fn new(limits: &Limits) -> Self {
        let scan = ScanLimits {
            depth: limits.max_depth,
            values: limits.max_values,
            length: limits.max_message,
        };
        Self {
            scanner: Scanner::new(scan),
            limits: scan,
            bounds: Bounds { max_method: limits.max_method },
            max_message: limits.max_message,
            place: Place::Before,
            found: Mark::default(),
        }
    }

    /// What cannot be followed any further.
    #[cold]
    fn lost(&mut self) -> Scan {
        self.place = Place::Dead;
        Scan::Bad { consumed: 0, error: None, fatal: true }
    }

    #[cold]
    fn too_large(&mut self) -> Scan {
        self.place = Place::Dead;
        Scan::too_large(self.max_message)
    }

    /// Decodes a frame that this decoder did not find.
    #[inline(never)]
    fn decode_other<'f>(&self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>> {
        // Whoever gives a frame has bounded it: in chunks it may be larger than any that is found.
        let length = self.limits.length.max(frame.bytes.len());
        let limits = ScanLimits { length, ..self.limits };
        if flat::end(frame.bytes, &limits) == Some(frame.bytes.len()) {
            return envelope::message(frame, &self.bounds);
        }
        match check(frame.bytes, limits) {
            Ok(()) => envelope::message(frame, &self.bounds),
            Err(Flaw::Trailing { at }) => Err(envelope::trailing(frame.bytes, at)),
            Err(flaw) => Err(envelope::drop_silently(flaw.to_string())),
        }
    }
}

impl Decoder for MsgPackDecoder {
    fn find(&mut self, buffer: &[u8]) -> Scan {
        self.found = Mark::default();
        match (self.place, buffer.first()) {
            (Place::Inside, _) => {}
            (Place::Before, Some(0x90..=0x9f | 0xdc | 0xdd)) => {
                if let Some(end) = flat::end(buffer, &self.limits)
                    && end <= self.max_message
                {
                    self.found = Mark::of(buffer.get(..end).unwrap_or_default());
                    return Scan::frame(0, end);
                }
                self.scanner.reset();
            }
            (Place::Before, None) => return Scan::Need(1),
            _ => return self.lost(),
        }
        let end = match self.scanner.resume(buffer) {
            Ok(Some(end)) if end <= self.max_message => end,
            Ok(None) if buffer.len().saturating_add(self.scanner.missing()) <= self.max_message => {
                self.place = Place::Inside;
                return Scan::Need(self.scanner.missing());
            }
            Ok(_) => return self.too_large(),
            Err(_) => return self.lost(),
        };
        self.place = Place::Before;
        self.found = Mark::of(buffer.get(..end).unwrap_or_default());
        Scan::frame(0, end)
    }

    fn decode<'f>(&mut self, frame: FrameRef<'f>) -> Result<Message<'f>, Invalid<'f>> {
        // No slice is at the address 0 of the mark that is none.
        if mem::take(&mut self.found) != Mark::of(frame.bytes) {
            return self.decode_other(frame);
        }
        envelope::message(frame, &self.bounds)
    }
}
