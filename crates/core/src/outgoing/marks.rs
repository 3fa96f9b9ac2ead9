//! Where messages end in a queue that keeps no boundaries, for those who want to see each of them.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;

use super::{Base, Outgoing};

/// One message of the queue, in the order in which they were pushed.
#[derive(Debug)]
pub(crate) struct Mark {
    frame: Marked,
    /// The part of the frame that is not to be seen; empty for none.
    hidden: Range<usize>,
}

#[derive(Debug)]
enum Marked {
    /// A small frame.
    Small(Range<usize>),
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

    /// Notes a small frame, which begins where the one before it ends.
    #[cold]
    pub(super) fn mark_small(&mut self, end: usize) {
        let Some(marks) = &mut self.marks else { return };
        let last = marks.iter().rev().find_map(|mark| match &mark.frame {
            Marked::Small(range) => Some(range.end),
            Marked::Large(_) => None,
        });
        marks.push(Mark { frame: Marked::Small(last.unwrap_or(0)..end), hidden: 0..0 });
    }

    /// Notes a segment.
    #[cold]
    pub(super) fn mark_large(&mut self, bytes: &Bytes) {
        let Some(marks) = &mut self.marks else { return };
        marks.push(Mark { frame: Marked::Large(bytes.clone()), hidden: 0..0 });
    }

    /// Hides the params of the message that was pushed last, or all of it where it is not known
    /// what they are.
    #[cold]
    pub(crate) fn hide_last(&mut self, params: Option<&[u8]>) {
        let Some(mark) = self.marks.as_mut().and_then(|marks| marks.last_mut()) else { return };
        let frame = match &mark.frame {
            Marked::Small(range) => self.bytes.get(range.clone()).unwrap_or_default(),
            Marked::Large(bytes) => bytes,
        };
        let params = params.filter(|params| !params.is_empty());
        let found = params.and_then(|params| {
            let start = memmem::rfind(frame, params)?;
            Some(start..start + params.len())
        });
        mark.hidden = found.unwrap_or(0..frame.len());
    }

    /// The messages of another queue that was just appended to this one, by the notes that it had,
    /// each with the part of it that is not to be seen.
    pub(crate) fn marked<'a>(
        &'a self,
        base: Base,
        marks: &'a [Mark],
    ) -> impl Iterator<Item = (&'a [u8], Range<usize>)> {
        // INVARIANT: nothing was taken since, so what was appended begins where it was put.
        let offset = usize::try_from(base.small - self.base).unwrap_or(usize::MAX);
        let at = move |place: usize| offset.saturating_add(place);
        marks.iter().map(move |mark| {
            let frame = match &mark.frame {
                Marked::Small(range) => self.bytes.get(at(range.start)..at(range.end)),
                Marked::Large(bytes) => Some(&**bytes),
            };
            (frame.unwrap_or_default(), mark.hidden.clone())
        })
    }
}
