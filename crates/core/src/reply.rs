//! `ReplyTo`: where the answer to one request is written, in place.

mod capture;

use std::fmt;

use serde::Serialize;

use crate::{
    BatchPart, Code, Format, FormatError, Id, PayloadRef, RpcError, format::Pieces, wire::Wire,
};

/// The one chance to answer a request.
///
/// The answer is encoded straight into the connection's buffer. What was begun is taken back when
/// the value does not encode or the handler panics, so that half an answer never leaves. The
/// answer to a notification goes nowhere.
pub struct ReplyTo<'a> {
    wire: &'a Wire,
    out: &'a mut Vec<u8>,
    /// Where the answer begins.
    mark: usize,
    id: Option<&'a Id<'a>>,
    member: Member,
    /// What is missing in `out`.
    pieces: Pieces,
    answer: Answer,
    /// Under which number somebody wants to know that the answer has left.
    followed: Option<u64>,
    /// What errors become before they are written.
    errors: Option<&'a (dyn Fn(RpcError) -> RpcError + 'a)>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// Nothing yet.
    None,
    /// Nothing yet, and nothing is missing.
    Promised,
    Result,
    Error(Code),
}

/// What the answer is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// A frame of its own.
    Frame,
    /// A member of a batch; answers before it are in the buffer, or not.
    Batch {
        /// A separator stands before it.
        first: bool,
        /// How many bytes the answers of the batch may take.
        limit: usize,
    },
}

impl<'a> ReplyTo<'a> {
    pub(crate) fn new(
        wire: &'a Wire,
        out: &'a mut Vec<u8>,
        id: Option<&'a Id<'a>>,
        member: Member,
    ) -> Self {
        let (mark, answer) = (out.len(), Answer::None);
        let pieces = match member {
            Member::Frame => wire.pieces(),
            Member::Batch { .. } => Pieces::new(usize::MAX),
        };
        Self { wire, out, mark, id, member, pieces, answer, followed: None, errors: None }
    }

    /// What is missing in the answer.
    pub(crate) fn into_pieces(self) -> Pieces {
        self.pieces
    }

    /// The format in which the caller wants the answer.
    pub fn format(&self) -> Format {
        self.wire.format()
    }

    /// True when nobody waits for an answer.
    pub fn is_notification(&self) -> bool {
        self.id.is_none()
    }

    /// True when the answer was given.
    pub fn is_answered(&self) -> bool {
        self.answer != Answer::None
    }

    /// The code of the error that was answered; `None` where it was a result, or nothing yet.
    pub fn error_code(&self) -> Option<Code> {
        match self.answer {
            Answer::Error(code) => Some(code),
            _ => None,
        }
    }

    /// Answers with a result.
    ///
    /// A value that does not encode, or one over the limit, is answered as an error.
    pub fn result<T: Serialize + ?Sized>(&mut self, value: &T) {
        let format = self.format();
        self.write(|out, pieces| format.encode_in_pieces(value, out, pieces));
    }

    /// Answers with a result that is encoded already, in [`ReplyTo::format`].
    pub fn payload(&mut self, value: PayloadRef<'_>) {
        self.write(|out, _| {
            out.extend_from_slice(value.bytes);
            Ok(())
        });
    }

    /// Answers with an error.
    pub fn error(&mut self, error: &RpcError) {
        match self.errors {
            None => self.write_error(error),
            Some(map) => self.write_error(&map(error.clone())),
        }
    }

    /// Has `write` answer, and errors become what `map` makes of them before they are written.
    ///
    /// For layers. Where one is inside another, the inner one's `map` comes first. An answer that
    /// turns out to be over a limit is an error of the connection, which no `map` sees.
    pub fn map_errors<R>(
        &mut self,
        map: &dyn Fn(RpcError) -> RpcError,
        write: impl FnOnce(&mut ReplyTo<'_>) -> R,
    ) -> R {
        let outer = self.errors;
        let both = |error| match outer {
            None => map(error),
            Some(outer) => outer(map(error)),
        };
        let mut inner = ReplyTo {
            wire: self.wire,
            out: &mut *self.out,
            mark: self.mark,
            id: self.id,
            member: self.member,
            pieces: std::mem::replace(&mut self.pieces, Pieces::new(usize::MAX)),
            answer: self.answer,
            followed: self.followed,
            errors: Some(&both),
        };
        let result = write(&mut inner);
        (self.answer, self.followed) = (inner.answer, inner.followed);
        self.pieces = inner.pieces;
        result
    }

    /// Takes back whatever was begun, as if the handler had not run.
    pub fn reset(&mut self) {
        self.take_back();
        self.answer = Answer::None;
        self.followed = None;
    }

    /// Has [`Session::poll_followed`](crate::Session::poll_followed) say under this number when
    /// the answer has taken its place in the queue.
    ///
    /// What is said after that is read after the answer. An answer may wait for others: for those
    /// of its batch, or for its turn.
    pub fn follow(&mut self, number: u64) {
        self.followed = Some(number);
    }

    /// The number under which the answer is followed.
    pub(crate) fn followed(&self) -> Option<u64> {
        self.followed
    }

    /// Leaves the answer for later.
    pub(crate) fn promise(&mut self) {
        self.answer = Answer::Promised;
    }

    fn write(&mut self, body: impl FnOnce(&mut Vec<u8>, &mut Pieces) -> Result<(), FormatError>) {
        let Some(id) = self.begin(Answer::Result) else { return };
        self.wire.encoder.begin_result(self.out, id);
        match body(self.out, &mut self.pieces) {
            Ok(()) => {
                self.wire.encoder.end_result(self.out, id);
                self.end(id);
            }
            Err(error) => {
                let why = format!("the result cannot be encoded: {error}");
                self.error(&RpcError::new(Code::UNSENDABLE, why));
            }
        }
    }

    fn write_error(&mut self, error: &RpcError) {
        let Some(id) = self.begin(Answer::Error(error.code)) else { return };
        self.wire.encoder.error(self.out, id, error);
        self.end(id);
    }

    /// Opens the frame or the batch member; `None` where there is nothing to answer.
    fn begin(&mut self, answer: Answer) -> Option<&'a Id<'a>> {
        self.take_back();
        self.answer = answer;
        let id = self.id?;
        match self.member {
            Member::Frame => _ = self.wire.open(self.out),
            Member::Batch { first: true, .. } => {}
            Member::Batch { first: false, .. } => {
                self.wire.encoder.batch(self.out, BatchPart::Between);
            }
        }
        Some(id)
    }

    fn take_back(&mut self) {
        self.out.truncate(self.mark);
        self.pieces.clear();
    }

    fn end(&mut self, id: &Id<'_>) {
        let (fits, name, limit) = match self.member {
            Member::Frame => {
                let fits = self.wire.close_around(self.pieces.len(), self.mark, self.out);
                (fits, "max_message", self.wire.most())
            }
            Member::Batch { limit, .. } => (self.out.len() <= limit, "max_batch_answers", limit),
        };
        if !fits {
            self.unsendable(id, format!("the answer is over the limit `{name}` of {limit} bytes"));
        }
    }

    /// Answers with a short error in place of an answer that cannot be sent.
    fn unsendable(&mut self, id: &Id<'_>, why: String) {
        if self.begin(Answer::Error(Code::UNSENDABLE)).is_some() {
            let error = RpcError::new(Code::UNSENDABLE, why);
            self.wire.encoder.error(self.out, id, &error);
            if self.member == Member::Frame {
                self.wire.close(self.mark, self.out);
            }
        }
    }
}

impl fmt::Debug for ReplyTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyTo")
            .field("id", &self.id)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "json"))]
mod tests;
