//! Where messages end in a queue that keeps no boundaries, for those who want to see each of them.

use bytes::Bytes;

use super::{Base, Outgoing};

/// One message of the queue, in the order in which they were pushed.
#[derive(Debug)]
pub(crate) enum Mark {
    /// A small frame; it begins where the one before it ends.
    Small {
        /// Its end in the buffer.
        end: usize,
    },
    /// A segment.
    Large(Bytes),
}

impl Outgoing {
    /// From now on notes where messages end.
    pub(crate) fn keep_marks(&mut self) {
        self.marks.get_or_insert_default();
    }

    /// The notes since the last time; none where they are not kept.
    pub(crate) fn take_marks(&mut self) -> Vec<Mark> {
        self.marks.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The messages of another queue that was just appended to this one, by the notes that it had.
    pub(crate) fn marked<'a>(
        &'a self,
        base: Base,
        marks: &'a [Mark],
    ) -> impl Iterator<Item = &'a [u8]> {
        // INVARIANT: nothing was taken since, so what was appended begins where it was put.
        let offset = usize::try_from(base.small - self.base).unwrap_or(usize::MAX);
        let mut start = 0;
        marks.iter().map(move |mark| match mark {
            Mark::Small { end } => {
                let frame =
                    self.bytes.get(offset.saturating_add(start)..offset.saturating_add(*end));
                start = *end;
                frame.unwrap_or_default()
            }
            Mark::Large(bytes) => bytes,
        })
    }
}
