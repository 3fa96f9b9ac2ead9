//! `Flow`: an answer of several messages that goes out while it comes.

use std::{collections::VecDeque, io};

use bytes::{Bytes, BytesMut};
use tinyrpc_core::{Ended, Lane};

use super::Form;

/// The messages that the session gave and the body has not taken.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) lane: Lane,
    pub(crate) form: Form,
    messages: VecDeque<Bytes>,
    size: usize,
    ended: Option<Ended>,
}

/// What a body finds.
#[derive(Debug)]
pub(crate) enum Flowing {
    /// So much of it, encoded.
    Some(Bytes),
    /// Nothing yet.
    Nothing,
    /// It was the last.
    End,
}

impl Flow {
    pub(crate) fn new(lane: Lane, form: Form) -> Self {
        Self { lane, form, messages: VecDeque::new(), size: 0, ended: None }
    }

    pub(crate) fn push(&mut self, message: Bytes) {
        self.size += message.len();
        self.messages.push_back(message);
    }

    /// False while more waits than should: what comes next stays where it is.
    pub(crate) fn has_room(&self) -> bool {
        self.size < ROOM
    }

    pub(crate) fn has_begun(&self) -> bool {
        !self.messages.is_empty()
    }

    /// The answer is complete, or never will be. The first word counts.
    pub(crate) fn end(&mut self, how: Ended) {
        self.ended.get_or_insert(how);
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// Everything that waits, encoded.
    ///
    /// # Errors
    ///
    /// The answer is incomplete and stays so: the body must not end as if it were whole.
    pub(crate) fn take(&mut self) -> io::Result<Flowing> {
        if self.messages.is_empty() {
            return match self.ended {
                None => Ok(Flowing::Nothing),
                Some(Ended::Answered) => Ok(Flowing::End),
                Some(_) => Err(io::Error::other("the stream was broken off")),
            };
        }
        let mut out = BytesMut::with_capacity(self.size + self.messages.len() * 8);
        for message in self.messages.drain(..) {
            self.form.write(&message, &mut out);
        }
        self.size = 0;
        Ok(Flowing::Some(out.freeze()))
    }

    /// The one message of an answer that is no stream, as it came.
    pub(crate) fn take_plain(&mut self) -> Option<Bytes> {
        self.messages.pop_front()
    }
}

/// Bytes that wait for the body of one answer before its stream waits: a write or two.
const ROOM: usize = 64 << 10;
