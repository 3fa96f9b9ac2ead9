//! `Length`: each message behind its length, four bytes, big-endian.

use crate::{FrameReader, Framing, Scan};

/// A length of four bytes, most significant first, before each message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Length;

impl Framing for Length {
    fn name(&self) -> &'static str {
        "length"
    }

    fn reader(&self, max_message: usize) -> Box<dyn FrameReader> {
        Box::new(LengthReader { max_message })
    }

    fn head(&self) -> usize {
        HEAD
    }

    fn close(&self, start: usize, out: &mut Vec<u8>) {
        // A message is never larger than `Limits::max_message`, which is below 2^32.
        let length = u32::try_from(out.len() - start - HEAD).unwrap_or(u32::MAX);
        if let Some(head) = out.get_mut(start..start + HEAD) {
            head.copy_from_slice(&length.to_be_bytes());
        }
    }
}

#[derive(Debug)]
struct LengthReader {
    max_message: usize,
}

impl FrameReader for LengthReader {
    fn find(&mut self, buffer: &[u8]) -> Scan {
        let Some((head, rest)) = buffer.split_first_chunk::<HEAD>() else {
            return Scan::Need(HEAD - buffer.len());
        };
        let length = u32::from_be_bytes(*head) as usize;
        if length > self.max_message {
            return Scan::too_large(self.max_message);
        }
        match length.checked_sub(rest.len()) {
            None | Some(0) => Scan::frame(HEAD, HEAD + length),
            Some(missing) => Scan::Need(missing),
        }
    }
}

const HEAD: usize = 4;
