//! `Wire`: how this connection writes a frame, shared by everybody who writes one.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use crate::{
    BatchPart, Encoder, Error, Format, Framing, Hint, Id, Limits, Message, Meta, Profile, Scan,
    Shape,
    draft::Draft,
    format::{Pieces, pieces::LEAST},
    streams::Terms,
};

/// The writing side of a connection's protocol and framing, once both are known.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) encoder: Arc<dyn Encoder>,
    pub(crate) framing: Option<Arc<dyn Framing>>,
    pub(crate) profile: Profile,
    pub(crate) shape: Shape,
    pub(crate) max_message: usize,
    /// The most bytes of one message, once the peer has said that it takes more in chunks.
    pub(crate) most: Arc<OnceLock<usize>>,
}

impl Wire {
    pub(crate) fn format(&self) -> Format {
        self.profile.format
    }

    /// What a transport is told about our frames.
    pub(crate) fn hint(&self) -> Hint {
        if self.format().is_text() { Hint::Text } else { Hint::Binary }
    }

    /// The same about a request that opens an exchange for its streams.
    pub(crate) fn opening_hint(&self) -> Hint {
        if self.format().is_text() { Hint::StreamingText } else { Hint::StreamingBinary }
    }

    /// Begins a frame at the end of `out`.
    pub(crate) fn open(&self, out: &mut Vec<u8>) -> usize {
        match &self.framing {
            Some(framing) => framing.open(out),
            None => out.len(),
        }
    }

    /// None yet for a frame, and from which size on there may be some: nothing that announces the
    /// length of a frame would know of them.
    pub(crate) fn pieces(&self) -> Pieces {
        let may_be = self.shape == Shape::Stream && self.framing.is_none();
        Pieces::new(if may_be { LEAST } else { usize::MAX })
    }

    /// The same for the value of a stream; none where a message would have to be made around it in
    /// a way that is not known.
    pub(crate) fn value_pieces(&self) -> Pieces {
        match self.profile.behind_value {
            Some(_) => self.pieces(),
            None => Pieces::new(usize::MAX),
        }
    }

    /// How many bytes end a message on a stream without framing.
    pub(crate) fn end(&self) -> usize {
        let mut end = Vec::new();
        self.encoder.terminate(&mut end);
        end.len()
    }

    /// Ends the frame that was opened at `start`; false where it is over the limit, and then it
    /// is taken back. So is one with nothing in it: some errors cannot be said in some protocols.
    pub(crate) fn close(&self, start: usize, out: &mut Vec<u8>) -> bool {
        self.close_around(0, start, out)
    }

    /// The same of a frame in which pieces of so many bytes are missing.
    pub(crate) fn close_around(&self, pieces: usize, start: usize, out: &mut Vec<u8>) -> bool {
        let head = self.framing.as_ref().map_or(0, |framing| framing.head());
        let size = out.len() - start - head + pieces;
        if size == 0 || size > self.max_message && size > self.most() {
            out.truncate(start);
            return size == 0;
        }
        self.close_unchecked(start, out);
        true
    }

    /// Bytes of the largest message that can be sent.
    pub(crate) fn most(&self) -> usize {
        self.most.get().map_or(self.max_message, |&most| most.max(self.max_message))
    }

    /// The peer has said what it takes in chunks: as much may be sent, but for our own limit.
    pub(crate) fn allow(&self, terms: &Terms, limits: &Limits) {
        if terms.chunk > 0 {
            _ = self.most.set(terms.split.min(limits.max_split));
        }
    }

    /// Appends anything but a request or a response. On an error `out` holds a part.
    pub(crate) fn message(&self, out: &mut Vec<u8>, message: &Message<'_>) -> Result<(), Error> {
        self.message_around(0, out, message)
    }

    /// The same of a message in which pieces of so many bytes are missing.
    pub(crate) fn message_around(
        &self,
        pieces: usize,
        out: &mut Vec<u8>,
        message: &Message<'_>,
    ) -> Result<(), Error> {
        let start = self.open(out);
        self.encoder.message(out, message)?;
        self.finish(pieces, start, out)
    }

    /// Ends a frame whose size was checked before.
    pub(crate) fn close_unchecked(&self, start: usize, out: &mut Vec<u8>) {
        match &self.framing {
            Some(framing) => framing.close(start, out),
            None if self.shape == Shape::Stream => self.encoder.terminate(out),
            None => {}
        }
    }

    /// Where the message is in a whole frame of this side.
    pub(crate) fn unframe(&self, frame: &[u8]) -> Range<usize> {
        if let Some(framing) = &self.framing {
            return match framing.reader(frame.len()).find(frame) {
                Scan::Frame { start, end, .. } => start..end,
                _ => 0..frame.len(),
            };
        }
        let mut end = Vec::new();
        if self.shape == Shape::Stream {
            self.encoder.terminate(&mut end);
        }
        0..frame.strip_suffix(end.as_slice()).unwrap_or(frame).len()
    }

    /// Appends a call, or a notification where there is no id. On an error `out` holds a part.
    pub(crate) fn request(
        &self,
        out: &mut Vec<u8>,
        id: Option<u64>,
        draft: &Draft<'_>,
    ) -> Result<(), Error> {
        let start = self.open(out);
        self.encoder.request(out, id.map(Id::Number).as_ref(), draft.method, draft.params)?;
        self.finish(0, start, out)
    }

    /// Appends a call with its companions. On an error `out` holds a part.
    pub(crate) fn request_with(
        &self,
        out: &mut Vec<u8>,
        id: Option<u64>,
        draft: &Draft<'_>,
        meta: &Meta,
    ) -> Result<(), Error> {
        let start = self.open(out);
        let id = id.map(Id::Number);
        self.encoder.request_with(out, id.as_ref(), draft.method, draft.params, meta)?;
        self.finish(0, start, out)
    }

    /// Appends calls and notifications as one batch.
    pub(crate) fn batch(
        &self,
        out: &mut Vec<u8>,
        ids: &[Option<u64>],
        drafts: &[(Draft<'_>, bool)],
    ) -> Result<(), Error> {
        let start = self.open(out);
        self.encoder.batch(out, BatchPart::Begin);
        for (index, ((draft, _), id)) in drafts.iter().zip(ids).enumerate() {
            if index > 0 {
                self.encoder.batch(out, BatchPart::Between);
            }
            self.encoder.request(out, id.map(Id::Number).as_ref(), draft.method, draft.params)?;
        }
        self.encoder.batch(out, BatchPart::End);
        self.finish(0, start, out)
    }

    /// Appends calls and notifications one by one, where the protocol has no batches.
    pub(crate) fn group(
        &self,
        out: &mut Vec<u8>,
        ids: &[Option<u64>],
        drafts: &[(Draft<'_>, bool)],
        ends: &mut Vec<usize>,
    ) -> Result<(), Error> {
        for ((draft, _), id) in drafts.iter().zip(ids) {
            self.request(out, *id, draft)?;
            ends.push(out.len());
        }
        Ok(())
    }

    fn finish(&self, pieces: usize, start: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.close_around(pieces, start, out) {
            return Ok(());
        }
        Err(Error::limit("max_message", self.most() as u64))
    }
}
