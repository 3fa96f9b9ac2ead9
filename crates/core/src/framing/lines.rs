//! `Lines`: one message a line.

use crate::{Format, FrameReader, Framing, Scan};

/// Each message on a line of its own, ended by a line feed (a carriage return before it is
/// accepted). Empty lines are skipped.
///
/// Only for protocols whose messages hold no raw line feed, such as JSON as it is sent here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines;

impl Framing for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn carries(&self, format: Format) -> bool {
        format.is_text()
    }

    fn reader(&self, max_message: usize) -> Box<dyn FrameReader> {
        Box::new(LineReader { searched: 0, max_message })
    }

    fn close(&self, _start: usize, out: &mut Vec<u8>) {
        out.push(b'\n');
    }
}

#[derive(Debug)]
struct LineReader {
    /// How much of the unfinished line is known to hold no line feed.
    searched: usize,
    max_message: usize,
}

impl FrameReader for LineReader {
    fn find(&mut self, buffer: &[u8]) -> Scan {
        let fresh = buffer.get(self.searched..).unwrap_or_default();
        let Some(offset) = memchr::memchr(b'\n', fresh) else {
            self.searched = buffer.len();
            if self.searched > self.max_message {
                return Scan::too_large(self.max_message);
            }
            return Scan::Need(1);
        };
        let line = self.searched + offset;
        self.searched = 0;
        if line > self.max_message {
            return Scan::too_large(self.max_message);
        }
        let text = buffer.get(..line).unwrap_or_default();
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            return Scan::Skip(line + 1);
        }
        Scan::Frame { start: 0, end: text.len(), consumed: line + 1 }
    }
}
